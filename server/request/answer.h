/* The body of a 200 of /rank (CONTRACT 3), in the field order of the contract. Pure. */
#ifndef SERVER_REQUEST_ANSWER_H
#define SERVER_REQUEST_ANSWER_H

#include "market/rank.h"
#include "server/metrics/metrics.h"
#include "json/writer.h"

struct answer_timing {
    int64_t parse_us, features_us, queue_us, infer_us, rank_us, total_us;
};

struct answer_args {
    const struct impression_request *request;
    struct view request_id; /* what is echoed when the request has no id */
    const char *model, *model_version, *model_digest;
    uint64_t generation;
    const char *currency;
    const struct ranked *ranked;
    uint32_t degraded; /* bit per enum degraded_reason */
    const struct answer_timing *timing;
};

void answer_write(const struct answer_args *args, struct buf *out);

/* A member of the object that is open; nothing when there are none. */
void answer_write_views(struct json_writer *w, const char *key, const struct views *values);

#endif
