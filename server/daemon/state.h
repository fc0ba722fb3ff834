/* struct daemon, shared by the files of this folder. Main thread only. */
#ifndef SERVER_DAEMON_STATE_H
#define SERVER_DAEMON_STATE_H

#include "base/budget.h"
#include "server/admin/admin.h"
#include "server/daemon/daemon.h"
#include "server/request/worker.h"
#include "server/world/loader.h"

struct daemon {
    const struct arguments *arguments;
    struct config *config; /* of the start, a reference; NULL once a world is published */
    struct loop loop;
    struct budget memory; /* what requests hold */
    struct timer memory_timer;
    bool trim; /* at the next look at it */
    struct loop_watch signals;
    int signal_fd;
    struct metrics metrics;
    struct impression_log *impressions;
    struct executor *executor;
    struct metrics_shard *executor_shard;
    struct server server;
    struct http_route routes[3];
    struct request_worker **workers; /* (server.n_workers) */
    struct health health;
    struct admin *admin;
    struct loader *loader;
    struct world *world; /* what is being served, one reference; NULL before the first */
    bool reload_again;   /* HUP came while a load was running */
    bool draining;
    bool signalled; /* by TERM or INT; the next one ends at once */
    bool stopping;  /* the loop ends or has ended: nothing is published any more */
    bool reload_ok; /* the last one */
    int failed;     /* the first load failed: err is the reason */
    struct err err;
    /* How far opening came: closed in reverse. */
    bool has_loop, has_watch, has_metrics, has_server, has_health;
};

/* signals.c */
int daemon_block_signals(struct err *err) MUST_CHECK; /* before any thread */
int daemon_watch_signals(struct daemon *d, struct err *err) MUST_CHECK;
void daemon_unwatch_signals(struct daemon *d);
/* From here on TERM, INT and ALRM are what the caller of daemon_run made of them. */
void daemon_release_signals(void);
void daemon_drain(struct daemon *d);

/* descriptors.c: the soft limit of open files to the hard one. */
void daemon_raise_descriptors(void);

/* memory.c: what a storm needed goes back to the system. Between the start of the workers and their end. */
void daemon_watch_memory(struct daemon *d);
void daemon_unwatch_memory(struct daemon *d);

/* publish.c: from the loader to whoever serves. */
/* -1: one is running, the first world is not there, or out of memory. */
int daemon_reload(struct daemon *d, bool dry_run);
/* HUP: now, or behind the load that is running. */
void daemon_reload_soon(struct daemon *d);
struct admin_actions daemon_actions(struct daemon *d);
void daemon_on_loaded(struct letter *letter, void *reader);
struct batch_options daemon_batch_options(const struct config *config);

/* daemon.c: any thread, once there are workers; arg is the daemon. */
enum health_redis daemon_redis(void *arg);

/* gauges.c: what /metrics asks for. */
void daemon_collect(struct daemon *d);

#endif
