/*
 * The loader thread: reads, checks and opens the parts of a world off the request path, while the
 * old world is served. Unchanged parts are shared with the old world, not read again. On any
 * failure the old world stays in effect.
 */
#ifndef SERVER_WORLD_LOADER_H
#define SERVER_WORLD_LOADER_H

#include "base/buf.h"
#include "base/mailbox.h"
#include "server/world/config_read.h"
#include "server/world/world.h"

struct loader;

struct loader_args {
    struct config_args config;            /* strings stay valid */
    struct executor *executor, *fallback; /* the latter NULL: none */
    const struct device_caps *caps;       /* of executor's device */
    struct mailbox *home;                 /* where results are sent */
    /* Opens outside resources that a configuration names: the last thing that may fail before a
     * world is done. On the loader's thread; not called in a dry run. */
    int (*prepare)(void *arg, const struct config *config, struct err *err);
    void *arg;
};

enum load_status {
    LOAD_APPLIED,   /* world is a new one */
    LOAD_UNCHANGED, /* nothing differs, or only options that need a restart */
    LOAD_VALID,     /* a dry run without problems */
    LOAD_FAILED     /* err and problems say why */
};

/* One load; posted to args.home when done. The receiver frees it. */
struct load_result {
    struct letter letter; /* the receiver's deliver, set by loader_start's caller */
    enum load_status status;
    struct world *world; /* APPLIED: one reference, the receiver's; else NULL */
    struct arena arena;  /* owns problems */
    struct problems problems;
    struct err err;
    /*
     * Unless FAILED or the first load: a JSON object. "changed" and "needs_restart" as config_diff
     * writes them, "files": "catalog" and "model" where their files are read again, "warnings":
     * world_warnings of the world served from now on, "catalog": its struct catalog_state.
     */
    struct buf diff;
    struct buf changes; /* diff without its warnings, in words for the log */
    bool dry_run;

    /* The loader's own. */
    struct loader *loader;
    struct world *running; /* a reference, until the load is done; NULL: the first load */
    struct config *first;  /* the same: the first world's */
};

int loader_open(const struct loader_args *args, struct loader **out, struct err *err) MUST_CHECK;
/*
 * A load in progress is aborted at its next stage (LOAD_FAILED, ERR_UNAVAILABLE) and waited for:
 * its result, which may still be APPLIED, is then in the mailbox. A stage is not interrupted: this
 * waits for a file to be read, and for an engine to open unless the executor stops. loader_start
 * fails afterwards. Idempotent; may be NULL.
 */
void loader_stop(struct loader *loader);
/* Every result has been freed. May be NULL. */
void loader_close(struct loader *loader);

/*
 * Main thread. Starts a load that replaces `running`, or, if that is NULL, the load of the first
 * world with `config`; takes a reference of its own. -1 while busy, once stopped, or out of memory.
 */
int loader_start(struct loader *loader, struct world *running, struct config *config, bool dry_run,
                 void (*deliver)(struct letter *, void *)) MUST_CHECK;
/* Main thread. Whether a load is in progress: until its result is freed. */
bool loader_busy(const struct loader *loader);
/* Main thread, from deliver: the loader is free again. */
void load_result_free(struct load_result *result);

#endif
