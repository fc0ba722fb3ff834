/*
 * struct memory_watch: checks once a second whether there was a burst of requests, and if so
 * returns the memory that was only needed for it to the system. Main thread only.
 */
#ifndef SERVER_DAEMON_MEMORY_WATCH_H
#define SERVER_DAEMON_MEMORY_WATCH_H

#include "server/daemon/serving.h"

struct memory_watch {
    struct loop *loop;
    struct serving *serving;
    struct timer timer;
    bool trim; /* at the next look */
};

void memory_watch_start(struct memory_watch *watch, struct loop *loop, struct serving *serving);
/* Before the workers go. */
void memory_watch_stop(struct memory_watch *watch); /* may not have started */

#endif
