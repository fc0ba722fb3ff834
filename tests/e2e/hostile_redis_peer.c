/* A scripted Redis server. */
#include "tests/e2e/hostile_redis_peer.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/loopback.h"

#define OK VIEW_LIT("+OK\r\n")

/* One connection, served as long as the row it began with is current. */
struct guest {
    struct peer *peer;
    const struct peer_row *row;
    int fd, generation;
    bool over;
};

static bool is_over(const struct guest *guest)
{
    return guest->over || atomic_load(&guest->peer->stop) ||
           atomic_load(&guest->peer->generation) != guest->generation;
}

static void send_some(struct guest *guest, const char *bytes, size_t n)
{
    while (n && !is_over(guest)) {
        struct pollfd room = {.fd = guest->fd, .events = POLLOUT};
        ssize_t done;

        if (poll(&room, 1, 5) <= 0)
            continue;
        done = send(guest->fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (done <= 0) {
            guest->over = true;
            return;
        }
        bytes += done;
        n -= (size_t)done;
    }
}

static void reply(struct guest *guest, struct view bytes)
{
    const size_t step = guest->row->by_bytes ? 1 : bytes.len;

    for (size_t at = 0; at < bytes.len; at += step)
        send_some(guest, bytes.ptr + at, step);
}

static void answer_list(struct guest *guest)
{
    const struct peer_row *row = guest->row;
    int answers = row->answers ? row->answers : 1;

    if (row->resets) {
        setsockopt(guest->fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
        guest->over = true;
        return;
    }
    while (!row->mute && answers--)
        reply(guest, row->to_lrange.ptr ? row->to_lrange : guest->peer->list);
    while (row->then.ptr && !is_over(guest))
        reply(guest, row->then);
    if (row->later.ptr) {
        usleep(10000);
        reply(guest, row->later);
    }
    guest->over |= row->closes;
}

static void answer_select(struct guest *guest)
{
    const struct peer_row *row = guest->row;

    usleep((useconds_t)row->greets_ms * 1000);
    guest->over |= row->closes_on_select;
    reply(guest, row->to_select.ptr ? row->to_select : OK);
}

/* Commands arrive complete, possibly several at a time: their names, in order. */
static void answer(struct guest *guest, const char *bytes)
{
    for (const char *at = bytes; (at = strstr(at, "\r\n")) && !is_over(guest); at += 2)
        if (strncmp(at + 2, "AUTH\r\n", 6) == 0)
            reply(guest, guest->row->to_auth.ptr ? guest->row->to_auth : OK);
        else if (strncmp(at + 2, "SELECT\r\n", 8) == 0)
            answer_select(guest);
        else if (strncmp(at + 2, "LRANGE\r\n", 8) == 0)
            answer_list(guest);
}

static void serve(struct guest *guest)
{
    char bytes[65536];

    if (guest->row->greets.ptr) {
        reply(guest, guest->row->greets);
        guest->over |= guest->row->closes;
    }
    while (!is_over(guest)) {
        struct pollfd readable = {.fd = guest->fd, .events = POLLIN};
        ssize_t n;

        if (poll(&readable, 1, 5) <= 0)
            continue;
        n = recv(guest->fd, bytes, sizeof(bytes) - 1, MSG_DONTWAIT);
        if (n <= 0)
            return;
        bytes[n] = '\0';
        answer(guest, bytes);
    }
}

static void *run(void *arg)
{
    struct peer *peer = arg;

    while (!atomic_load(&peer->stop)) {
        struct pollfd readable = {.fd = peer->listen_fd, .events = POLLIN};
        struct guest guest = {.peer = peer};

        if (poll(&readable, 1, 5) <= 0)
            continue;
        guest.fd = accept(peer->listen_fd, NULL, NULL);
        guest.generation = atomic_load(&peer->generation);
        guest.row = atomic_load(&peer->row);
        if (guest.fd == -1)
            continue;
        serve(&guest);
        close(guest.fd);
    }
    return NULL;
}

void peer_start(struct peer *peer, struct view list)
{
    static const struct peer_row good = {.name = "good"};

    *peer = (struct peer){.list = list};
    atomic_store(&peer->row, &good);
    peer->listen_fd = loopback_listen(&peer->port);
    CHECK(pthread_create(&peer->thread, NULL, run, peer) == 0);
}

void peer_set(struct peer *peer, const struct peer_row *row)
{
    atomic_store(&peer->row, row);
    atomic_fetch_add(&peer->generation, 1);
}

void peer_stop(struct peer *peer)
{
    atomic_store(&peer->stop, true);
    pthread_join(peer->thread, NULL);
    close(peer->listen_fd);
}
