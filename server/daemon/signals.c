#include <signal.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "server/daemon/state.h"

static sigset_t handled(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGUSR2);
    return set;
}

int daemon_block_signals(struct err *err)
{
    sigset_t set = handled();

    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a log at its size limit loses lines, nothing else */
    if (pthread_sigmask(SIG_BLOCK, &set, NULL))
        return err_set(err, ERR_INTERNAL, "signals cannot be blocked");
    return 0;
}

static void end_loop(struct daemon *d)
{
    d->stopping = true;
    loop_stop(&d->loop);
}

static void on_drained(const struct drain_outcome *outcome, void *arg)
{
    struct daemon *d = arg;

    log_info("drained", LOG_INT("cut", outcome->cut));
    end_loop(d);
}

void daemon_drain(struct daemon *d)
{
    if (d->draining)
        return;
    d->draining = true;
    log_info("draining", LOG_INT("connections", server_connections(&d->server)));
    server_drain(&d->server, on_drained, d);
}

static void on_terminate(struct daemon *d, uint32_t signal_number)
{
    if (d->signalled) {
        log_warn("stopping_at_once", LOG_INT("signal", signal_number),
                 LOG_INT("cut", server_connections(&d->server)));
        end_loop(d);
        return;
    }
    d->signalled = true; /* a drain that POST /admin/drain began goes on */
    daemon_drain(d);
}

static void on_signal(struct loop_watch *watch, unsigned ready, void *arg)
{
    struct daemon *d = arg;
    struct signalfd_siginfo info;

    (void)ready;
    while (read(watch->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        switch (info.ssi_signo) {
        case SIGHUP:
            daemon_reload_soon(d);
            break;
        case SIGUSR2: /* the name is taken; its default would end the process */
            log_warn("signal_ignored", LOG_STR("signal", "USR2"),
                     LOG_STR("reason", "there is no hand-over to a successor yet"));
            break;
        default:
            on_terminate(d, info.ssi_signo);
        }
    }
}

int daemon_watch_signals(struct daemon *d, struct err *err)
{
    sigset_t set = handled();

    d->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (d->signal_fd == -1)
        return err_set_errno(err, ERR_UNAVAILABLE, "signalfd");
    if (loop_watch_init(&d->signals, &d->loop, on_signal, d, err)) {
        close(d->signal_fd);
        return -1;
    }
    d->has_watch = true;
    if (loop_watch_set(&d->signals, d->signal_fd, LOOP_READ))
        return err_set_errno(err, ERR_UNAVAILABLE, "signals");
    return 0;
}

void daemon_unwatch_signals(struct daemon *d)
{
    if (!d->has_watch)
        return;
    loop_watch_release(&d->signals);
    close(d->signal_fd);
}

void daemon_release_signals(void)
{
    const struct timespec none = {0};
    sigset_t ending, alarm_too;

    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGINT);
    alarm_too = ending;
    sigaddset(&alarm_too, SIGALRM);
    /* What was sent before the end began is part of why it did. */
    while (sigtimedwait(&ending, NULL, &none) > 0)
        ;
    pthread_sigmask(SIG_UNBLOCK, &alarm_too, NULL);
}
