/*
 * struct publisher: what is served, and how it is replaced. Starts loads, passes the world that
 * comes back to everything that serves, and answers the client that requested it. Main thread only;
 * the reader of that thread's mailbox.
 */
#ifndef SERVER_DAEMON_PUBLISHER_H
#define SERVER_DAEMON_PUBLISHER_H

#include "server/admin/admin.h"
#include "server/daemon/serving.h"
#include "server/world/loader.h"

struct publisher_args {
    struct serving *serving;
    struct health *health;
    struct admin *admin;
    struct loader *loader;
    /* The first load failed: there is nothing to serve. */
    void (*on_failed)(void *arg, const struct err *err);
    void *arg;
};

struct publisher {
    struct publisher_args args;
    struct config *config; /* of the start, a reference; NULL once a world is published */
    struct world *world;   /* served, a reference; NULL before the first */
    bool reload_again;     /* requested while a load was running */
    bool stopping;         /* nothing is published from now on */
};

/* config: a reference, the publisher's from here on. */
void publisher_init(struct publisher *publisher, struct config *config);
/* Requires that no load is running and nothing reads the old options; before the executor is
 * closed. */
void publisher_drop_world(struct publisher *publisher);
void publisher_release(struct publisher *publisher);

/* Loads the first world. */
int publisher_start(struct publisher *publisher, const struct publisher_args *args,
                    struct err *err) MUST_CHECK;
/* A world that is still being loaded will not be served. */
void publisher_stop(struct publisher *publisher);

/* -1: one is running, the first world is not there, or out of memory. */
int publisher_reload(struct publisher *publisher, bool dry_run) MUST_CHECK;
/* Now, or after the load that is running. */
void publisher_reload_soon(struct publisher *publisher);

/* The configuration in effect as a document, {} before there is a world. */
void publisher_print_config(const struct publisher *publisher, struct json_writer *w);

#endif
