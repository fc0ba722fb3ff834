/* Builds a world from files and the unchanged parts of the running one. Private to server/world. */
#ifndef SERVER_WORLD_WORLD_BUILD_H
#define SERVER_WORLD_WORLD_BUILD_H

#include "server/world/world.h"

/* What has to be read again. Decided before anything is opened: a file that changes later is seen
 * next time. */
struct world_changes {
    bool catalog, model;
    bool engines; /* also where precision or GELU differ or batches grow */
    uint64_t catalog_stamp, model_stamp;
    int64_t catalog_modified_ms, catalog_bytes; /* of its file; 0 without one */
};

/* running NULL: everything is new. */
void world_changes_find(struct world_changes *changes, const struct world *running,
                        const struct config *next);

struct world_build_args {
    const struct world *running; /* NULL: the first one */
    struct config *config;       /* the world takes a reference */
    const struct world_changes *changes;
    struct executor *executor, *fallback; /* the latter NULL: none */
    struct problems *problems;            /* of the catalog */
    const atomic_bool *stop;              /* once true the build is aborted: ERR_UNAVAILABLE */
};

/* *out: one reference. Waits for the executor to open and verify a new model between batches; stop
 * is checked between the stages and while ads are encoded. */
int world_build(const struct world_build_args *args, struct world **out,
                struct err *err) MUST_CHECK;

#endif
