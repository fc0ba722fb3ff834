/* A scripted HTTP server for adrank-bench to load. */
#include "tests/e2e/bench_peer.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/loopback.h"

#define MAX_CONNS 128

static const char body[] = "{\"results\":[],\"degraded\":[],\"timing_us\":{\"parse\":1,"
                           "\"features\":1,\"queue\":1,\"infer\":1,"
                           "\"rank\":1,\"total\":5}}";
static char answer[512];

struct conn {
    int fd;
    char bytes[16384]; /* of an incomplete request */
    size_t len;
};

struct conns {
    struct conn conn[MAX_CONNS];
    int n;
};

static void drop(struct conns *conns, int i)
{
    close(conns->conn[i].fd);
    conns->conn[i] = conns->conn[--conns->n];
}

static void leave_or_return(struct bench_peer *peer, struct conns *conns)
{
    if (!atomic_load(&peer->away)) {
        if (peer->listen_fd == -1)
            peer->listen_fd = loopback_listen(&peer->port);
        return;
    }
    while (conns->n)
        drop(conns, conns->n - 1);
    if (peer->listen_fd != -1)
        close(peer->listen_fd);
    peer->listen_fd = -1;
}

static void accept_one(struct bench_peer *peer, struct conns *conns)
{
    int fd = accept4(peer->listen_fd, NULL, NULL, SOCK_CLOEXEC);

    if (fd == -1 || conns->n == MAX_CONNS)
        return;
    conns->conn[conns->n].fd = fd;
    conns->conn[conns->n++].len = 0;
    atomic_fetch_add(&peer->n_accepted, 1);
}

/* Size of the first complete request; 0 if none. */
static size_t whole_request(struct conn *conn)
{
    const char *end, *length;
    size_t size;

    conn->bytes[conn->len] = '\0';
    end = strstr(conn->bytes, "\r\n\r\n");
    length = strstr(conn->bytes, "Content-Length: ");
    if (!end || !length)
        return 0;
    size = (size_t)(end + 4 - conn->bytes) + strtoul(length + 16, NULL, 10);
    return size <= conn->len ? size : 0;
}

static void count_marks(struct bench_peer *peer, const char *request, size_t size)
{
    for (int i = 0; i < BENCH_PEER_MARKS; i++) {
        const char *mark = atomic_load(&peer->marks[i]);

        if (mark && memmem(request, size, mark, strlen(mark)))
            atomic_fetch_add(&peer->n_marked[i], 1);
    }
}

/* Returns false if the connection must be closed. */
static bool serve(struct bench_peer *peer, struct conn *conn)
{
    int cut_every = atomic_load(&peer->cut_every);
    ssize_t n = recv(conn->fd, conn->bytes + conn->len, sizeof(conn->bytes) - 1 - conn->len, 0);
    size_t size;

    if (n <= 0)
        return false;
    conn->len += (size_t)n;
    while ((size = whole_request(conn))) {
        count_marks(peer, conn->bytes, size);
        memmove(conn->bytes, conn->bytes + size, conn->len - size);
        conn->len -= size;
        if (cut_every && (peer->n_answered + peer->n_cut + 1) % cut_every == 0) {
            atomic_fetch_add(&peer->n_cut, 1);
            return false;
        }
        atomic_fetch_add(&peer->n_answered, 1); /* before the client can see the answer */
        if (send(conn->fd, answer, strlen(answer), MSG_NOSIGNAL) == -1)
            return false;
    }
    return true;
}

static void *run(void *arg)
{
    struct bench_peer *peer = arg;
    static struct conns conns;
    struct pollfd fds[MAX_CONNS + 1];

    conns.n = 0;
    while (!atomic_load(&peer->stop)) {
        leave_or_return(peer, &conns);
        fds[MAX_CONNS] = (struct pollfd){.fd = peer->listen_fd, .events = POLLIN};
        for (int i = 0; i < MAX_CONNS; i++)
            fds[i] = (struct pollfd){.fd = i < conns.n ? conns.conn[i].fd : -1, .events = POLLIN};
        if (poll(fds, MAX_CONNS + 1, 5) <= 0)
            continue;
        for (int i = conns.n - 1; i >= 0; i--) /* backwards, as the last one fills a gap */
            if (fds[i].revents && !serve(peer, &conns.conn[i]))
                drop(&conns, i);
        if (fds[MAX_CONNS].revents)
            accept_one(peer, &conns);
    }
    while (conns.n)
        drop(&conns, conns.n - 1);
    return NULL;
}

void bench_peer_start(struct bench_peer *peer)
{
    *peer = (struct bench_peer){.listen_fd = -1};
    snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
             strlen(body), body);
    peer->listen_fd = loopback_listen(&peer->port);
    snprintf(peer->address, sizeof(peer->address), "127.0.0.1:%d", peer->port);
    CHECK(pthread_create(&peer->thread, NULL, run, peer) == 0);
}

void bench_peer_stop(struct bench_peer *peer)
{
    atomic_store(&peer->stop, 1);
    pthread_join(peer->thread, NULL);
    if (peer->listen_fd != -1)
        close(peer->listen_fd);
}
