/* The line's JSON, member by member. */
#include "server/request/impression_line.h"

#include "impression/request_json.h"
#include "server/request/worker_state.h"

static void write_request(struct json_writer *w, const struct request *r)
{
    struct impression_request ranked = r->decoded;

    ranked.tmax_ms = 0;
    ranked.user_id = (struct view){0};
    ranked.behaviours = r->history.behaviours;
    ranked.n_behaviours = r->history.n;
    jw_key(w, "request");
    request_write_begin(w, &ranked);
    jw_member_array(w, "candidates");
    for (int i = 0; i < r->ads.n; i++) {
        const struct rank_ad *ad = &r->ads.items[i];

        candidate_write_json(w, &(struct candidate){.adid = ad->adid,
                                                    .text = ad->text,
                                                    .bid = ad->bid,
                                                    .bid_type = (int)ad->bid_type});
    }
    jw_array_end(w);
    request_write_end(w);
}

static void write_shown(struct json_writer *w, const struct request *r, const struct ranked *ranked)
{
    jw_member_array(w, "shown");
    for (int i = 0; i < ranked->n; i++) {
        const struct rank_result *result = &ranked->results[i];

        jw_object_begin(w);
        jw_member_view(w, "impid", r->decoded.imps[result->imp].id);
        jw_member_view(w, "adid", result->ad->adid);
        jw_member_int(w, "pos", result->pos);
        jw_member_number(w, "pctr", result->pctr, 9);
        jw_member_str(w, "source", rank_source_names[result->source]);
        jw_member_int(w, "t", r->now_ms);
        jw_object_end(w);
    }
    jw_array_end(w);
}

void impression_line_add(struct request *r, const struct answer *answer)
{
    struct buf *line = &r->worker->line;
    struct json_writer w;

    buf_clear(line);
    json_writer_init(&w, line);
    jw_object_begin(&w);
    jw_member_int(&w, "t", r->now_ms);
    jw_member_str(&w, "request_id", r->call->request_id);
    jw_member_view(&w, "user", request_user_logged(r));
    jw_member_str(&w, "catalog_digest", catalog_digest(r->world->catalog));
    jw_member_str(&w, "model_digest", answer->model_digest);
    jw_member_int(&w, "generation", (int64_t)answer->generation);
    write_request(&w, r);
    write_shown(&w, r, answer->ranked);
    jw_object_end(&w);
    buf_add_str(line, "\n");
    if (buf_failed(line))
        buf_release(line);
    else
        impression_log_add(r->worker->impressions, buf_view(line));
}
