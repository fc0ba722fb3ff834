/* The members of a request and of a behaviour, in the order of the contract. */
#include "impression/request_json.h"

#include <math.h>

static void write_user(struct json_writer *w, struct view id)
{
    if (id.len == 0)
        return;
    jw_member_object(w, "user");
    jw_member_view(w, "id", id);
    jw_object_end(w);
}

static void write_device(struct json_writer *w, const struct impression_request *request)
{
    jw_member_object(w, "device");
    if (request->devicetype >= 0)
        jw_member_int(w, "devicetype", request->devicetype);
    jw_member_filled(w, "os", request->os);
    jw_member_filled(w, "language", request->language);
    jw_member_object(w, "geo");
    jw_member_filled(w, "country", request->country);
    jw_member_filled(w, "city", request->city);
    if (request->has_utcoffset)
        jw_member_int(w, "utcoffset", request->utcoffset_min);
    jw_object_end(w);
    jw_object_end(w);
}

static void write_site(struct json_writer *w, const struct impression_request *request)
{
    jw_member_object(w, "site");
    jw_member_filled(w, "domain", request->domain);
    jw_member_views(w, "cat", &request->cat);
    jw_member_filled(w, "search", request->search);
    jw_object_end(w);
}

static void write_imps(struct json_writer *w, const struct impression_request *request)
{
    jw_member_array(w, "imp");
    for (int i = 0; i < request->n_imps; i++) {
        const struct imp *imp = &request->imps[i];

        jw_object_begin(w);
        jw_member_view(w, "id", imp->id);
        jw_member_filled(w, "tagid", imp->tagid);
        if (imp->bidfloor > 0)
            jw_member_double(w, "bidfloor", imp->bidfloor);
        jw_member_filled(w, "bidfloorcur", imp->bidfloorcur);
        jw_object_end(w);
    }
    jw_array_end(w);
}

void candidate_write_json(struct json_writer *w, const struct candidate *candidate)
{
    jw_object_begin(w);
    jw_member_view(w, "adid", candidate->adid);
    jw_member_filled(w, "text", candidate->text);
    if (!isnan(candidate->bid))
        jw_member_double(w, "bid", candidate->bid);
    if (candidate->bid_type >= 0)
        jw_member_str(w, "bid_type", bid_type_names[candidate->bid_type]);
    jw_object_end(w);
}

static void write_behaviour(struct json_writer *w, const struct behaviour *behaviour)
{
    jw_member_int(w, "t", behaviour->t_ms);
    jw_member_str(w, "type", behaviour_type_names[behaviour->type]);
    jw_member_filled(w, "item", behaviour->item);
    jw_member_filled(w, "text", behaviour->text);
}

void behaviour_write_line(struct buf *out, struct view user, const struct behaviour *behaviour)
{
    struct json_writer w;

    json_writer_init(&w, out);
    jw_object_begin(&w);
    jw_member_filled(&w, "user", user);
    write_behaviour(&w, behaviour);
    jw_object_end(&w);
    buf_add_str(out, "\n");
}

static void write_behaviours(struct json_writer *w, const struct impression_request *request)
{
    jw_member_array(w, "behaviour");
    for (int i = 0; i < request->n_behaviours; i++) {
        jw_object_begin(w);
        write_behaviour(w, &request->behaviours[i]);
        jw_object_end(w);
    }
    jw_array_end(w);
}

void request_write_begin(struct json_writer *w, const struct impression_request *request)
{
    jw_object_begin(w);
    jw_member_filled(w, "id", request->id);
    if (request->tmax_ms)
        jw_member_int(w, "tmax", request->tmax_ms);
    write_user(w, request->user_id);
    write_device(w, request);
    write_site(w, request);
    if (request->n_imps)
        write_imps(w, request);
    jw_member_object(w, "rank");
    if (request->top_n)
        jw_member_int(w, "top_n", request->top_n);
    write_behaviours(w, request);
}

void request_write_end(struct json_writer *w)
{
    jw_object_end(w);
    jw_object_end(w);
}

void request_write_json(struct json_writer *w, const struct impression_request *request)
{
    request_write_begin(w, request);
    if (request->has_candidates) {
        jw_member_array(w, "candidates");
        for (int i = 0; i < request->n_candidates; i++)
            candidate_write_json(w, &request->candidates[i]);
        jw_array_end(w);
    }
    request_write_end(w);
}
