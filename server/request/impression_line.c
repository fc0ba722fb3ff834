/* A line of log.impressions: what the trainer reads (CONTRACT 6). The request is written anew, with merged
 * behaviour, without the user's id, with the bids and floors that were in force: a log holds what was ranked and
 * nobody's name, and each request in it can be sent again. */
#include "server/request/internal.h"

static void write_device(struct json_writer *w, const struct impression_request *d)
{
    jw_key(w, "device");
    jw_object_begin(w);
    if (d->devicetype >= 0) {
        jw_key(w, "devicetype");
        jw_int(w, d->devicetype);
    }
    answer_write_view(w, "os", d->os);
    answer_write_view(w, "language", d->language);
    jw_key(w, "geo");
    jw_object_begin(w);
    answer_write_view(w, "country", d->country);
    answer_write_view(w, "city", d->city);
    if (d->has_utcoffset) {
        jw_key(w, "utcoffset");
        jw_int(w, d->utcoffset_min);
    }
    jw_object_end(w);
    jw_object_end(w);
}

static void write_site(struct json_writer *w, const struct impression_request *d)
{
    jw_key(w, "site");
    jw_object_begin(w);
    answer_write_view(w, "domain", d->domain);
    answer_write_views(w, "cat", &d->cat);
    answer_write_view(w, "search", d->search);
    jw_object_end(w);
}

static void write_imps(struct json_writer *w, const struct impression_request *d)
{
    jw_key(w, "imp");
    jw_array_begin(w);
    for (int i = 0; i < d->n_imps; i++) {
        jw_object_begin(w);
        jw_key(w, "id");
        jw_view(w, d->imps[i].id);
        answer_write_view(w, "tagid", d->imps[i].tagid);
        if (d->imps[i].bidfloor > 0) {
            jw_key(w, "bidfloor");
            jw_double(w, d->imps[i].bidfloor);
        }
        answer_write_view(w, "bidfloorcur", d->imps[i].bidfloorcur);
        jw_object_end(w);
    }
    jw_array_end(w);
}

static void write_behaviours(struct json_writer *w, const struct request *r)
{
    jw_key(w, "behaviour");
    jw_array_begin(w);
    for (int i = 0; i < r->n_behaviours; i++) {
        const struct behaviour *b = &r->behaviours[i];

        jw_object_begin(w);
        jw_key(w, "t");
        jw_int(w, b->t_ms);
        jw_key(w, "type");
        jw_str(w, behaviour_type_names[b->type]);
        answer_write_view(w, "item", b->item);
        answer_write_view(w, "text", b->text);
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
        jw_key(w, "adid");
        jw_view(w, r->ads.items[i].adid);
        answer_write_view(w, "text", r->ads.items[i].text);
        jw_key(w, "bid");
        jw_double(w, r->ads.items[i].bid);
        jw_key(w, "bid_type");
        jw_str(w, bid_type_names[r->ads.items[i].bid_type]);
        jw_object_end(w);
    }
    jw_array_end(w);
}

static void write_request(struct json_writer *w, const struct request *r)
{
    jw_key(w, "request");
    jw_object_begin(w);
    answer_write_view(w, "id", r->decoded.id);
    write_device(w, &r->decoded);
    write_site(w, &r->decoded);
    write_imps(w, &r->decoded);
    jw_key(w, "rank");
    jw_object_begin(w);
    if (r->decoded.top_n) {
        jw_key(w, "top_n");
        jw_int(w, r->decoded.top_n);
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
        jw_key(w, "impid");
        jw_view(w, r->decoded.imps[result->imp].id);
        jw_key(w, "adid");
        jw_view(w, result->ad->adid);
        jw_key(w, "pos");
        jw_int(w, result->pos);
        jw_key(w, "pctr");
        jw_number(w, result->pctr, 9);
        jw_key(w, "source");
        jw_str(w, rank_source_names[result->source]);
        jw_key(w, "t");
        jw_int(w, r->now_ms);
        jw_object_end(w);
    }
    jw_array_end(w);
}

void impression_line_add(struct request *r, const struct answer_args *answer)
{
    struct buf *line = &r->worker->line;
    struct json_writer w;

    buf_clear(line);
    json_writer_init(&w, line);
    jw_object_begin(&w);
    jw_key(&w, "t");
    jw_int(&w, r->now_ms);
    jw_key(&w, "request_id");
    jw_str(&w, r->exchange->request_id);
    jw_key(&w, "user");
    jw_view(&w, (struct view){r->pid, strnlen(r->pid, 12)});
    jw_key(&w, "catalog_digest");
    jw_str(&w, catalog_digest(r->world->catalog));
    jw_key(&w, "model_digest");
    jw_str(&w, answer->model_digest);
    jw_key(&w, "generation");
    jw_int(&w, (int64_t)answer->generation);
    write_request(&w, r);
    write_shown(&w, r, answer->ranked);
    jw_object_end(&w);
    buf_add_str(line, "\n");
    if (buf_failed(line))
        buf_release(line);
    else
        impression_log_add(r->worker->impressions, buf_view(line));
}
