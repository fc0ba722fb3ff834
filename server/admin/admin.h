/*
 * The admin listener: health, metrics, the configuration in effect, reload and drain, on an
 * address of its own. It runs on the main thread's loop, over the same connection code as the
 * public one. Its connections are few and may not idle for long. /admin/... is strict about who
 * calls (caller.h) and about query parameters: an unknown or malformed one is 400. Health and
 * metrics ignore parameters that they do not know and accept any Host.
 */
#ifndef SERVER_ADMIN_ADMIN_H
#define SERVER_ADMIN_ADMIN_H

#include "json/writer.h"
#include "server/admin/health.h"
#include "server/metrics/metrics.h"

struct admin;

/* What the endpoints do; all on the main thread. */
struct admin_actions {
    /* Starts a reload; admin_reloaded() reports its end. -1: one is running. */
    int (*reload)(void *arg, bool dry_run);
    void (*drain)(void *arg);
    void (*print_config)(void *arg, struct json_writer *w);
    void *arg;
};

struct admin_args {
    struct loop *loop;                   /* the main thread's */
    const struct admin_options *options; /* these two until admin_set_options() */
    const struct http_options *http;     /* limits of its connections, which may be less */
    struct health *health;
    struct metrics *metrics;
    struct admin_actions actions;
};

/* ERR_UNAVAILABLE when the address is taken. */
int admin_open(const struct admin_args *args, struct admin **out, struct err *err) MUST_CHECK;
void admin_close(struct admin *admin);
const struct listener *admin_listener(const struct admin *admin);
/* Takes effect immediately. The number of its connections and their longest idle time are fixed. */
void admin_set_options(struct admin *admin, const struct admin_options *options,
                       const struct http_options *http);

/* Answers the client that requested the running reload, if there is one and it is still connected.
 */
struct reload_outcome {
    const char *status; /* "applied", "unchanged", "valid"; NULL: failed */
    uint64_t generation;
    struct view diff; /* members of a JSON object: "changed":[...],"needs_restart":[...],... */
    const struct err *err;
    const struct problems *problems; /* may be empty */
};
void admin_reloaded(struct admin *admin, const struct reload_outcome *outcome);

#endif
