/*
 * A /rank request that stands by itself to an input: behaviours and candidates carry their own
 * text, or a catalog that was named has it; the first impression counts. Golden requests (which
 * never have a catalog), adrank-model score and pack take this way; the daemon has catalog, stored
 * history and several impressions and calls model_input itself.
 */
#ifndef MODEL_REQUEST_INPUT_H
#define MODEL_REQUEST_INPUT_H

#include "adrank/decode.h"
#include "adrank/model.h"

#define REQUEST_INPUT_MAX_BYTES (1 << 20)

struct request_input {
    struct catalog *catalog; /* for what has no text of its own; NULL: none. Released with it */
    struct arena arena;      /* the decoded request; reset by every build */
    struct impression_request request; /* valid until the next build */
};

void request_input_init(struct request_input *self);
void request_input_release(struct request_input *self);

/* Candidates without a text are errors (ERR_DATA), as is a body that is no request. */
int request_input_build(struct request_input *self, const struct model *model, struct view body,
                        int64_t now_ms, struct input *out, struct err *err) MUST_CHECK;

#endif
