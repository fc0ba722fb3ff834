/* The line's JSON, member by member. */
#include "server/request/impression_line.h"

#include "impression/behaviour_json.h"
#include "server/request/worker_state.h"

static void write_device(struct json_writer *w, const struct impression_request *d)
{
    jw_key(w, "device");
    jw_object_begin(w);
    if (d->devicetype >= 0) {
        jw_member_int(w, "devicetype", d->devicetype);
    }
    jw_member_filled(w, "os", d->os);
    jw_member_filled(w, "language", d->language);
    jw_key(w, "geo");
    jw_object_begin(w);
    jw_member_filled(w, "country", d->country);
    jw_member_filled(w, "city", d->city);
    if (d->has_utcoffset) {
        jw_member_int(w, "utcoffset", d->utcoffset_min);
    }
    jw_object_end(w);
    jw_object_end(w);
}

static void write_site(struct json_writer *w, const struct impression_request *d)
{
    jw_key(w, "site");
    jw_object_begin(w);
    jw_member_filled(w, "domain", d->domain);
    jw_member_views(w, "cat", &d->cat);
    jw_member_filled(w, "search", d->search);
    jw_object_end(w);
}

static void write_imps(struct json_writer *w, const struct impression_request *d)
{
    jw_key(w, "imp");
    jw_array_begin(w);
    for (int i = 0; i < d->n_imps; i++) {
        jw_object_begin(w);
        jw_member_view(w, "id", d->imps[i].id);
        jw_member_filled(w, "tagid", d->imps[i].tagid);
        if (d->imps[i].bidfloor > 0) {
            jw_member_double(w, "bidfloor", d->imps[i].bidfloor);
        }
        jw_member_filled(w, "bidfloorcur", d->imps[i].bidfloorcur);
        jw_object_end(w);
    }
    jw_array_end(w);
}

static void write_behaviours(struct json_writer *w, const struct request *r)
{
    jw_key(w, "behaviour");
    jw_array_begin(w);
    for (int i = 0; i < r->history.n; i++) {
        jw_object_begin(w);
        behaviour_write_json(w, &r->history.behaviours[i]);
        jw_object_end(w);
    }
    jw_array_end(w);
}

static void write_candidates(struct json_writer *w, const struct request *r)
{
    jw_key(w, "candidates");
    jw_array_begin(w);
    for (int i = 0; i < r->ads.n; i++) {
        jw_object_begin(w);
        jw_member_view(w, "adid", r->ads.items[i].adid);
        jw_member_filled(w, "text", r->ads.items[i].text);
        jw_member_double(w, "bid", r->ads.items[i].bid);
        jw_member_str(w, "bid_type", bid_type_names[r->ads.items[i].bid_type]);
        jw_object_end(w);
    }
    jw_array_end(w);
}

static void write_request(struct json_writer *w, const struct request *r)
{
    jw_key(w, "request");
    jw_object_begin(w);
    jw_member_filled(w, "id", r->decoded.id);
    write_device(w, &r->decoded);
    write_site(w, &r->decoded);
    write_imps(w, &r->decoded);
    jw_key(w, "rank");
    jw_object_begin(w);
    if (r->decoded.top_n) {
        jw_member_int(w, "top_n", r->decoded.top_n);
    }
    write_behaviours(w, r);
    write_candidates(w, r);
    jw_object_end(w);
    jw_object_end(w);
}

static void write_shown(struct json_writer *w, const struct request *r, const struct ranked *ranked)
{
    jw_key(w, "shown");
    jw_array_begin(w);
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
