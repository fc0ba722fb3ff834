/*
 * Decodes a /rank body into struct impression_request. Pure: no I/O, no clock, memory from the
 * arena only.
 *
 * Strict as JSON: RFC 8259, UTF-8, depth <= 32, no byte order mark, no duplicate of a key that is
 * read. Lenient as a request, which comes from software that cannot be changed from here: null
 * counts as absent everywhere; integers are taken by value (100.0, 1e2); ids may be numbers; imps
 * beyond max_imps are left out and counted; app wins over site; privacy fields are never refused
 * (impression/privacy.h). Fields that are not read may hold any JSON, including numbers of any
 * size.
 *
 * Wrong types, missing and out-of-range fields are collected, each with its JSON pointer; no
 * problem quotes the input. Bounds in addition to those of CONTRACT 3: money at most
 * DECODE_MAX_MONEY, a behaviour has an item or a text, adid and imp.id are not empty, ids are at
 * most DECODE_MAX_ID_BYTES long, lists end at the lengths below, no string that is read holds
 * U+0000.
 *
 * Memory is bounded by the body: the arena never holds more than four times its size, whatever the
 * content.
 *
 * Views point into the body where a string has no escapes, else into the arena: both live as long
 * as *out.
 */
#ifndef ADRANK_DECODE_H
#define ADRANK_DECODE_H

#include "adrank/impression.h"
#include "base/problems.h"

/* Readable bytes that must follow the body in memory (their values do not matter). */
#define DECODE_PADDING 64
/* Limit of bid and bidfloor: keeps every product of the ranking finite. */
#define DECODE_MAX_MONEY 1000000000

/* Limit of id, imp.id, tagid, bidfloorcur, user.id, buyeruid, adid and item, measured as JSON text
 * without the quotes, so a control character counts as six. */
#define DECODE_MAX_ID_BYTES 256
/* Longer lists are a problem, reported at the list. */
#define DECODE_MAX_BADV 8192
#define DECODE_MAX_BCAT 2048
#define DECODE_MAX_BADV_INTERNATIONAL_BYTES                                                        \
    (16 << 10)                     /* of names that are not ASCII: each costs microseconds */
#define DECODE_MAX_NAMES 256       /* of cur and cat */
#define DECODE_MAX_BEHAVIOURS 6144 /* above any rank.max_behaviour */

struct decode_limits {
    int max_imps;       /* more: left out, ignored_imps counts them */
    int max_candidates; /* more: a problem at /rank/candidates */
    int max_behaviour;  /* more: the oldest are left out, *truncated is set */
    int max_top_n;      /* more: a problem at /rank/top_n */

    /* Limits of the whole response; 0: no limit. */
    int max_pairs; /* imps x candidates; more: a problem at /rank/candidates */
    /* imps x top_n, or candidates where they are fewer; more: a problem at /rank/top_n. */
    int max_results;
    int top_n; /* default where the request has none */
};

enum decode_status {
    DECODE_OK,
    DECODE_NOT_JSON,     /* 400; one problem with pointer "" */
    DECODE_INVALID,      /* 422; every problem is listed, up to problems->max */
    DECODE_OUT_OF_MEMORY /* 503: the arena or its limit */
};

/* Whether gpc or the header Sec-GPC is set: any value except empty and "0". */
bool privacy_gpc_is_set(struct view value);

/* *truncated: see max_behaviour. problems->arena may be `arena`. *out is complete only after
 * DECODE_OK. */
enum decode_status decode_request(struct view body, const struct decode_limits *limits,
                                  struct arena *arena, struct impression_request *out,
                                  bool *truncated, struct problems *problems) MUST_CHECK;

#endif
