#include "tools/sim/write.h"

#include <math.h>
#include <stdio.h>

#include "impression/behaviour_json.h"

/* Bids lie close together, so that what an ad is about decides and not what it pays. */
static double bid_of(const struct sim_world *world, int item)
{
    struct rng rng;
    sim_rng(&rng, world->seed, 20, (uint64_t)item);
    return round(100 * exp(.18 * rng_normal(&rng)) * .5) / 100;
}

static double prior_of(const struct sim_item *item)
{
    return round(1e4 * .1 * exp(item->offer_effect)) / 1e4;
}

static void add_id(struct json_writer *w, const char *key, const char *prefix, uint64_t number)
{
    char text[48];
    snprintf(text, sizeof(text), "%s%llu", prefix, (unsigned long long)number);
    jw_key(w, key);
    jw_str(w, text);
}

void sim_write_ad(struct json_writer *w, const struct sim_world *world, int item)
{
    const struct sim_item *ad = &world->items[item];
    bool by_click = item % 16 != 5;
    char domain[48];

    snprintf(domain, sizeof(domain), "shop%d.example", item % 37);
    jw_object_begin(w);
    add_id(w, "adid", "a", (uint64_t)item);
    add_id(w, "item", "sku", (uint64_t)item);
    add_id(w, "crid", "c", (uint64_t)item);
    add_id(w, "cid", "k", (uint64_t)item / 8);
    add_id(w, "seat", "s", (uint64_t)item % 37);
    jw_key(w, "adomain");
    jw_array_begin(w);
    jw_str(w, domain);
    jw_array_end(w);
    jw_key(w, "cat");
    jw_array_begin(w);
    jw_str(w, lexicon_category_iab[ad->meaning.category]);
    jw_array_end(w);
    jw_member_view(w, "title", ad->title);
    jw_member_filled(w, "desc", ad->desc);
    jw_key(w, "bid"); /* by impression: about what a click's bid is worth at the base rate */
    jw_number(w, by_click ? bid_of(world, item) : 60 * bid_of(world, item), 6);
    jw_member_str(w, "bid_type", by_click ? "cpc" : "cpm");
    jw_member_number(w, "prior_ctr", prior_of(ad), 4);
    jw_member_str(w, "status", item % 50 == 49 ? "paused" : "active");
    jw_object_end(w);
}

static void add_event(struct json_writer *w, const struct sim_event *event)
{
    char item[16];
    struct behaviour behaviour = {.t_ms = event->t_ms, .type = event->type, .text = event->text};

    if (event->item >= 0) {
        snprintf(item, sizeof(item), "sku%d", event->item);
        behaviour.item = view_of(item);
    }
    behaviour_write_json(w, &behaviour);
}

void sim_write_history(const struct sim_shopper *shopper, struct buf *out)
{
    for (int i = 0; i < SIM_EVENTS; i++) {
        struct json_writer w;
        json_writer_init(&w, out);
        jw_object_begin(&w);
        add_id(&w, "user", "u", shopper->index);
        add_event(&w, &shopper->events[i]);
        jw_object_end(&w);
        buf_add_str(out, "\n");
    }
}

static void add_device(struct json_writer *w, const struct sim_shopper *shopper)
{
    jw_key(w, "device");
    jw_object_begin(w);
    jw_member_int(w, "devicetype", shopper->devicetype);
    jw_member_str(w, "os", shopper->os);
    jw_member_str(w, "language", shopper->lang == SIM_EN ? "en" : "zh");
    jw_key(w, "geo");
    jw_object_begin(w);
    jw_member_str(w, "country", shopper->place->country);
    jw_member_str(w, "city", shopper->place->city);
    jw_member_int(w, "utcoffset", shopper->place->utcoffset_min);
    jw_object_end(w);
    jw_object_end(w);
}

static void add_behaviour(struct json_writer *w, const struct sim_visit *visit)
{
    jw_key(w, "behaviour");
    jw_array_begin(w);
    for (int i = 0; i < visit->n_events; i++) {
        jw_object_begin(w);
        add_event(w, &visit->shopper.events[visit->first_event + i]);
        jw_object_end(w);
    }
    jw_array_end(w);
}

static void add_candidates(struct json_writer *w, const struct sim_request_args *args)
{
    jw_key(w, "candidates");
    jw_array_begin(w);
    for (int i = 0; i < SIM_SHOWN; i++) {
        int item = args->visit->shown[i];
        jw_object_begin(w);
        add_id(w, "adid", "a", (uint64_t)item);
        jw_member_str(w, "bid_type", "cpc");
        jw_member_number(w, "bid", bid_of(args->world, item), 6);
        jw_member_view(w, "text", args->world->items[item].title);
        jw_object_end(w);
    }
    jw_array_end(w);
}

void sim_write_request(struct json_writer *w, const struct sim_request_args *args)
{
    const struct sim_visit *visit = args->visit;

    jw_object_begin(w);
    add_id(w, "id", args->id_prefix, args->index);
    jw_key(w, "user");
    jw_object_begin(w);
    add_id(w, "id", "u", visit->shopper.index);
    jw_object_end(w);
    add_device(w, &visit->shopper);
    jw_key(w, "site");
    jw_object_begin(w);
    jw_member_str(w, "domain", visit->domain);
    if (visit->has_search)
        jw_member_view(w, "search", buf_view(&visit->search_words));
    jw_object_end(w);
    jw_key(w, "imp");
    jw_array_begin(w);
    jw_object_begin(w);
    jw_member_str(w, "id", "1");
    jw_member_str(w, "tagid", visit->tagid);
    jw_object_end(w);
    jw_array_end(w);
    if (args->with_behaviour || args->with_candidates) {
        jw_key(w, "rank");
        jw_object_begin(w);
        if (args->with_behaviour)
            add_behaviour(w, visit);
        if (args->with_candidates)
            add_candidates(w, args);
        jw_object_end(w);
    }
    jw_object_end(w);
}

void sim_write_logged(struct json_writer *w, const struct sim_request_args *args)
{
    const struct sim_visit *visit = args->visit;

    jw_object_begin(w);
    jw_key(w, "request");
    sim_write_request(w, args);
    jw_key(w, "shown");
    jw_array_begin(w);
    for (int i = 0; i < SIM_SHOWN; i++) {
        jw_object_begin(w);
        add_id(w, "adid", "a", (uint64_t)visit->shown[i]);
        jw_member_int(w, "pos", i + 1);
        jw_member_int(w, "click", visit->click[i]);
        jw_member_int(w, "conv", visit->conversion[i]);
        jw_member_int(w, "t", visit->now_ms);
        jw_object_end(w);
    }
    jw_array_end(w);
    jw_object_end(w);
}
