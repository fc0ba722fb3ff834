/*
 * Turns a self-contained /rank request into an input: behaviours and candidates carry their own
 * text, or take it from a given catalog; only the first impression is used. Used by golden requests
 * (which never have a catalog) and by adrank-model score and pack; the daemon has catalog, stored
 * history and several impressions and calls model_input itself.
 */
#ifndef MODEL_REQUEST_INPUT_H
#define MODEL_REQUEST_INPUT_H

#include "adrank/decode.h"
#include "adrank/model.h"

#define REQUEST_INPUT_MAX_BYTES (1 << 20)

struct request_input {
    struct catalog *catalog; /* for items without their own text; NULL: none. Released with it */
    struct arena arena;      /* the decoded request; reset by every build */
    struct impression_request request; /* valid until the next build */
};

void request_input_init(struct request_input *self);
void request_input_release(struct request_input *self);

/* Candidates without a text are errors (ERR_DATA), as is a body that is not a valid request. */
int request_input_build(struct request_input *self, const struct model *model, struct view body,
                        int64_t now_ms, struct input *out, struct err *err) MUST_CHECK;

#endif
