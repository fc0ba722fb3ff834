/*
 * struct served_model: a model with the engines that run it: the primary one and, where there is
 * one, a fallback on another device. A world holds a reference, and every lent job holds one, so
 * both an old and a new model are served until the old one has drained; a batch never mixes two.
 * When the last reference goes, each engine is closed by the executor it belongs to, between
 * batches, and then the rest is freed.
 */
#ifndef SERVER_BATCH_SERVED_H
#define SERVER_BATCH_SERVED_H

#include <stdatomic.h>

#include "server/batch/served_engine.h"

enum { SERVED_PRIMARY, SERVED_FALLBACK, SERVED_ENGINES };

struct served_model {
    struct model *model; /* a reference */
    struct served_engine engines[SERVED_ENGINES];
    atomic_int refs;
    atomic_int open_engines; /* the last one closed frees the struct */
};

struct served_model_args {
    struct model *model;       /* a reference of its own is taken */
    struct executor *primary;  /* starts of executors and opens of models are independent */
    struct executor *fallback; /* NULL: none */
    enum precision precision;  /* wanted of the primary; served_model_precision is in effect */
    enum precision fallback_precision; /* wanted of the fallback */
    int max_batch_tokens; /* raised to the model's longest segment where it is smaller */
    bool skip_golden;
};

/*
 * Opens the engines step by step between the batches that are being served (golden requests
 * included) and waits for that: for main and the loader thread, never for a worker or an executor.
 * *out has one reference. -1: nothing is left open; err says what failed, ERR_UNAVAILABLE when an
 * executor is broken or stopping. A fallback that fails fails the whole.
 */
int served_model_open(const struct served_model_args *args, struct served_model **out,
                      struct err *err) MUST_CHECK;

struct served_model *served_model_ref(struct served_model *served); /* any thread that holds one */
/* Any thread, never waits; may be NULL. */
void served_model_unref(struct served_model *served);

/* In effect on the primary engine; constant. */
static inline enum precision served_model_precision(const struct served_model *served)
{
    return served->engines[SERVED_PRIMARY].caps->precision;
}

/* Why that is not the precision that was asked for; "" where it is. */
static inline const char *served_model_note(const struct served_model *served)
{
    return served->engines[SERVED_PRIMARY].caps->note;
}

#endif
