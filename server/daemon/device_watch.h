/*
 * struct device_watch: watches the device that requests are scored on. Reports to the log once that
 * it has failed and what follows, and has an executor broken whose thread hangs in a call of the
 * device. Main thread only.
 */
#ifndef SERVER_DAEMON_DEVICE_WATCH_H
#define SERVER_DAEMON_DEVICE_WATCH_H

#include "server/daemon/serving.h"

struct device_watch_args {
    struct loop *loop;
    struct serving *serving;
    /* The device failed and there is no fallback: the daemon is to end with this error. Once. */
    void (*on_exit)(void *arg, const struct err *err);
    void *arg;
};

struct device_watch {
    struct device_watch_args args;
    struct timer timer;
    bool reported;
};

void device_watch_start(struct device_watch *watch, const struct device_watch_args *args);
/* Before the executors close. */
void device_watch_stop(struct device_watch *watch); /* may not have started */

#endif
