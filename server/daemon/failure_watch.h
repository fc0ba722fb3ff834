/*
 * struct failure_watch: watches the device that requests are scored on. Reports to the log once
 * that it has failed and what follows, and has an executor broken whose thread hangs in a call of
 * the device. Main thread only.
 */
#ifndef SERVER_DAEMON_FAILURE_WATCH_H
#define SERVER_DAEMON_FAILURE_WATCH_H

#include "server/daemon/serving.h"

struct failure_watch_args {
    struct loop *loop;
    struct serving *serving;
    /* The device failed and there is no fallback: the daemon is to end with this error. Once. */
    void (*on_exit)(void *arg, const struct err *err);
    void *arg;
};

struct failure_watch {
    struct failure_watch_args args;
    struct timer timer;
    bool reported;
};

void failure_watch_start(struct failure_watch *watch, const struct failure_watch_args *args);
/* Before the executors close. */
void failure_watch_stop(struct failure_watch *watch); /* may not have started */

#endif
