/* The wire format of POST /rank (CONTRACT 3): JSON in the field order of the contract. */
#include <string.h>

#include "base/decimal.h"
#include "json/writer.h"
#include "server/request/wire.h"

#define SERVER_TIMING_BYTES (STAGES * 48)
#define DIGITS 9 /* enough to recompute ecpm from pctr and bid */

static void write_result(struct json_writer *w, const struct impression_request *request,
                         const struct rank_result *result)
{
    const struct ad *ad = result->ad->ad;

    jw_object_begin(w);
    jw_member_view(w, "impid", request->imps[result->imp].id);
    jw_member_int(w, "pos", result->pos);
    jw_member_view(w, "adid", result->ad->adid);
    if (ad) {
        jw_member_filled(w, "crid", ad->crid);
        jw_member_filled(w, "cid", ad->cid);
        jw_member_filled(w, "seat", ad->seat);
        jw_member_views(w, "adomain", &ad->adomain);
        jw_member_views(w, "cat", &ad->cat);
    }
    jw_member_number(w, "pctr", result->pctr, DIGITS);
    jw_member_number(w, "bid", result->ad->bid, DIGITS);
    jw_member_str(w, "bid_type", bid_type_names[result->ad->bid_type]);
    jw_member_number(w, "ecpm", result->ecpm, DIGITS);
    jw_member_str(w, "source", rank_source_names[result->source]);
    jw_object_end(w);
}

static void write_results(struct json_writer *w, const struct answer *answer)
{
    jw_member_array(w, "results");
    for (int i = 0; i < answer->ranked->n; i++)
        write_result(w, answer->request, &answer->ranked->results[i]);
    jw_array_end(w);
}

static void write_filtered(struct json_writer *w, const struct ranked *ranked)
{
    jw_member_object(w, "filtered");
    for (int reason = 0; reason < FILTERED_REASONS; reason++)
        if (ranked->filtered[reason])
            jw_member_int(w, filtered_reason_names[reason], ranked->filtered[reason]);
    jw_object_end(w);
}

static void write_degraded(struct json_writer *w, uint32_t degraded)
{
    jw_member_array(w, "degraded");
    for (int reason = 0; reason < DEGRADED_REASONS; reason++)
        if (degraded & 1u << reason)
            jw_str(w, degraded_reason_names[reason]);
    jw_array_end(w);
}

static void write_timing(struct json_writer *w, const int64_t *timing_us)
{
    jw_member_object(w, "timing_us");
    for (int stage = 0; stage < STAGES; stage++)
        jw_member_int(w, metrics_stage_names[stage], timing_us[stage]);
    jw_object_end(w);
}

static void write_body(const struct answer *answer, struct buf *body)
{
    const struct impression_request *request = answer->request;
    struct json_writer w;

    json_writer_init(&w, body);
    jw_object_begin(&w);
    jw_member_view(&w, "id", request->id.len ? request->id : answer->request_id);
    jw_member_str(&w, "model", answer->model);
    jw_member_str(&w, "model_version", answer->model_version);
    jw_member_str(&w, "model_digest", answer->model_digest);
    jw_member_int(&w, "generation", (int64_t)answer->generation);
    jw_member_str(&w, "cur", answer->currency);
    write_results(&w, answer);
    write_filtered(&w, answer->ranked);
    write_degraded(&w, answer->degraded);
    write_timing(&w, answer->timing_us);
    jw_object_end(&w);
}

/* In milliseconds. Not by printf(), which would be a tenth of a small request. */
static struct view server_timing(const int64_t *timing_us, struct arena *arena)
{
    char *text = arena_alloc(arena, SERVER_TIMING_BYTES), *at = text;

    if (!text)
        return (struct view){0};
    for (int stage = 0; stage < STAGES; stage++) {
        at = stpcpy(at, stage ? ", " : "Server-Timing: ");
        at = stpcpy(stpcpy(at, metrics_stage_names[stage]), ";dur=");
        at += decimal_int(timing_us[stage] / 1000, at);
        at += decimal_int(1000 + timing_us[stage] % 1000, at); /* its 1 becomes the point */
        at[-4] = '.';
    }
    at = stpcpy(at, "\r\n");
    return (struct view){text, (size_t)(at - text)};
}

/* Without a result the list is empty. */
static void write_answer(const struct answer *answer, struct arena *arena, struct buf *body,
                         struct http_response *response)
{
    write_body(answer, body);
    response->status = 200;
    response->headers = server_timing(answer->timing_us, arena);
}

static enum decode_status decode(const struct http_call *call, const struct decode_limits *limits,
                                 struct arena *arena, struct impression_request *out,
                                 bool *truncated, struct problems *problems)
{
    return decode_request(call->body, limits, arena, out, truncated, problems);
}

static void refuse(struct http_call *call, enum problem_code code, const struct problems *problems)
{
    http_call_problem(call, code, NULL, problems);
}

const struct wire_format wire_native = {
    .decode = decode,
    .write_answer = write_answer,
    .write_none = write_answer,
    .refuse = refuse,
};
