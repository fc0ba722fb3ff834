/*
 * The generator: one thread, one epoll, persistent non-blocking connections.
 *
 * Open loop: every request has an intended time, which does not depend on earlier answers, and its
 * latency counts from there, however late it is sent: a stalled server cannot slow down the clock
 * it is measured by (coordinated omission). When no connection is free another one is opened, up to
 * a limit; beyond it requests wait, and are counted.
 */
#ifndef BENCH_LOAD_LOOP_H
#define BENCH_LOAD_LOOP_H

#include "bench/load/stats.h"
#include "bench/load/traffic.h"

struct load_args {
    const struct options *options;
    const struct traffic *traffic;
    double rate; /* open loop; ignored with options->connections */
    double duration_s, warmup_s;
};

/* ERR_UNAVAILABLE when no adrankd answers there. stats is initialised here, released by the
 * caller. */
int load_run(const struct load_args *args, struct stats *stats, struct err *err) MUST_CHECK;

#endif
