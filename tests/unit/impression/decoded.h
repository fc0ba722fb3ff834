/* A body decoded with everything that it needs, for the tests of the decoder. */
#ifndef TESTS_UNIT_IMPRESSION_DECODED_H
#define TESTS_UNIT_IMPRESSION_DECODED_H

#include "adrank/decode.h"
#include "tests/test.h"
#include "tests/unit/json/padded.h"

static const struct decode_limits limits = {
    .max_imps = 3, .max_candidates = 4, .max_behaviour = 3, .max_top_n = 10};

struct decoded {
    struct padded body;
    struct arena arena;
    struct impression_request request;
    struct problems problems;
    bool truncated;
    enum decode_status status;
};

static struct decoded decode_view(struct view body)
{
    struct decoded d = {.body = padded_new(body)};

    arena_init(&d.arena, 4096, 0);
    return d;
}

/* The problems point at the arena, so both stay where the caller has them. */
static void decode(struct decoded *d, struct view body)
{
    *d = decode_view(body);
    problems_init(&d->problems, &d->arena, 16);
    d->status =
        decode_request(d->body.text, &limits, &d->arena, &d->request, &d->truncated, &d->problems);
}

static void decoded_release(struct decoded *d)
{
    arena_release(&d->arena);
    padded_free(&d->body);
}

#endif
