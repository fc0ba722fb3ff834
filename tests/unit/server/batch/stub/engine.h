/*
 * An engine for tests of the executor: include/adrank/engine.h over devices that follow a script; a
 * model is a number. A device is chosen by its name ("0" to "3"); each has a thread that completes
 * batches. The logit of a read segment is stub_logit(model, first token).
 */
#ifndef TESTS_BATCH_STUB_ENGINE_H
#define TESTS_BATCH_STUB_ENGINE_H

#include <stdatomic.h>

#include "adrank/engine.h"

enum { STUB_DEVICES = 4, STUB_NAN_TOKEN = 666, STUB_MAX_TOKENS = 64 };

struct stub_script {
    _Atomic int batch_us;      /* duration of a batch */
    _Atomic int per_job_us;    /* and each job of it */
    _Atomic int fail_after;    /* batches fail after this many; -1: never */
    _Atomic int refuse_after;  /* the same, but by engine_submit; -1: never */
    _Atomic int starve_every;  /* every n-th batch has no memory; 0: none */
    _Atomic bool hang;         /* no batch completes while set */
    _Atomic bool stuck;        /* engine_submit does not return while set, */
    _Atomic bool stuck_open;   /* nor engine_open_step */
    _Atomic int open_steps;    /* engine_open_step's before it is ready */
    _Atomic int step_us;       /* each of them, and the begin */
    _Atomic int poll_takes_us; /* launcher_poll's return, once it has found nothing */
    _Atomic bool open_fails;   /* the last step */
    int max_launched;
    int poll_us; /* 0: it calls on_progress */
    /* Counted. */
    _Atomic int batches, largest_batch, launched, most_launched, open_engines, closed_engines;
    _Atomic int max_step_us;  /* requested of the engine opened last */
    _Atomic int threads_seen; /* callers other than the first: must stay 0 */
};

/* Initially and after a reset: 1 ms a batch, never fails, one launched. */
extern struct stub_script stub_scripts[STUB_DEVICES];
void stub_reset(void);

/* The device's latest launcher, which hangs in a batch and is leaked with its model, never
 * completes anything, whatever the next script says. */
void stub_abandon(int device);

/* Reference-counted like a model. */
struct model *stub_model_new(int number);
extern _Atomic int stub_models, stub_launchers; /* currently open */

float stub_logit(int model, int32_t token);

#endif
