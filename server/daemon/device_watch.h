/*
 * struct device_watch: reads the device's sensors every few seconds on a thread of its own, because
 * that may wait for the driver. Without sensors there is no thread, and nothing is known.
 */
#ifndef SERVER_DAEMON_DEVICE_WATCH_H
#define SERVER_DAEMON_DEVICE_WATCH_H

#include <pthread.h>

#include "server/batch/executor.h"

struct device_watch {
    struct executor *executor;
    pthread_t thread;
    bool started; /* the thread, and what follows */
    pthread_mutex_t lock;
    pthread_cond_t wake; /* to stop; monotonic clock */
    bool stopping;       /* these three under the lock */
    int64_t read_us;     /* when the readings were taken (monotonic) */
    struct device_readings readings;
};

/* Main thread. The watch stays where it is until device_watch_stop, which comes before
 * executor_stop. */
int device_watch_start(struct device_watch *watch, struct executor *executor,
                       struct err *err) MUST_CHECK;
/* Waits for a reading in progress. */
void device_watch_stop(struct device_watch *watch); /* may not have started */

/* Any thread, never waits for the driver. Readings that a driver that hangs has not renewed are
 * not known. */
struct device_readings device_watch_read(struct device_watch *watch);

#endif
