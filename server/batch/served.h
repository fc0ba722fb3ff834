/*
 * struct served_model: a model with the engines that run it: the primary one and, where there is
 * one, a fallback on another device. A world holds a reference, and every lent job holds one, so
 * both an old and a new model are served until the old one has drained; a batch never mixes two.
 * With the last reference, each engine is closed by the executor it belongs to, between batches,
 * and then the rest is freed.
 */
#ifndef SERVER_BATCH_SERVED_H
#define SERVER_BATCH_SERVED_H

#include <stdatomic.h>

#include "adrank/engine.h"
#include "server/batch/background.h"
#include "server/batch/cost.h"

struct executor;

/* The smallest batch of an engine: one token. */
struct beat {
    struct input input;
    float *out; /* (1, width) */
    double cost_us;
    struct engine_job job, *jobs[1];
};

enum { SERVED_PRIMARY, SERVED_FALLBACK, SERVED_ENGINES };

struct served_engine {
    struct executor *executor;       /* NULL: there is none, or it is not open */
    struct engine *engine;           /* its executor's thread only */
    const struct session_caps *caps; /* of the engine: precision in effect and why; any thread */
    const struct engine_gelu *gelu;  /* of the engine; any thread */
    int resident;                    /* models that the device has memory for */
    int64_t open_us;                 /* that the opening took */
    struct cost cost;                /* under its executor's lock */
    struct task closing;
    struct beat beat; /* its executor's thread only, as is the next one of its list */
    struct served_engine *next;
};

struct served_model {
    struct model *model; /* a reference */
    struct served_engine engines[SERVED_ENGINES];
    atomic_int refs; /* after the last: open engines */
};

struct served_model_args {
    struct model *model;               /* a reference of its own is taken */
    struct executor *primary;          /* starts of executors and opens of models are independent */
    struct executor *fallback;         /* NULL: none */
    enum precision precision;          /* requested of the primary; caps->precision is in effect */
    enum precision fallback_precision; /* requested of the fallback */
    enum gelu gelu;       /* requested of the primary; the fallback has the model's own form */
    int max_batch_tokens; /* at least the model's longest segment is allowed */
    int resident;         /* as for engine_args */
    bool skip_golden;
};

/*
 * Opens the engines step by step between the batches that are being served (golden requests
 * included) and waits for that: for main and the loader thread, never for a request worker or an
 * executor. *out has one reference. -1: nothing is left open; err says what failed, ERR_UNAVAILABLE
 * when an executor is broken or stopping. A failing fallback fails the whole; where the primary
 * executor is broken and there is a fallback, the model is opened on that alone.
 */
int served_model_open(const struct served_model_args *args, struct served_model **out,
                      struct err *err) MUST_CHECK;

/*
 * Encodes a catalog's ads and waits for that: for the loader thread, never for a request worker or
 * an executor. Steps that need the engine are a background task of the primary executor; others run
 * on the caller's thread and do not delay served requests. The result must not outlive model and
 * catalog; it is freed with encoded_ads_free. -1: ERR_UNAVAILABLE once *stop is true (any thread
 * may set it) or the executor is broken or stopping.
 */
int served_model_encode_ads(const struct served_model *served, const struct catalog *catalog,
                            const atomic_bool *stop, struct encoded_ads **out,
                            struct err *err) MUST_CHECK;

/* Any thread that holds a reference. */
struct served_model *served_model_ref(struct served_model *served);
/* Any thread, never waits; may be NULL. */
void served_model_unref(struct served_model *served);

/* The engine that new requests go to: the primary one, until its executor is broken and there is a
 * fallback. Any thread that holds a reference. */
const struct served_engine *served_model_engine(const struct served_model *served);
bool served_model_on_fallback(const struct served_model *served);

#endif
