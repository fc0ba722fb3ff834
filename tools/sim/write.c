/* Ads, requests and log lines of the world. */
#include "tools/sim/write.h"

#include <math.h>
#include <stdio.h>

#include "impression/request_json.h"

/* Bids are close together, so that relevance decides and not price. */
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

#define ID_BYTES 48

static struct view print_id(char text[ID_BYTES], const char *prefix, uint64_t number)
{
    int len = snprintf(text, ID_BYTES, "%s%llu", prefix, (unsigned long long)number);

    return (struct view){text, (size_t)len};
}

static void add_id(struct json_writer *w, const char *key, const char *prefix, uint64_t number)
{
    char text[ID_BYTES];

    jw_member_view(w, key, print_id(text, prefix, number));
}

void sim_write_ad(struct json_writer *w, const struct sim_world *world, int item)
{
    const struct sim_item *ad = &world->items[item];
    bool by_click = item % 16 != 5;
    struct view category = view_of(lexicon_category_iab[ad->meaning.category]), domain;
    char text[ID_BYTES];

    snprintf(text, sizeof(text), "shop%d.example", item % 37);
    domain = view_of(text);
    jw_object_begin(w);
    add_id(w, "adid", "a", (uint64_t)item);
    add_id(w, "item", "sku", (uint64_t)item);
    add_id(w, "crid", "c", (uint64_t)item);
    add_id(w, "cid", "k", (uint64_t)item / 8);
    add_id(w, "seat", "s", (uint64_t)item % 37);
    jw_member_views(w, "adomain", &(struct views){&domain, 1});
    jw_member_views(w, "cat", &(struct views){&category, 1});
    jw_member_view(w, "title", ad->title);
    jw_member_filled(w, "desc", ad->desc);
    jw_key(w, "bid"); /* per impression: about the value of a bid per click at the base rate */
    jw_number(w, by_click ? bid_of(world, item) : 60 * bid_of(world, item), 6);
    jw_member_str(w, "bid_type", by_click ? "cpc" : "cpm");
    jw_member_number(w, "prior_ctr", prior_of(ad), 4);
    jw_member_str(w, "status", item % 50 == 49 ? "paused" : "active");
    jw_object_end(w);
}

/* In the form of requests and histories; `item` is storage for the item's id. */
static struct behaviour behaviour_of(const struct sim_event *event, char item[ID_BYTES])
{
    struct behaviour behaviour = {.t_ms = event->t_ms, .type = event->type, .text = event->text};

    if (event->item >= 0)
        behaviour.item = print_id(item, "sku", (uint64_t)event->item);
    return behaviour;
}

void sim_write_history(const struct sim_shopper *shopper, struct buf *out)
{
    char user_text[ID_BYTES], item[ID_BYTES];
    struct view user = print_id(user_text, "u", shopper->index);

    for (int i = 0; i < SIM_EVENTS; i++) {
        struct behaviour behaviour = behaviour_of(&shopper->events[i], item);

        behaviour_write_line(out, user, &behaviour);
    }
}

/* A request, and the lists and ids that it points to. */
struct sim_request {
    struct impression_request request;
    char id[ID_BYTES], user[ID_BYTES], items[SIM_HISTORY][ID_BYTES], adids[SIM_SHOWN][ID_BYTES];
    struct imp imp;
    struct behaviour behaviours[SIM_HISTORY];
    struct candidate candidates[SIM_SHOWN];
};

static void fill_request(struct sim_request *r, const struct sim_request_args *args)
{
    const struct sim_visit *visit = args->visit;
    const struct sim_shopper *shopper = &visit->shopper;

    r->imp = (struct imp){.id = VIEW_LIT("1"), .tagid = view_of(visit->tagid)};
    r->request = (struct impression_request){
        .id = print_id(r->id, args->id_prefix, args->index),
        .user_id = print_id(r->user, "u", shopper->index),
        .devicetype = shopper->devicetype,
        .os = view_of(shopper->os),
        .language = shopper->lang == SIM_EN ? VIEW_LIT("en") : VIEW_LIT("zh"),
        .country = view_of(shopper->place->country),
        .city = view_of(shopper->place->city),
        .utcoffset_min = shopper->place->utcoffset_min,
        .has_utcoffset = true,
        .domain = view_of(visit->domain),
        .search = visit->has_search ? buf_view(&visit->search_words) : (struct view){0},
        .imps = &r->imp,
        .n_imps = 1,
        .behaviours = r->behaviours,
        .n_behaviours = args->with_behaviour ? visit->n_events : 0,
        .candidates = r->candidates,
        .n_candidates = SIM_SHOWN,
        .has_candidates = args->with_candidates,
    };
    for (int i = 0; i < visit->n_events; i++)
        r->behaviours[i] =
            behaviour_of(&visit->shopper.events[visit->first_event + i], r->items[i]);
    for (int i = 0; i < SIM_SHOWN; i++) {
        int item = visit->shown[i];

        r->candidates[i] = (struct candidate){.adid = print_id(r->adids[i], "a", (uint64_t)item),
                                              .bid_type = BID_CPC,
                                              .bid = bid_of(args->world, item),
                                              .text = args->world->items[item].title};
    }
}

void sim_write_request(struct json_writer *w, const struct sim_request_args *args)
{
    struct sim_request request;

    fill_request(&request, args);
    request_write_json(w, &request.request);
}

void sim_write_logged(struct json_writer *w, const struct sim_request_args *args)
{
    const struct sim_visit *visit = args->visit;

    jw_object_begin(w);
    jw_key(w, "request");
    sim_write_request(w, args);
    jw_member_array(w, "shown");
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
