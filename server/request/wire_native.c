/* The wire format of POST /rank (CONTRACT 3): JSON in the field order of the contract. */
#include <inttypes.h>

#include "json/writer.h"
#include "server/request/wire.h"

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
    for (int reason = 0; reason < FILTERED_REASONS; reason++) {
        if (ranked->filtered[reason] == 0)
            continue;
        jw_member_int(w, filtered_reason_names[reason], ranked->filtered[reason]);
    }
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

static void write_timing(struct json_writer *w, const struct answer_timing *timing)
{
    const struct {
        const char *name;
        int64_t us;
    } rows[] = {{"parse", timing->parse_us}, {"features", timing->features_us},
                {"queue", timing->queue_us}, {"infer", timing->infer_us},
                {"rank", timing->rank_us},   {"total", timing->total_us}};

    jw_member_object(w, "timing_us");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        jw_member_int(w, rows[i].name, rows[i].us);
    }
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
    write_timing(&w, answer->timing);
    jw_object_end(&w);
}

/* Milliseconds of a time in microseconds: converting doubles was a tenth of a small request. */
#define MS_FORMAT "%" PRId64 ".%03d"
#define MS(us) (us) / 1000, (int)((us) % 1000)

static struct view server_timing(const struct answer_timing *t, struct arena *arena)
{
    char *text = arena_printf(arena,
                              "Server-Timing: parse;dur=" MS_FORMAT ", features;dur=" MS_FORMAT
                              ", queue;dur=" MS_FORMAT ", infer;dur=" MS_FORMAT
                              ", rank;dur=" MS_FORMAT ", total;dur=" MS_FORMAT "\r\n",
                              MS(t->parse_us), MS(t->features_us), MS(t->queue_us), MS(t->infer_us),
                              MS(t->rank_us), MS(t->total_us));

    return text ? view_of(text) : (struct view){0};
}

/* Without a result the list is empty. */
static void write_answer(const struct answer *answer, struct arena *arena, struct buf *body,
                         struct http_response *response)
{
    write_body(answer, body);
    response->status = 200;
    response->headers = server_timing(answer->timing, arena);
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
