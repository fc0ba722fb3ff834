#define _GNU_SOURCE /* accept4 */
#include "server/net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define DEFAULT_BACKLOG 1024
#define ACCEPTS_A_TURN 64 /* then others get their turn */
#define PAUSE_US 100000

static const char busy_answer[] = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"
                                  "Content-Length: 0\r\nConnection: close\r\n\r\n";

static int take_reserve(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* One client is told, by means of the reserve; the others wait in the kernel's queue. */
static void shed_one(struct listener *listener)
{
    int fd;

    if (listener->reserve == -1)
        return;
    close(listener->reserve);
    fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd != -1) {
        (void)!send(fd, busy_answer, sizeof(busy_answer) - 1, MSG_NOSIGNAL);
        shutdown(fd, SHUT_WR);
        close(fd);
    }
    listener->reserve = take_reserve();
}

static void pause_accepting(struct listener *listener, int error)
{
    log_warn("accept_paused", LOG_STR("addr", listener->text), LOG_STR("error", strerror(error)));
    shed_one(listener);
    listener->paused = true;
    if (loop_watch_set(&listener->watch, listener->fd, 0) == 0)
        loop_timer_set(listener->loop, &listener->pause, clock_now_us() + PAUSE_US);
}

static void on_pause_over(struct timer *timer, void *arg)
{
    struct listener *listener = arg;

    (void)timer;
    if (listener->reserve == -1)
        listener->reserve = take_reserve();
    listener->paused = false;
    if (loop_watch_set(&listener->watch, listener->fd, LOOP_READ))
        pause_accepting(listener, errno);
}

static void on_acceptable(struct loop_watch *watch, unsigned ready, void *arg)
{
    struct listener *listener = arg;
    int one = 1;

    (void)watch;
    (void)ready;
    for (int i = 0; i < ACCEPTS_A_TURN && listener->fd != -1; i++) {
        int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd == -1) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                pause_accepting(listener, errno);
            else if (errno == EINTR || errno == ECONNABORTED || errno == EPERM || errno == EPROTO)
                continue; /* that client's affair */
            return;
        }
        if (!address_is_unix(&listener->address))
            (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        listener->on_accept(fd, listener->arg);
    }
}

/* A socket file that nobody listens on is a leftover. */
static void remove_stale(const struct address *address)
{
    const struct sockaddr_un *sun = (const struct sockaddr_un *)&address->sa;
    struct stat st;
    int fd;

    if (lstat(sun->sun_path, &st) == -1 || !S_ISSOCK(st.st_mode))
        return;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                0); /* its backlog may be full */
    if (fd == -1)
        return;
    if (connect(fd, (const struct sockaddr *)sun, address->len) == -1 && errno == ECONNREFUSED)
        unlink(sun->sun_path);
    close(fd);
}

static int bind_address(struct listener *listener, const struct listener_args *args,
                        struct err *err)
{
    struct address *address = &listener->address;
    int one = 1;

    if (address_parse(address, args->address, err))
        return -1;
    if (address_is_unix(address))
        remove_stale(address);
    listener->fd = socket(address->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener->fd == -1)
        return err_set_errno(err, ERR_UNAVAILABLE, "%s: socket", args->address);
    if (!address_is_unix(address))
        (void)setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(listener->fd, (struct sockaddr *)&address->sa, address->len) == -1)
        return err_set_errno(err, ERR_UNAVAILABLE, "%s: bind", args->address);
    listener->unlink_path = address_is_unix(address);
    if (listen(listener->fd, args->backlog ? args->backlog : DEFAULT_BACKLOG) == -1)
        return err_set_errno(err, ERR_UNAVAILABLE, "%s: listen", args->address);
    return 0;
}

static int adopt(struct listener *listener, int fd, struct err *err)
{
    int flags = fcntl(fd, F_GETFL);

    listener->fd = fd;
    if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) == -1)
        return err_set_errno(err, ERR_UNAVAILABLE, "descriptor %d", fd);
    return 0;
}

int listener_open(struct listener *listener, const struct listener_args *args, struct err *err)
{
    *listener = (struct listener){.loop = args->loop,
                                  .fd = -1,
                                  .reserve = take_reserve(),
                                  .on_accept = args->on_accept,
                                  .arg = args->arg};
    timer_init(&listener->pause, on_pause_over, listener);
    if (args->inherited ? adopt(listener, args->fd, err) : bind_address(listener, args, err))
        goto fail;
    if (address_of_socket(&listener->address, listener->fd, err))
        goto fail;
    address_format(&listener->address, listener->text);
    if (loop_watch_init(&listener->watch, listener->loop, on_acceptable, listener, err))
        goto fail;
    if (loop_watch_set(&listener->watch, listener->fd, LOOP_READ)) {
        err_set_errno(err, ERR_UNAVAILABLE, "%s: cannot be watched", listener->text);
        goto fail;
    }
    return 0;
fail:
    listener_close(listener);
    return -1;
}

void listener_close(struct listener *listener)
{
    const struct sockaddr_un *sun = (const struct sockaddr_un *)&listener->address.sa;

    if (listener->watch.event) {
        (void)!loop_watch_set(&listener->watch, listener->fd, 0);
        loop_timer_remove(listener->loop, &listener->pause);
        loop_watch_release(&listener->watch);
    }
    if (listener->unlink_path)
        unlink(sun->sun_path);
    listener->unlink_path = false;
    if (listener->fd != -1)
        close(listener->fd);
    if (listener->reserve != -1)
        close(listener->reserve);
    listener->fd = listener->reserve = -1;
}

const char *listener_text(const struct listener *listener)
{
    return listener->text;
}
