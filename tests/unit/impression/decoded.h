/* A decoded body with everything that it needs, for the tests of the decoder. */
#ifndef TESTS_UNIT_IMPRESSION_DECODED_H
#define TESTS_UNIT_IMPRESSION_DECODED_H

#include <stdarg.h>

#include "adrank/decode.h"
#include "base/buf.h"
#include "tests/test.h"
#include "tests/unit/json/padded.h"

static struct decode_limits limits = {
    .max_imps = 3, .max_candidates = 4, .max_behaviour = 3, .max_top_n = 10};
static size_t max_problem_bytes; /* 0: at most 16 problems */

/* The last body that was decoded. */
static struct {
    struct padded body;
    struct arena arena;
    struct impression_request request;
    struct problems problems;
    bool truncated;
    enum decode_status status;
} d;

static inline void decode(struct view body)
{
    arena_release(&d.arena);
    padded_free(&d.body);
    memset(&d, 0, sizeof(d));
    d.body = padded_new(body);
    arena_init(&d.arena, max_problem_bytes ? 32 << 10 : 4096, 0);
    if (max_problem_bytes)
        problems_init_bytes(&d.problems, &d.arena, max_problem_bytes);
    else
        problems_init(&d.problems, &d.arena, 16);
    d.status =
        decode_request(d.body.text, &limits, &d.arena, &d.request, &d.truncated, &d.problems);
}

/* Decodes printf() with ' for ", which is accepted. */
__attribute__((format(printf, 1, 2))) static inline void decode_ok(const char *fmt, ...)
{
    static char text[8192];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    for (char *at = text; (at = strchr(at, '\'')); at++)
        *at = '"';
    decode(view_of(text));
    if (d.status != DECODE_OK)
        FAIL("status %d: %s: %s", (int)d.status, d.problems.items[0].pointer,
             d.problems.items[0].detail);
}

#endif
