/*
 * Inside the engine: what launcher.c, engine.c, launch.c, engine_open.c and the tools' bench share.
 *
 *   run   one launched batch: its plan, and how far its slices are. A fixed number per engine.
 *
 * With host lanes the crew's threads take slices under the crew's lock, which guards everything
 * marked (lock). Without, the one thread that calls the engine does everything and asks the
 * backend.
 */
#ifndef MODEL_ENGINE_ENGINE_STRUCT_H
#define MODEL_ENGINE_ENGINE_STRUCT_H

#include "adrank/engine.h"
#include "model/engine/crew.h"
#include "model/engine/forward.h"
#include "model/engine/plan.h"
#include "model/model_struct.h"
#include "model/request_input.h"

enum slice_state { SLICE_WAITING, SLICE_RUNNING, SLICE_DONE };

struct run_slice {
    struct run *run;
    int index;
    enum slice_state state; /* (lock) */
    int children_left;      /* (lock) slices that still need what this one keeps */
    int kept;               /* of engine->kept: what this parent slice keeps; -1: nothing */
};

struct run {
    struct engine *engine;
    struct engine_batch *batch; /* NULL: free */
    struct plan plan;
    struct run_slice *slices; /* (plan.n_slices) */
    float *logits;            /* (plan.n_read, L) as the slices left them */
    int lane;                 /* without host lanes: the engine's lane of this run */
    bool internal;            /* the engine's own: not told by launcher_poll */
    int first_waiting;        /* (lock) no slice before it is waiting */
    int slices_left;          /* (lock) */
    bool failed, finished;    /* (lock) */
    struct err err; /* (lock) of the first slice that failed, or the first that broke the engine */
    int64_t launched_us, finished_us;
    struct run *next; /* in the launcher's list */
};

struct kept_slot {
    struct kept_qkv qkv;
    bool used; /* (lock) */
};

struct engine {
    struct launcher *launcher;
    struct model *model;
    const struct backend_ops *ops;
    struct session *session;
    struct session_caps caps;
    struct network network;
    int max_batch_tokens, max_batch_jobs, max_slice_tokens;
    int n_lanes;
    struct lane **lanes; /* (n_lanes) one a thread, or one a launched batch */
    int n_scratch;       /* one a thread; a queue's lanes share one */
    struct forward_scratch *scratch;
    int n_kept;
    struct kept_slot *kept;
    int n_runs;
    struct run *runs;
    bool broken; /* (lock) host lanes: one failed, and not for want of memory */
    struct engine_cost cost;
    double golden_error;            /* largest over the golden requests, over their spread */
    struct engine_opening *opening; /* NULL once it is ready */
};

/* A cost function, for later engines like the one that measured it. */
struct kept_cost {
    struct encoder_config config; /* layers 0: the entry is not in use */
    enum precision precision;     /* in use */
    int max_batch_tokens;
    bool in_short_steps; /* measured beside others: good enough only for the like */
    struct engine_cost cost;
};
#define DEVICE_COSTS 8

struct launcher {
    const struct backend_ops *ops;
    struct device *device;
    const struct device_caps *caps;
    char *linear; /* provider of the linear layer */
    int threads;  /* of the crew */
    void (*on_progress)(void *arg);
    void *arg;
    struct crew *crew;    /* NULL without host lanes */
    bool broken;          /* without host lanes: an operation failed; all engines are lost */
    struct run *running;  /* (lock) in the order in which they were launched */
    struct run *finished; /* (lock) in the order in which they ended */
    struct kept_cost costs[DEVICE_COSTS];
    int next_cost; /* the entry that is overwritten next */
};

extern const struct crew_ops launcher_crew_ops;

/* For a launcher without a crew these are nothing. */
void launcher_lock(struct launcher *launcher);
void launcher_unlock(struct launcher *launcher);

/* Launches as engine_submit does; internal runs are told by run_wait alone. */
int run_launch(struct engine *engine, struct engine_batch *batch, bool internal, struct run **out,
               struct err *err) MUST_CHECK;
/* Waits until it has finished and gives it back: fills batch's out fields. */
void run_wait(struct run *run);

/* One input of any size, in parts if need be, computed now; logits (n_read, L). For opening. */
int engine_compute(struct engine *engine, const struct input *input, float *logits, int64_t *run_us,
                   struct err *err) MUST_CHECK;
/* The same of an input that fits a batch; out tells status and run_us. Not finite is no failure. */
int engine_compute_batch(struct engine *engine, const struct input *input, float *logits,
                         struct engine_batch *out, struct err *err) MUST_CHECK;
/* Fills err; returns -1. */
int engine_not_finite(const struct engine *engine, struct err *err);

#endif
