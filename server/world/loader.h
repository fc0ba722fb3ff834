/*
 * The loader thread: reads, checks and opens everything that a world is made of, off the request
 * path, while the old world is being served. What did not change is taken over from the old world,
 * not read again. On any failure the old world stays as it is.
 */
#ifndef SERVER_WORLD_LOADER_H
#define SERVER_WORLD_LOADER_H

#include "base/buf.h"
#include "base/mailbox.h"
#include "server/world/config_read.h"
#include "server/world/world.h"

struct loader;

struct loader_args {
    struct config_args config; /* strings stay valid */
    struct executor *executor;
    struct mailbox *home; /* where results are sent */
    /* The last thing that may fail before a world is done: outside resources that a configuration
     * names. On the loader's thread; not called in a dry run. May be NULL. */
    int (*prepare)(void *arg, const struct config *config, struct err *err);
    void *arg;
};

enum load_status {
    LOAD_APPLIED,   /* world is a new one */
    LOAD_UNCHANGED, /* nothing differs, or only what needs a restart */
    LOAD_VALID,     /* a dry run that found nothing wrong */
    LOAD_FAILED     /* err and problems say why */
};

/* One load; posted to args.home when it is done. The receiver frees it. */
struct load_result {
    struct letter letter; /* the receiver's deliver, set by loader_start's caller */
    enum load_status status;
    struct world *world; /* APPLIED: one reference, the receiver's; else NULL */
    struct arena arena;  /* owns problems */
    struct problems problems;
    struct err err;
    /*
     * Unless FAILED or the first: a JSON object. "changed" and "needs_restart" as config_diff
     * writes them, "files": "catalog" and "model" where their files are read again, "warnings":
     * world_warnings of what is served from now on, "catalog": its struct catalog_state.
     */
    struct buf diff;
    struct buf changes; /* diff without its warnings, in words for the log */
    bool dry_run;
    struct loader *loader; /* the loader's own note */
};

int loader_open(const struct loader_args *args, struct loader **out, struct err *err) MUST_CHECK;
/*
 * A load under way is given up (LOAD_FAILED, ERR_UNAVAILABLE) at its next stage and waited for:
 * its result, which may be APPLIED all the same, is then in the mailbox. Within a stage this
 * waits: for a file to be read, and for an engine to open unless the executor stops. From here on
 * loader_start fails. Idempotent; may be NULL.
 */
void loader_stop(struct loader *loader);
/* Every result has been freed. May be NULL. */
void loader_close(struct loader *loader);

/*
 * Main thread. Starts a load against `running`, or with running NULL that of the first world, with
 * `config` as its configuration; a reference of its own is taken of either. -1 while it is busy,
 * once stopped, or out of memory.
 */
int loader_start(struct loader *loader, struct world *running, struct config *config, bool dry_run,
                 void (*deliver)(struct letter *, void *)) MUST_CHECK;
/* Main thread. A load is under way, which is until its result has been freed. */
bool loader_busy(const struct loader *loader);
/* Main thread, from deliver: the loader is free again. */
void load_result_free(struct load_result *result);

#endif
