/*
 * Signals of a daemon, as events of the main thread's loop: HUP, TERM and INT are reported, USR2 is
 * logged and ignored.
 */
#ifndef SERVER_DAEMON_SIGNALS_H
#define SERVER_DAEMON_SIGNALS_H

#include "server/net/loop.h"

struct signals_args {
    struct loop *loop;
    void (*on_hangup)(void *arg);
    void (*on_end)(void *arg, int number); /* TERM or INT, each time */
    void *arg;
};

struct signals {
    struct signals_args args;
    struct loop_watch watch;
    int fd;
    bool open;
};

/* Before any thread: they are blocked from here on. */
int signals_block(struct err *err) MUST_CHECK;
int signals_watch(struct signals *signals, const struct signals_args *args,
                  struct err *err) MUST_CHECK;
void signals_unwatch(struct signals *signals); /* may not be watched */
/* From here on TERM, INT and ALRM do what the process installed for them. Those sent before are
 * dropped. */
void signals_unblock(void);

#endif
