/* Signals through a signalfd. */
#include "server/daemon/signals.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

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

int signals_block(struct err *err)
{
    sigset_t set = handled();

    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a log at its size limit only loses lines */
    if (pthread_sigmask(SIG_BLOCK, &set, NULL))
        return err_set(err, ERR_INTERNAL, "cannot block signals");
    return 0;
}

static void on_signal(struct loop_watch *watch, unsigned ready, void *arg)
{
    const struct signals_args *args = &((struct signals *)arg)->args;
    struct signalfd_siginfo info;

    (void)ready;
    while (read(watch->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        switch (info.ssi_signo) {
        case SIGHUP:
            args->on_hangup(args->arg);
            break;
        case SIGUSR2: /* reserved; its default action would end the process */
            log_warn("signal_ignored", LOG_STR("signal", "USR2"),
                     LOG_STR("reason", "handing over to a successor is not supported yet"));
            break;
        default:
            args->on_end(args->arg, (int)info.ssi_signo);
        }
    }
}

int signals_watch(struct signals *signals, const struct signals_args *args, struct err *err)
{
    sigset_t set = handled();

    *signals = (struct signals){.args = *args};
    signals->fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (signals->fd == -1)
        return err_set_errno(err, ERR_UNAVAILABLE, "signalfd");
    if (loop_watch_init(&signals->watch, args->loop, on_signal, signals, err)) {
        close(signals->fd);
        return -1;
    }
    signals->open = true;
    if (loop_watch_set(&signals->watch, signals->fd, LOOP_READ))
        return err_set_errno(err, ERR_UNAVAILABLE, "signals");
    return 0;
}

void signals_unwatch(struct signals *signals)
{
    if (!signals->open)
        return;
    loop_watch_release(&signals->watch);
    close(signals->fd);
    signals->open = false;
}

void signals_unblock(void)
{
    const struct timespec none = {0};
    sigset_t ending, alarm_too;

    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGINT);
    alarm_too = ending;
    sigaddset(&alarm_too, SIGALRM);
    /* Signals sent before closing began only repeat its cause. */
    while (sigtimedwait(&ending, NULL, &none) > 0)
        ;
    pthread_sigmask(SIG_UNBLOCK, &alarm_too, NULL);
}
