/*
 * The forward pass as a service: submit and poll, never a blocking run.
 *
 *   launcher  an open device and, where its lanes are host threads, the crew of threads that
 *             drives them, with the batches in flight. Engines share it. One per processor or GPU.
 *   engine    a model on a launcher's device in one precision: packed weights, scratch memory, cost
 *             function. Two engines may be open at the same time (an old and a new model, or one
 * model in two precisions); a batch belongs to one of them.
 *
 * Threads: all calls are made from one thread (in the daemon, the executor's), except where "any
 * thread" is noted. Memory: once an engine is open, submit and poll allocate nothing. Errors:
 * ERR_UNAVAILABLE once the backend is broken; after that, engines may only be closed.
 */
#ifndef ADRANK_ENGINE_H
#define ADRANK_ENGINE_H

#include "adrank/input.h"
#include "adrank/model.h"
#include "kernels/backend.h"

struct launcher;
struct engine;

struct launcher_args {
    /* As for backend_find: "cpu", "cuda", a module's path; "auto" is cuda, else cpu. */
    const char *backend;
    const struct backend_ops *ops; /* instead of a name; NULL: by name */
    const char *device;            /* "" selects the default */
    const char *linear;            /* provider of the linear layer; "" selects one automatically */
    int threads;                   /* of the crew, at least 1; ignored without host lanes */
    /* Called from any thread when a poll may return a batch; may be NULL. Must not block. */
    void (*on_progress)(void *arg);
    void *arg;
};

int launcher_open(const struct launcher_args *args, struct launcher **out,
                  struct err *err) MUST_CHECK;
void launcher_close(struct launcher *launcher); /* its engines must be closed first */
const struct device_caps *launcher_caps(const struct launcher *launcher); /* any thread; constant */
const char *launcher_backend(const struct launcher *launcher); /* "cpu", ...; any thread */
/* The device's sensors, where its caps have any: by any one thread at a time, until launcher_close;
 * may wait for the driver. */
void launcher_readings(struct launcher *launcher, struct device_readings *out);

/* The form in which an erf GELU is computed; it says nothing about a model of another activation.
 * GELU_TANH and GELU_ERF force one of the two on every device. GELU_AUTO: erf, except on a device
 * where tanh costs less and, measured at open, is both faster and no further from the golden
 * requests. */
enum gelu { GELU_AUTO, GELU_ERF, GELU_TANH, GELUS };
extern const char *const gelu_names[GELUS + 1]; /* ends with NULL */

struct engine_args {
    struct model *model;      /* the engine takes a reference */
    enum precision precision; /* requested, or PRECISION_AUTO; engine_caps has the one in effect */
    enum gelu gelu;           /* requested */
    int max_batch_tokens;     /* of one batch; inputs larger than this go through input_part */
    int max_batch_jobs;
    bool skip_golden; /* for tools that inspect a model that fails its golden requests */
    /* Approximate limit of a step that runs the model while other engines serve. 0: no limit. */
    int max_step_us;
    /* Models that the device has memory for at once, this one included: reserves that of the others
     * in its last steps, for engines that are opened while this one serves. 0 or 1: no others;
     * ignored with host lanes. */
    int resident;
};

/*
 * Opening is done in steps so that it can run between served batches: begin, then step until it
 * returns 0; 1 means more to do, -1 failed (then close it). A step packs a weight or a part
 * of one, uploads up to 1 MiB, times one batch for the cost function, or runs a golden request or
 * part of one.
 *
 * With max_step_us, batches expected to take longer, judging by earlier ones, are either skipped or
 * measured through only a few layers, and golden requests are split. The smallest step is one
 * segment through one layer, or one weight packed. The launcher caches measurements by the model's
 * sizes, precision and batch: a newer version of a model is not measured again. GELU_AUTO's choice
 * it caches by the model's weights and precision: they give the same bits whenever they are opened.
 *
 * ERR_DATA: there is no classifier, a golden request misses adrank.json's max_error, or a logit is
 * not finite. ERR_CONFIG: a batch cannot hold one segment of the model.
 */
int engine_open_begin(struct launcher *launcher, const struct engine_args *args,
                      struct engine **out, struct err *err) MUST_CHECK;
int engine_open_step(struct engine *engine, struct err *err) MUST_CHECK;
/* begin and all steps in one call: for tools and tests. */
int engine_open(struct launcher *launcher, const struct engine_args *args, struct engine **out,
                struct err *err) MUST_CHECK;
void engine_close(struct engine *engine); /* nothing may be in flight; may be NULL */

const struct session_caps *engine_caps(const struct engine *engine); /* any thread; constant */

/* The activation of the inner layers. */
struct engine_gelu {
    enum activation activation; /* in effect */
    const char *name;           /* its name: "gelu_erf", "gelu_tanh", "relu" */
    /* GELU_AUTO compared the two forms: the time of one pass, and the largest error over the golden
     * requests relative to their spread. Otherwise the rest is 0. */
    bool measured;
    double erf_us, tanh_us, erf_error, tanh_error;
};

/* What GELU_AUTO takes of two forms that were measured. */
static inline bool gelu_prefers_tanh(const struct engine_gelu *gelu)
{
    return gelu->tanh_us < gelu->erf_us && gelu->tanh_error <= gelu->erf_error;
}

const struct engine_gelu *engine_gelu(const struct engine *engine); /* any thread; constant */

/*
 * Measured at open. On one thread a batch takes fixed + per_token * tokens + per_attention *
 * attention + per_segment * segments microseconds. Work that can be split is shared by `lanes`
 * threads, so the cost is that of the thread that finishes last: an even share, but no less than
 * the longest segment with its parent; and while the parents of only a few families are computed,
 * the other threads wait.
 */
struct engine_cost {
    double fixed_us, per_token_us, per_attention_us, per_segment_us;
    double lanes; /* throughput of all threads relative to one; 1 or less: work is not split */
    struct ladder
        ladder; /* the device's: tokens of a batch count as its rung. None on host lanes */
};

const struct engine_cost *engine_cost(const struct engine *engine);
/* Predicted cost of inputs with that total shape, in `batches` (at least 1) batches of about equal
 * size. Pure; any thread. */
double engine_cost_us(const struct engine_cost *cost, const struct input_shape *shape, int batches);

/* One input of a batch. */
struct engine_job {
    const struct input *input;
    float *out; /* (input->n_read, model_out_width) f32: what is read out of each segment */
};

enum batch_status {
    BATCH_OK,
    BATCH_NOT_FINITE, /* NaN or infinite outputs: those are set to NAN, the others are correct */
    BATCH_NO_MEMORY, /* host lanes: out of memory, later batches may succeed; err is set, out not */
    BATCH_FAILED,    /* the backend is broken; err is set, out is not */
};

static inline bool batch_computed(enum batch_status status)
{
    return status == BATCH_OK || status == BATCH_NOT_FINITE;
}

/* The caller's storage; it and all it points to belong to the engine from submit until poll returns
 * it. */
struct engine_batch {
    struct engine_job **jobs;
    int n_jobs;
    void *user; /* the caller's */
    /* out */
    enum batch_status status;
    struct err err;
    int64_t run_us; /* from launch to completion */
};

/* Launches a batch. -1: the backend is broken, and the batch stays the caller's. Of one engine,
 * max_launched of the device (at least 1) may be in flight: more is a BUG. */
int engine_submit(struct engine *engine, struct engine_batch *batch, struct err *err) MUST_CHECK;
/* A finished batch of any engine of the launcher, or NULL. Never waits. */
struct engine_batch *launcher_poll(struct launcher *launcher);

/* Submits and waits: for tools and tests, with nothing else in flight. -1: not computed. */
int engine_run(struct engine *engine, struct engine_batch *batch, struct err *err) MUST_CHECK;

#endif
