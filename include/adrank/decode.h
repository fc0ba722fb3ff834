/*
 * A /rank body to struct impression_request. Pure: no I/O, no clock, memory from the arena only (and a
 * parser object that is made once per thread and keeps its buffers).
 *
 * Strict: RFC 8259, UTF-8, depth <= 32, no duplicate of a key that matters; numbers outside 64 bits are
 * refused as RFC 8259 section 6 allows. Wrong types, missing and out-of-range fields are collected, each
 * with its JSON pointer. Unknown fields are counted and skipped. Views point into the body where a
 * string has no escapes, else into the arena.
 */
#ifndef ADRANK_DECODE_H
#define ADRANK_DECODE_H

#include "adrank/impression.h"
#include "base/problems.h"

/* Readable bytes that must follow the body in memory (their values do not matter). */
#define DECODE_PADDING 64

struct decoder;

struct decode_limits {
    int max_imps;       /* more: a problem at /imp */
    int max_candidates; /* more: a problem at /rank/candidates */
    int max_behaviour;  /* more: the oldest are left out, *truncated is set */
    int max_top_n;      /* more: a problem at /rank/top_n */
};

enum decode_status {
    DECODE_OK,
    DECODE_NOT_JSON,     /* 400; one problem with pointer "" */
    DECODE_INVALID,      /* 422; every problem listed */
    DECODE_OUT_OF_MEMORY /* 503 */
};

/* Buffers for bodies of up to max_body_bytes are taken here; decode_request allocates nothing more. */
int decoder_new(size_t max_body_bytes, struct decoder **out, struct err *err) MUST_CHECK;
void decoder_free(struct decoder *decoder);

/* out->truncated is told through *truncated; problems->arena may be `arena`. */
enum decode_status decode_request(struct decoder *decoder, struct view body,
                                  const struct decode_limits *limits, struct arena *arena,
                                  struct impression_request *out, bool *truncated,
                                  struct problems *problems) MUST_CHECK;

#endif
