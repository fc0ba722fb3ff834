#include "server/request/answer.h"

#define DIGITS 9 /* enough to recompute ecpm from pctr and bid */

void answer_write_views(struct json_writer *w, const char *key, const struct views *values)
{
    if (values->n == 0)
        return;
    jw_key(w, key);
    jw_array_begin(w);
    for (int i = 0; i < values->n; i++)
        jw_view(w, values->items[i]);
    jw_array_end(w);
}

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
        answer_write_views(w, "adomain", &ad->adomain);
        answer_write_views(w, "cat", &ad->cat);
    }
    jw_member_number(w, "pctr", result->pctr, DIGITS);
    jw_member_number(w, "bid", result->ad->bid, DIGITS);
    jw_member_str(w, "bid_type", bid_type_names[result->ad->bid_type]);
    jw_member_number(w, "ecpm", result->ecpm, DIGITS);
    jw_member_str(w, "source", rank_source_names[result->source]);
    jw_object_end(w);
}

static void write_results(const struct answer_args *args, struct json_writer *w)
{
    jw_key(w, "results");
    jw_array_begin(w);
    for (int i = 0; i < args->ranked->n; i++)
        write_result(w, args->request, &args->ranked->results[i]);
    jw_array_end(w);
}

static void write_filtered(struct json_writer *w, const struct ranked *ranked)
{
    jw_key(w, "filtered");
    jw_object_begin(w);
    for (int reason = 0; reason < FILTERED_REASONS; reason++) {
        if (ranked->filtered[reason] == 0)
            continue;
        jw_member_int(w, filtered_reason_names[reason], ranked->filtered[reason]);
    }
    jw_object_end(w);
}

static void write_degraded(struct json_writer *w, uint32_t degraded)
{
    jw_key(w, "degraded");
    jw_array_begin(w);
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

    jw_key(w, "timing_us");
    jw_object_begin(w);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        jw_member_int(w, rows[i].name, rows[i].us);
    }
    jw_object_end(w);
}

void answer_write(const struct answer_args *args, struct buf *out)
{
    struct json_writer w;

    json_writer_init(&w, out);
    jw_object_begin(&w);
    jw_member_view(&w, "id", args->request->id.len ? args->request->id : args->request_id);
    jw_member_str(&w, "model", args->model);
    jw_member_str(&w, "model_version", args->model_version);
    jw_member_str(&w, "model_digest", args->model_digest);
    jw_member_int(&w, "generation", (int64_t)args->generation);
    jw_member_str(&w, "cur", args->currency);
    write_results(args, &w);
    write_filtered(&w, args->ranked);
    write_degraded(&w, args->degraded);
    write_timing(&w, args->timing);
    jw_object_end(&w);
}
