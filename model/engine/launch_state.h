/* A launched batch on its way through the slices: shared by launch.c and slices.c. */
#ifndef MODEL_ENGINE_LAUNCH_STATE_H
#define MODEL_ENGINE_LAUNCH_STATE_H

#include "adrank/engine.h"
#include "model/engine/plan.h"

enum slice_state { SLICE_WAITING, SLICE_RUNNING, SLICE_DONE };

struct launch_slice {
    struct launch *launch;
    int index;
    enum slice_state state; /* (lock) */
    int children_left;      /* (lock) slices that still need what this one keeps */
    int kept;               /* of engine->kept: what this parent slice keeps; -1: nothing */
};

/* With host lanes the crew's lock guards members marked (lock); without, the thread that calls the
 * engine does everything. */
struct launch {
    struct engine *engine;
    struct engine_batch *batch; /* NULL: free */
    void *memory;               /* from host_alloc; holds plan, slices and out */
    struct plan plan;
    struct launch_slice *slices; /* (plan.n_slices) */
    float *out;                  /* (plan.n_read, out_width) as the slices left them */
    struct layer_range layers;   /* to run: all, except when measuring */
    int lane;                    /* without host lanes: of engine->lanes */
    bool record;                 /* its passes: will come again (struct pass) */
    bool internal;               /* the engine's own: launcher_poll does not return it */
    int first_waiting;           /* (lock) no slice before it is waiting */
    int slices_left;             /* (lock) */
    bool failed, finished;       /* (lock) */
    struct err err; /* (lock) of the first slice that failed, or the first that broke the engine */
    int64_t launched_us, finished_us;
    struct launch *next; /* in a list of the launcher */
};

#endif
