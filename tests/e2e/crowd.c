/* Many clients at once, sent and read by one thread. */
#include "tests/e2e/crowd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/test.h"

static int connect_to(const char *address, int receive_bytes)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const char *colon = strrchr(address, ':');
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CHECK(fd != -1 && colon);
    to.sin_port = htons((uint16_t)atoi(colon + 1));
    if (receive_bytes)
        CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes)), 0);
    CHECK_INT(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    CHECK_INT(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

void crowd_open(struct crowd *crowd, const char *address, int n)
{
    crowd->n = n;
    crowd->clients = calloc((size_t)n, sizeof(*crowd->clients));
    CHECK(crowd->clients);
    for (int i = 0; i < n; i++)
        crowd->clients[i].fd = connect_to(address, crowd->receive_bytes);
}

static void hang_up(struct crowd_client *client)
{
    if (client->fd != -1)
        close(client->fd);
    client->fd = -1;
}

static void send_more(const struct crowd *crowd, struct crowd_client *client)
{
    ssize_t n = send(client->fd, crowd->bytes.ptr + client->sent, crowd->bytes.len - client->sent,
                     MSG_NOSIGNAL);

    if (n > 0)
        client->sent += (size_t)n;
    else if (n == -1 && errno != EAGAIN && !crowd->reads)
        hang_up(client);
    else if (n == -1 && errno != EAGAIN)
        client->sent = crowd->bytes.len; /* refused: the response still to be read has the status */
}

/* The first bytes of an answer hold its status. */
static void receive(struct crowd_client *client)
{
    char bytes[4096];
    ssize_t n = recv(client->fd, bytes, sizeof(bytes) - 1, 0);

    if (n == -1 && errno == EAGAIN)
        return;
    if (n > 0) {
        bytes[n] = '\0';
        (void)!sscanf(bytes, "HTTP/1.1 %d", &client->status);
    }
    hang_up(client);
}

bool crowd_run(struct crowd *crowd, int ms)
{
    int64_t until_us = clock_now_us() + ms * 1000LL;
    struct pollfd *fds = calloc((size_t)crowd->n, sizeof(*fds));
    int n_busy;

    CHECK(fds);
    do {
        n_busy = 0;
        for (int i = 0; i < crowd->n; i++) {
            const struct crowd_client *client = &crowd->clients[i];
            bool sends = client->fd != -1 && client->sent < crowd->bytes.len;

            fds[i] = (struct pollfd){
                .fd = sends || crowd->reads ? client->fd : -1,
                .events = (short)((sends ? POLLOUT : 0) | (crowd->reads ? POLLIN : 0))};
            n_busy += fds[i].fd != -1;
        }
        if (n_busy == 0 || poll(fds, (nfds_t)crowd->n, 10) == -1)
            break;
        for (int i = 0; i < crowd->n; i++) {
            if (fds[i].revents & (POLLOUT | POLLERR) && crowd->clients[i].sent < crowd->bytes.len)
                send_more(crowd, &crowd->clients[i]);
            if (fds[i].revents & (POLLIN | POLLHUP) && crowd->reads)
                receive(&crowd->clients[i]);
        }
    } while (clock_now_us() < until_us);
    free(fds);
    return n_busy == 0;
}

int crowd_count(const struct crowd *crowd, int status)
{
    int n = 0;

    for (int i = 0; i < crowd->n; i++)
        n += crowd->clients[i].status == status;
    return n;
}

void crowd_close(struct crowd *crowd)
{
    for (int i = 0; i < crowd->n; i++)
        hang_up(&crowd->clients[i]);
    free(crowd->clients);
    crowd->clients = NULL;
}
