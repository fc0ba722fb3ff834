/*
 * The world: configuration, catalog and model that a request is served from, as one immutable,
 * reference-counted object. The loader builds it, the main thread publishes it to every worker by
 * mailbox; a worker owns one reference, a request takes one and keeps it to its end, so no answer
 * mixes two worlds.
 */
#ifndef SERVER_WORLD_WORLD_H
#define SERVER_WORLD_WORLD_H

#include <stdatomic.h>

#include "adrank/catalog.h"
#include "adrank/model.h"
#include "base/mailbox.h"
#include "market/eligible_ads.h"
#include "server/batch/served.h"
#include "server/world/config.h"

/* A catalog's active ads, one list per request worker, which only its thread accesses: the only
 * part of a world that changes. Shared with the next world if that has the same catalog. */
struct world_eligible {
    atomic_int refs;
    int n_workers;
    struct eligible_ads *of_worker[]; /* (n_workers) */
};

/* A catalog's ads encoded for a model; shared with the next world if that has the same two. */
struct world_ads {
    atomic_int refs;
    struct encoded_ads *encoded;
};

/* A model with what a request needs of it. */
struct world_model {
    struct model *model;
    struct served_model *served; /* its engines */
    struct world_ads *ads;       /* the catalog's, for it */
    uint64_t stamp;              /* a hash of its directory, as catalog_stamp */
};

/* Models of a world: one so far; arms, shadows and other tasks are further entries. */
#define WORLD_MAX_MODELS 1

/* Sends a world to a request worker. Allocated with the world: publishing it cannot fail. */
struct world_letter {
    struct letter letter; /* deliver: the sender's */
    struct world *world;  /* a reference goes with the letter */
};

struct world {
    atomic_int refs;
    uint64_t generation;          /* counts applied configurations, from 1 */
    struct config *config;        /* a reference */
    struct world_letter *letters; /* (http.workers) each sent once */
    struct catalog *catalog;
    struct world_eligible *eligible;
    int n_models;
    struct world_model models[WORLD_MAX_MODELS];
    int64_t catalog_modified_ms; /* the file's, unix time */
    int shrunk_from; /* ads of the previous catalog, where this one has fewer than half; else 0 */
    uint64_t catalog_stamp; /* of size, inode and mtime: compared by a reload before it reads */
};

/* The model that ranks requests. */
static inline const struct world_model *world_model(const struct world *world)
{
    return &world->models[0];
}

struct world *world_ref(struct world *world); /* any thread that holds a reference already */
void world_unref(struct world *world);        /* any thread; may be NULL */

#endif
