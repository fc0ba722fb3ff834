#include "tests/e2e/redis_proxy.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/test.h"

#define MAX_PAIRS 32
#define LATE_US 200000

/* ends[0]: the daemon's, ends[1]: Redis'. */
struct pair {
    int ends[2];
};

static int dial(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd != -1 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == -1) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static void end_pair(struct pair *pair, bool reset)
{
    struct linger now = {.l_onoff = 1};

    if (reset)
        setsockopt(pair->ends[0], SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(pair->ends[0]);
    close(pair->ends[1]);
    *pair = (struct pair){{-1, -1}};
}

static void send_all(int fd, const char *bytes, size_t n)
{
    while (n) {
        ssize_t done = send(fd, bytes, n, MSG_NOSIGNAL);

        if (done <= 0)
            return;
        bytes += done;
        n -= (size_t)done;
    }
}

/* Bytes came from one end. */
static void carry(struct proxy *proxy, struct pair *pair, int from, const char *bytes, size_t n)
{
    enum proxy_mode mode = (enum proxy_mode)atomic_load(&proxy->mode);
    const char *reply = atomic_load(&proxy->reply);

    if (mode == PROXY_PASS || mode == PROXY_LATE) {
        if (mode == PROXY_LATE && from == 1)
            usleep(LATE_US);
        send_all(pair->ends[1 - from], bytes, n);
        return;
    }
    if (from == 1)
        return;
    if (mode == PROXY_SAY || mode == PROXY_SAY_AND_CLOSE)
        send_all(pair->ends[0], reply, strlen(reply));
    if (mode == PROXY_SAY_AND_CLOSE || mode == PROXY_RESET)
        end_pair(pair, mode == PROXY_RESET);
}

static void take(struct proxy *proxy, struct pair *pair, int from)
{
    char bytes[16384];
    ssize_t n = recv(pair->ends[from], bytes, sizeof(bytes), MSG_DONTWAIT);

    if (n > 0)
        carry(proxy, pair, from, bytes, (size_t)n);
    else
        end_pair(pair, false);
}

static void welcome(struct proxy *proxy, struct pair *pairs)
{
    int fd = accept(proxy->listen_fd, NULL, NULL), redis;

    for (int i = 0; fd != -1 && i < MAX_PAIRS; i++) {
        if (pairs[i].ends[0] != -1)
            continue;
        redis = dial(proxy->redis_port);
        if (redis == -1)
            break;
        pairs[i] = (struct pair){{fd, redis}};
        return;
    }
    if (fd != -1)
        close(fd);
}

static void *run(void *arg)
{
    struct proxy *proxy = arg;
    struct pair pairs[MAX_PAIRS];

    for (int i = 0; i < MAX_PAIRS; i++)
        pairs[i] = (struct pair){{-1, -1}};
    while (!atomic_load(&proxy->stop)) {
        struct pollfd wait[1 + 2 * MAX_PAIRS] = {{.fd = proxy->listen_fd, .events = POLLIN}};

        for (int i = 0; i < 2 * MAX_PAIRS; i++)
            wait[1 + i] = (struct pollfd){.fd = pairs[i / 2].ends[i % 2], .events = POLLIN};
        if (poll(wait, 1 + 2 * MAX_PAIRS, 20) <= 0)
            continue;
        for (int i = 0; i < 2 * MAX_PAIRS; i++)
            if (wait[1 + i].revents && pairs[i / 2].ends[i % 2] == wait[1 + i].fd)
                take(proxy, &pairs[i / 2], i % 2);
        if (wait[0].revents)
            welcome(proxy, pairs);
    }
    for (int i = 0; i < MAX_PAIRS; i++)
        if (pairs[i].ends[0] != -1)
            end_pair(&pairs[i], false);
    return NULL;
}

void proxy_start(struct proxy *proxy, int redis_port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(at);

    *proxy = (struct proxy){.redis_port = redis_port};
    proxy->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(bind(proxy->listen_fd, (struct sockaddr *)&at, sizeof(at)) == 0);
    CHECK(listen(proxy->listen_fd, 64) == 0);
    CHECK(getsockname(proxy->listen_fd, (struct sockaddr *)&at, &len) == 0);
    proxy->port = ntohs(at.sin_port);
    CHECK(pthread_create(&proxy->thread, NULL, run, proxy) == 0);
}

void proxy_set(struct proxy *proxy, enum proxy_mode mode, const char *reply)
{
    atomic_store(&proxy->reply, reply);
    atomic_store(&proxy->mode, (int)mode);
}

void proxy_stop(struct proxy *proxy)
{
    atomic_store(&proxy->stop, true);
    pthread_join(proxy->thread, NULL);
    close(proxy->listen_fd);
}
