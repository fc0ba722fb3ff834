/* Internals of a launcher: its device, its crew, and the batches in flight. */
#ifndef MODEL_ENGINE_LAUNCHER_STATE_H
#define MODEL_ENGINE_LAUNCHER_STATE_H

#include "adrank/engine.h"
#include "model/checkpoint/encoder.h"
#include "model/engine/crew.h"
#include "model/files/model_files.h"

/* A cached cost function, for later engines like the one that measured it. */
struct kept_cost {
    struct encoder_config configs[MODEL_MAX_ENCODERS]; /* layers 0: the entry is not in use */
    int out_width;
    enum precision precision;   /* in effect */
    enum activation activation; /* in effect */
    int max_batch_tokens;
    bool in_short_steps; /* measured while serving: reused only under the same conditions */
    struct engine_cost cost;
};
#define LAUNCHER_COSTS 8

/* What model.gelu "auto" chose for weights, whatever the files beside them. */
struct kept_gelu {
    char weights[SHA256_HEX + 1]; /* what identifies them; "": the entry is not in use */
    enum precision precision;     /* in effect */
    struct engine_gelu chosen;
};
#define LAUNCHER_GELUS 64

struct launcher {
    const struct backend_ops *ops;
    struct device *device;
    const struct device_caps *caps;
    char *linear; /* provider of the linear layer */
    int threads;  /* of the crew */
    void (*on_progress)(void *arg);
    void *arg;
    struct crew *crew;       /* NULL without host lanes */
    struct err why;          /* with broken: the first error */
    bool broken;             /* without host lanes: an operation failed; all engines are lost */
    struct launch *running;  /* (the crew's lock) in launch order */
    struct launch *finished; /* (the crew's lock) in completion order */
    struct kept_cost costs[LAUNCHER_COSTS];
    int next_cost; /* the entry that is overwritten next */
    struct kept_gelu gelus[LAUNCHER_GELUS];
    int next_gelu; /* the same */
};

#endif
