/* The thread that reads the device's sensors; see device_watch.h. */
#include "server/daemon/device_watch.h"

#include <time.h>

#include "base/clock.h"

#define READ_S 5
#define KEPT_US 30000000 /* older readings are not reported */

/* Under the lock: until it is time to read again, or to stop. */
static void wait_for_next(struct device_watch *watch)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += READ_S;
    while (!watch->stopping && pthread_cond_timedwait(&watch->wake, &watch->lock, &until) == 0)
        ;
}

static void *run(void *arg)
{
    struct device_watch *watch = arg;
    struct device_readings readings;

    pthread_mutex_lock(&watch->lock);
    while (!watch->stopping) {
        pthread_mutex_unlock(&watch->lock);
        executor_readings(watch->executor, &readings);
        pthread_mutex_lock(&watch->lock);
        watch->readings = readings;
        watch->read_us = clock_now_us();
        wait_for_next(watch);
    }
    pthread_mutex_unlock(&watch->lock);
    return NULL;
}

static int init_lock(struct device_watch *watch)
{
    pthread_condattr_t attr;
    int rc = pthread_condattr_init(&attr);

    if (rc != 0)
        return rc;
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    rc = pthread_cond_init(&watch->wake, &attr);
    pthread_condattr_destroy(&attr);
    return rc ? rc : pthread_mutex_init(&watch->lock, NULL);
}

int device_watch_start(struct device_watch *watch, struct executor *executor, struct err *err)
{
    int rc;

    *watch = (struct device_watch){.executor = executor};
    if (!executor_caps(executor)->sensors)
        return 0;
    rc = init_lock(watch);
    if (rc == 0)
        rc = pthread_create(&watch->thread, NULL, run, watch);
    watch->started = rc == 0;
    return rc ? err_set_no_thread(err, rc, "device watch") : 0;
}

void device_watch_stop(struct device_watch *watch)
{
    if (!watch->started)
        return;
    pthread_mutex_lock(&watch->lock);
    watch->stopping = true;
    pthread_cond_signal(&watch->wake);
    pthread_mutex_unlock(&watch->lock);
    pthread_join(watch->thread, NULL);
    pthread_cond_destroy(&watch->wake);
    pthread_mutex_destroy(&watch->lock);
    watch->started = false;
}

struct device_readings device_watch_read(struct device_watch *watch)
{
    struct device_readings readings;

    device_readings_none(&readings);
    if (!watch->started)
        return readings;
    pthread_mutex_lock(&watch->lock);
    if (watch->read_us && clock_now_us() - watch->read_us < KEPT_US)
        readings = watch->readings;
    pthread_mutex_unlock(&watch->lock);
    return readings;
}
