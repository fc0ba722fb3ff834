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

/* A catalog's active ads, for each worker its own, which only that worker's thread touches: the one
 * part of a world that changes. Outlives a world when the next one has the same catalog. */
struct world_eligible {
    atomic_int refs;
    int n_workers;
    struct eligible_ads *of_worker[]; /* (n_workers) */
};

/* A catalog's ads encoded for a model; outlives a world when the next one has the same two. */
struct world_ads {
    atomic_int refs;
    struct encoded_ads *encoded;
};

/* A model with all that a request needs of it. */
struct world_model {
    struct model *model;
    struct served_model *served; /* its engines */
    struct world_ads *ads;       /* the catalog's, for it */
    uint64_t stamp;              /* a hash of its directory, as catalog_stamp */
};

/* Room in a world. One so far: arms, shadows and models for other tasks come beside it. */
#define WORLD_MAX_MODELS 1

/* A world on its way to a worker. Made with the world, so that publishing it cannot fail. */
struct world_letter {
    struct letter letter; /* deliver: the sender's */
    struct world *world;  /* a reference goes with the letter */
};

struct world {
    atomic_int refs;
    uint64_t generation;          /* counts applied configurations, from 1 */
    struct config *config;        /* a reference */
    struct world_letter *letters; /* (http.workers) each is sent once */
    struct catalog *catalog;
    struct world_eligible *eligible;
    int n_models;
    struct world_model models[WORLD_MAX_MODELS];
    int64_t catalog_modified_ms; /* the file's, unix time */
    int shrunk_from; /* ads of the catalog before, where this one has not half of them; else 0 */
    uint64_t catalog_stamp; /* of size, inode and mtime: what a reload compares before it reads */
};

/* The one that requests are ranked by. */
static inline const struct world_model *world_model(const struct world *world)
{
    return &world->models[0];
}

struct world *world_ref(struct world *world); /* any thread that holds a reference already */
void world_unref(struct world *world);        /* any thread; may be NULL */

#endif
