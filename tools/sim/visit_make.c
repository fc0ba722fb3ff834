/* Draws a visit: which ads are shown, and what is clicked. */
#include "tools/sim/visit_make.h"

#include <math.h>

#include "tools/sim/click.h"
#include "tools/sim/title.h"

#define HOUR_MS INT64_C(3600000)

static const char *const domains[] = {"news.example", "mail.example", "shop.example",
                                      "forum.example", "weather.example"};
static const char *const tags[] = {"home-top", "feed", "sidebar", "article-end"};

static const struct {
    uint64_t first_shopper; /* no two parts share a shopper */
    uint64_t visits_each;
    enum sim_pool met, shown;
} parts[SIM_PARTS] = {
    [SIM_TRAIN] = {0, 4, SIM_POOL_TRAIN, SIM_POOL_TRAIN},
    [SIM_CALIB] = {1 << 24, 1, SIM_POOL_ALL, SIM_POOL_CALIB},
    [SIM_EVAL] = {2 << 24, 1, SIM_POOL_ALL, SIM_POOL_EVAL},
    [SIM_WARM] = {3 << 24, 1, SIM_POOL_ALL, SIM_POOL_TRAIN},
    [SIM_REPLAY] = {4 << 24, 2, SIM_POOL_ALL, SIM_POOL_ALL},
};

static void pick_search(struct sim_visit *visit, const struct sim_event *last, struct rng *rng)
{
    buf_clear(&visit->search_words);
    visit->has_search = rng_double(rng) < .3;
    if (!visit->has_search)
        return;
    visit->search = rng_double(rng) < .5 ? last->interests[rng_below(rng, SIM_INTERESTS)]
                                         : sim_meaning_random(SIM_EN, rng);
    visit->search.lang = sim_shopper_lang(&visit->shopper, rng);
    sim_search_words(&visit->search, rng, &visit->search_words);
}

/* A third of the ads suit the shopper, as if chosen by targeting; one or two suit the search. */
static struct sim_meaning pick_meaning(const struct sim_visit *visit, const struct sim_event *last,
                                       struct rng *rng)
{
    struct sim_meaning meaning = sim_meaning_random(SIM_EN, rng);
    double x = rng_double(rng);

    if (x < .3) {
        int topic = meaning.topic;
        meaning = last->interests[rng_below(rng, SIM_INTERESTS)];
        if (rng_below(rng, 2))
            meaning.topic = topic;
    } else if (x < .42 && visit->has_search) {
        meaning = visit->search;
    }
    meaning.lang = sim_shopper_lang(&visit->shopper, rng);
    return meaning;
}

static bool is_shown(const struct sim_visit *visit, int n, int item)
{
    for (int i = 0; i < n; i++) {
        if (visit->shown[i] == item)
            return true;
    }
    return false;
}

static void pick_shown(struct sim_visit *visit, const struct sim_event *last, enum sim_pool pool,
                       struct rng *rng)
{
    for (int i = 0; i < SIM_SHOWN;) {
        struct sim_meaning meaning = pick_meaning(visit, last, rng);
        int item = sim_world_pick(&meaning, pool, rng);
        if (!is_shown(visit, i, item))
            visit->shown[i++] = item;
    }
}

void sim_visit_make(struct sim_visit *visit, const struct sim_world *world, enum sim_part part,
                    uint64_t index)
{
    const struct sim_event *last;
    struct rng rng;
    int end;

    sim_shopper_make(&visit->shopper, world,
                     parts[part].first_shopper + index / parts[part].visits_each, parts[part].met);
    sim_rng(&rng, world->seed, 2 + (uint64_t)part, index);
    /* A replayed visit follows the whole history, any other one falls into its second half. */
    end =
        part == SIM_REPLAY ? SIM_EVENTS : SIM_EVENTS / 2 + (int)rng_below(&rng, SIM_EVENTS / 2 + 1);
    last = &visit->shopper.events[end - 1];
    visit->n_events = rng_double(&rng) < .1 ? 0 : 1 + (int)rng_below(&rng, SIM_HISTORY);
    visit->first_event = end - visit->n_events;
    visit->now_ms = last->t_ms + 60000 + (int64_t)(rng_double(&rng) * 12 * (double)HOUR_MS);
    visit->domain = domains[rng_below(&rng, sizeof(domains) / sizeof(domains[0]))];
    visit->tagid = tags[rng_below(&rng, sizeof(tags) / sizeof(tags[0]))];
    pick_search(visit, last, &rng);
    pick_shown(visit, last, parts[part].shown, &rng);
    for (int i = 0; i < SIM_SHOWN; i++) {
        double z = sim_click_logit(visit, &world->items[visit->shown[i]]);
        visit->p[i] = 1 / (1 + exp(-z));
        visit->click[i] = rng_double(&rng) < visit->p[i];
        visit->conversion[i] = visit->click[i] && rng_double(&rng) < .1;
    }
}
