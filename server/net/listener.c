/* Accepts connections, and pauses when descriptors run out. */
#define _GNU_SOURCE /* accept4 */
#include "server/net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/net/bind.h"

#define DEFAULT_BACKLOG 1024
#define ACCEPTS_A_TURN 64 /* per turn of the loop */
#define PAUSE_US 100000
#define CALM_US 1000000

static int take_reserve(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int watch_all(struct listener *listener, unsigned wanted)
{
    int rc = 0;

    for (int i = 0; i < listener->n; i++)
        rc |= loop_watch_set(&listener->sockets[i].watch, listener->sockets[i].fd, wanted);
    return rc;
}

/* A constant 503, without reading the request. */
static void refuse(int fd)
{
    static const char response[] = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"
                                   "Content-Length: 0\r\nConnection: close\r\n\r\n";

    (void)!send(fd, response, sizeof(response) - 1, MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
    close(fd);
}

/* ---- out of descriptors or memory ------------------------------------------------------------ */

/* Refuses waiting clients by using the reserve descriptor. false: it was taken, or there is no
 * memory either. */
static bool refuse_waiting(struct listener *listener, struct listener_socket *s)
{
    bool able = listener->reserve != -1;
    int fd = -1;

    if (!able)
        return false;
    close(listener->reserve);
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd == -1) {
            able = errno == EAGAIN || errno == EWOULDBLOCK || errno == ECONNABORTED;
            break;
        }
        refuse(fd);
        listener->n_refused++;
    }
    listener->reserve = take_reserve();
    return able;
}

static void pause_accepting(struct listener *listener)
{
    listener->paused = true;
    (void)!watch_all(listener, 0);
    loop_timer_set(listener->loop, &listener->pause, clock_now_us() + PAUSE_US);
}

static void on_short(struct listener *listener, struct listener_socket *s, int error)
{
    int64_t now_us = clock_now_us();

    if (!listener->is_short) {
        log_warn("accept_paused", LOG_STR("addr", listener_text(listener)),
                 LOG_STR("error", strerror(error)));
        listener->is_short = true;
        listener->short_since_us = now_us;
        listener->n_refused = 0;
    }
    loop_timer_set(listener->loop, &listener->calm, now_us + CALM_US);
    if (!refuse_waiting(listener, s))
        pause_accepting(listener);
}

static void on_pause_over(struct timer *timer, void *arg)
{
    struct listener *listener = arg;

    (void)timer;
    if (listener->reserve == -1)
        listener->reserve = take_reserve();
    listener->paused = false;
    if (watch_all(listener, LOOP_READ))
        pause_accepting(listener);
}

/* No client was refused for a while: either there is room again, or none has connected. */
static void on_calm(struct timer *timer, void *arg)
{
    struct listener *listener = arg;
    int64_t now_us = clock_now_us();
    int fd = take_reserve();

    if (listener->reserve == -1) {
        listener->reserve = fd;
        fd = take_reserve();
    }
    if (fd == -1) {
        loop_timer_set(listener->loop, timer, now_us + CALM_US);
        return;
    }
    close(fd);
    listener->is_short = false;
    log_info("accept_resumed", LOG_STR("addr", listener_text(listener)),
             LOG_INT("refused", listener->n_refused),
             LOG_INT("after_ms", (now_us - listener->short_since_us) / 1000));
}

/* ---- accepting ------------------------------------------------------------------------------- */

static void on_acceptable(struct loop_watch *watch, unsigned ready, void *arg)
{
    struct listener_socket *s = arg;
    struct listener *listener = s->listener;
    int one = 1;

    (void)watch;
    (void)ready;
    for (int i = 0; i < ACCEPTS_A_TURN && s->fd != -1; i++) {
        int fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd == -1) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                on_short(listener, s, errno);
            else if (errno == EINTR || errno == ECONNABORTED || errno == EPERM || errno == EPROTO)
                continue; /* concerns that client only */
            return;
        }
        if (!address_is_unix(&s->address))
            (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        if (listener->on_accept(fd, listener->arg))
            refuse(fd);
    }
}

/* ---- life ------------------------------------------------------------------------------------ */

static int open_sockets(struct listener *listener, const struct listener_args *args,
                        struct err *err)
{
    struct bound bound;

    if (bind_all(&bound, args->address, args->backlog ? args->backlog : DEFAULT_BACKLOG, err))
        return -1;
    for (int i = 0; i < bound.n; i++)
        listener->sockets[listener->n++] =
            (struct listener_socket){.listener = listener, .fd = bound.fds[i]};
    listener->unlink_path = bound.is_unix;
    return 0;
}

static int serve(struct listener *listener, struct listener_socket *s, struct err *err)
{
    if (address_of_socket(&s->address, s->fd, err))
        return -1;
    address_format(&s->address, s->text);
    if (loop_watch_init(&s->watch, listener->loop, on_acceptable, s, err))
        return -1;
    if (loop_watch_set(&s->watch, s->fd, LOOP_READ))
        return err_set_errno(err, ERR_UNAVAILABLE, "%s: cannot be watched", s->text);
    return 0;
}

int listener_open(struct listener *listener, const struct listener_args *args, struct err *err)
{
    *listener = (struct listener){.loop = args->loop,
                                  .reserve = take_reserve(),
                                  .on_accept = args->on_accept,
                                  .arg = args->arg};
    timer_init(&listener->pause, on_pause_over, listener);
    timer_init(&listener->calm, on_calm, listener);
    if (open_sockets(listener, args, err))
        goto fail;
    for (int i = 0; i < listener->n; i++)
        if (serve(listener, &listener->sockets[i], err))
            goto fail;
    return 0;
fail:
    listener_close(listener);
    return -1;
}

static void close_socket(struct listener *listener, struct listener_socket *s)
{
    const struct sockaddr_un *sun = (const struct sockaddr_un *)&s->address.sa;

    if (s->watch.event) {
        (void)!loop_watch_set(&s->watch, s->fd, 0);
        loop_watch_release(&s->watch);
    }
    if (listener->unlink_path && address_is_unix(&s->address))
        unlink(sun->sun_path);
    close(s->fd);
    s->fd = -1;
}

void listener_close(struct listener *listener)
{
    if (!listener->loop)
        return;
    loop_timer_remove(listener->loop, &listener->pause);
    loop_timer_remove(listener->loop, &listener->calm);
    for (int i = 0; i < listener->n; i++)
        close_socket(listener, &listener->sockets[i]);
    if (listener->reserve != -1)
        close(listener->reserve);
    listener->n = 0;
    listener->loop = NULL;
}

void listener_set_backlog(struct listener *listener, int backlog)
{
    for (int i = 0; i < listener->n; i++)
        (void)listen(listener->sockets[i].fd,
                     backlog); /* on a listening socket it only changes this */
}

const char *listener_text(const struct listener *listener)
{
    return listener->sockets[0].text;
}
