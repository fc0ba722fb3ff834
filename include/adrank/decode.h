/*
 * A /rank body to struct impression_request. Pure: no I/O, no clock, memory from the arena only.
 *
 * Strict: RFC 8259, UTF-8, depth <= 32, no byte order mark, no duplicate of a key that is read; numbers
 * outside 64 bits are refused as RFC 8259 section 6 allows. Wrong types (null is one), missing and
 * out-of-range fields are collected, each with its JSON pointer; no problem repeats what was sent. Unknown
 * fields are counted and skipped, and must be JSON all the same. Bounds beyond CONTRACT 3's: money at most
 * DECODE_MAX_MONEY, a behaviour has an item or a text, adid and imp.id are not empty, no string that is read
 * holds U+0000, not both site and app.
 *
 * Views point into the body where a string has no escapes, else into the arena: both live as long as *out.
 */
#ifndef ADRANK_DECODE_H
#define ADRANK_DECODE_H

#include "adrank/impression.h"
#include "base/problems.h"

/* Readable bytes that must follow the body in memory (their values do not matter). */
#define DECODE_PADDING 64
/* Of bid and bidfloor: every product of the ranking stays finite. */
#define DECODE_MAX_MONEY 1000000000

struct decode_limits {
    int max_imps;       /* more: a problem at /imp */
    int max_candidates; /* more: a problem at /rank/candidates */
    int max_behaviour;  /* more: the oldest are left out, *truncated is set */
    int max_top_n;      /* more: a problem at /rank/top_n */
};

enum decode_status {
    DECODE_OK,
    DECODE_NOT_JSON,     /* 400; one problem with pointer "" */
    DECODE_INVALID,      /* 422; every problem listed, as far as problems->max goes */
    DECODE_OUT_OF_MEMORY /* 503: the arena or its limit */
};

/* *truncated: see max_behaviour. problems->arena may be `arena`. *out is whole after DECODE_OK only. */
enum decode_status decode_request(struct view body, const struct decode_limits *limits,
                                  struct arena *arena, struct impression_request *out,
                                  bool *truncated, struct problems *problems) MUST_CHECK;

#endif
