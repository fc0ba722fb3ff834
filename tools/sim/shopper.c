/* Draws a shopper and their history. */
#include "tools/sim/shopper.h"

#include "tools/sim/title.h"

#define HOUR_MS INT64_C(3600000)
#define MEAN_GAP_MS (12.0 * 3600000)
#define DRIFT .07     /* chance at each event that an interest gives way to another */
#define CURIOSITY .22 /* share of events that no interest explains */

static const struct sim_place places[] = {
    {"USA", "NYC", -240, .08}, {"GBR", "LON", 60, .05},  {"DEU", "BER", 120, .03},
    {"AUS", "SYD", 600, .15},  {"CHN", "SHA", 480, .97}, {"CHN", "PEK", 480, .97},
    {"CHN", "CAN", 480, .95},  {"SGP", "SIN", 480, .5},
};

static const double type_shares[BEHAVIOUR_TYPES] = {.44, .28, .1, .06, .12};

static enum behaviour_type pick_type(struct rng *rng)
{
    double x = rng_double(rng);
    int type = 0;
    while (type < BEHAVIOUR_TYPES - 1 && x >= type_shares[type])
        x -= type_shares[type++];
    return (enum behaviour_type)type;
}

static void pick_device(struct sim_shopper *shopper, struct rng *rng)
{
    double x = rng_double(rng);
    if (x < .55) {
        shopper->devicetype = 4;
        shopper->os = rng_below(rng, 2) ? "android" : "ios";
    } else if (x < .85) {
        shopper->devicetype = 2;
        shopper->os = rng_below(rng, 4) ? "windows" : "macos";
    } else if (x < .95) {
        shopper->devicetype = 5;
        shopper->os = "ios";
    } else {
        shopper->devicetype = 3;
        shopper->os = "android";
    }
}

enum sim_lang sim_shopper_lang(const struct sim_shopper *shopper, struct rng *rng)
{
    enum sim_lang other = shopper->lang == SIM_EN ? SIM_ZH : SIM_EN;
    return rng_double(rng) < shopper->foreign ? other : shopper->lang;
}

/* The two interests are often related: the same category, another topic. */
static struct sim_meaning new_interest(const struct sim_meaning *kept, struct rng *rng)
{
    struct sim_meaning interest = sim_meaning_random(SIM_EN, rng);
    if (kept && rng_double(rng) < .2)
        interest.category = kept->category;
    return interest;
}

static void make_event(struct sim_event *event, struct sim_shopper *shopper, enum sim_pool pool,
                       const struct sim_world *world, struct rng *rng)
{
    event->type = pick_type(rng);
    event->meaning = rng_double(rng) < CURIOSITY ? sim_meaning_random(SIM_EN, rng)
                                                 : event->interests[rng_below(rng, SIM_INTERESTS)];
    event->meaning.lang = sim_shopper_lang(shopper, rng);
    if (event->type == BEHAVIOUR_SEARCH) {
        size_t start = shopper->words.len;
        sim_search_words(&event->meaning, rng, &shopper->words);
        event->item = -1;
        /* place_words sets the pointer once the buffer has stopped growing */
        event->text = (struct view){NULL, shopper->words.len - start};
        return;
    }
    event->item = sim_world_pick(&event->meaning, pool, rng);
    event->text = world->items[event->item].title;
}

static void place_words(struct sim_shopper *shopper)
{
    const char *p = buf_str(&shopper->words);
    for (int i = 0; i < SIM_EVENTS; i++) {
        struct sim_event *event = &shopper->events[i];
        if (event->item >= 0)
            continue;
        event->text.ptr = p;
        p += event->text.len;
    }
}

void sim_shopper_make(struct sim_shopper *shopper, const struct sim_world *world, uint64_t index,
                      enum sim_pool pool)
{
    struct sim_meaning interests[SIM_INTERESTS];
    struct rng rng;
    int64_t t_ms;

    sim_rng(&rng, world->seed, 1, index);
    buf_clear(&shopper->words);
    shopper->index = index;
    shopper->place = &places[rng_below(&rng, sizeof(places) / sizeof(places[0]))];
    shopper->lang = rng_double(&rng) < shopper->place->chinese ? SIM_ZH : SIM_EN;
    shopper->foreign = rng_double(&rng) < .2 ? .5 : .1;
    pick_device(shopper, &rng);
    interests[0] = new_interest(NULL, &rng);
    interests[1] = new_interest(&interests[0], &rng);

    t_ms = SIM_NOW_MS - (int64_t)(SIM_EVENTS * MEAN_GAP_MS);
    for (int i = 0; i < SIM_EVENTS; i++) {
        struct sim_event *event = &shopper->events[i];
        double gap_ms = MEAN_GAP_MS * rng_exponential(&rng);
        t_ms += (int64_t)(gap_ms < 1 ? 1 : gap_ms);
        if (rng_double(&rng) < DRIFT) {
            int gone = (int)rng_below(&rng, SIM_INTERESTS);
            interests[gone] = new_interest(&interests[1 - gone], &rng);
        }
        event->t_ms = t_ms;
        memcpy(event->interests, interests, sizeof(interests));
        make_event(event, shopper, pool, world, &rng);
    }
    /* No event is later than the world's last log line. */
    if (t_ms > SIM_NOW_MS - HOUR_MS) {
        for (int i = 0; i < SIM_EVENTS; i++)
            shopper->events[i].t_ms -= t_ms - SIM_NOW_MS + HOUR_MS;
    }
    place_words(shopper);
}

void sim_shopper_release(struct sim_shopper *shopper)
{
    buf_release(&shopper->words);
}
