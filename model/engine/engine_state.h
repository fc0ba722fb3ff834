/* Internals of an engine: a model on a device. Shared by the files of this folder. */
#ifndef MODEL_ENGINE_ENGINE_STATE_H
#define MODEL_ENGINE_ENGINE_STATE_H

#include "adrank/engine.h"
#include "model/engine/forward.h"
#include "model/engine/network.h"
#include "model/engine/packed_head.h"
#include "model/model_struct.h"

/* Memory for the rows that one slice of parents keeps. */
struct kept_slot {
    struct layer_block qkv;
    bool used; /* (the crew's lock) */
};

struct engine {
    struct launcher *launcher;
    struct model *model;
    const struct backend_ops *ops;
    struct session *session;
    struct session_caps caps;
    struct engine_gelu gelu;
    /* The model's encoders on the device. So far inputs of every kind pass only through the
     * first. */
    int n_networks; /* initialised so far */
    struct network networks[MODEL_MAX_ENCODERS];
    struct packed_head head;
    int out_width; /* the model's */
    int max_batch_tokens, max_batch_jobs, max_slice_tokens;
    int n_lanes;
    struct lane **lanes;             /* (n_lanes) one a thread, or one a launch */
    int n_threads;                   /* that share a batch: the crew's; 1 without */
    struct forward_scratch *scratch; /* (n_threads); the lanes of a queue share one */
    int n_kept;
    struct kept_slot *kept;
    int n_launches; /* batches that may be in flight */
    struct launch *launches;
    bool broken; /* (the crew's lock) a host lane failed for a reason other than memory */
    struct engine_cost cost;
    bool exchanging;                /* weights between passes: these are not recorded */
    double golden_error;            /* largest over the golden requests, relative to their spread */
    bool records;                   /* it opens, by passes that will be served */
    struct engine_opening *opening; /* NULL once it is ready */
};

static inline struct layer_range engine_layers(const struct engine *engine)
{
    return (struct layer_range){0, engine->networks[0].config->layers};
}

#endif
