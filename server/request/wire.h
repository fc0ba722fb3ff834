/*
 * struct wire_format: how requests and answers look on the wire; the argument of a route. Each
 * format is a file with a const table; the steps between decoding and answering do not know which
 * one a request uses. Formats keep no state and allocate from the arena they are passed.
 */
#ifndef SERVER_REQUEST_WIRE_H
#define SERVER_REQUEST_WIRE_H

#include "adrank/decode.h"
#include "base/buf.h"
#include "market/rank.h"
#include "server/metrics/metrics.h"
#include "server/net/http_call.h"

/* The content of an answer. */
struct answer {
    const struct impression_request *request;
    struct view request_id; /* used where the request has no id */
    const char *model, *model_version, *model_digest;
    uint64_t generation;
    const char *currency;
    const struct ranked *ranked;
    uint32_t degraded;        /* bit per enum degraded_reason */
    const int64_t *timing_us; /* (STAGES) */
};

/* Appends the body to body and fills in the rest of *response. The caller checks whether the buffer
 * failed. */
typedef void (*wire_write_fn)(const struct answer *answer, struct arena *arena, struct buf *body,
                              struct http_response *response);

struct wire_format {
    /* As decode_request(), from a call whose body is followed by DECODE_PADDING readable bytes. */
    enum decode_status (*decode)(const struct http_call *call, const struct decode_limits *limits,
                                 struct arena *arena, struct impression_request *out,
                                 bool *truncated, struct problems *problems);
    wire_write_fn write_answer; /* at least one result */
    wire_write_fn write_none;   /* no result */
    /* Answers the call with an error; problems may be NULL. */
    void (*refuse)(struct http_call *call, enum problem_code code, const struct problems *problems);
};

extern const struct wire_format wire_native; /* POST /rank: CONTRACT 3 */

#endif
