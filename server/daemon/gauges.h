/* Gauges that are read whenever /metrics is written: of what serves, and of what is served. */
#ifndef SERVER_DAEMON_GAUGES_H
#define SERVER_DAEMON_GAUGES_H

#include "server/daemon/device_watch.h"
#include "server/daemon/publisher.h"

struct gauges {
    struct serving *serving;
    struct device_watch *device;
    const struct publisher *publisher;
};

/* Registers them with the metrics of `serving`; gauges may not move after that. Main thread. */
void gauges_open(struct gauges *gauges);

#endif
