/* Tests of tools/sim/visit.c. */
#include "tools/sim/visit_make.h"

#include "tests/unit/tools/sim/world_1.h"
#include "tools/sim/auc.h"
#include "tools/sim/click.h"

enum { VISITS = 2000, ROWS = VISITS * SIM_SHOWN };

static struct sim_visit visit;

static void make(enum sim_part part, uint64_t index)
{
    sim_visit_make(&visit, world_1(), part, index);
}

TEST(visit__does_not_depend_on_what_was_made_before)
{
    double p[SIM_SHOWN];
    int shown[SIM_SHOWN];

    make(SIM_TRAIN, 77);
    memcpy(p, visit.p, sizeof(p));
    memcpy(shown, visit.shown, sizeof(shown));
    make(SIM_EVAL, 3);
    CHECK(memcmp(shown, visit.shown, sizeof(shown)) != 0);
    make(SIM_TRAIN, 77);
    CHECK(memcmp(p, visit.p, sizeof(p)) == 0 && memcmp(shown, visit.shown, sizeof(shown)) == 0);
}

TEST(visit__evaluation_shows_other_items_to_other_shoppers)
{
    uint64_t last_trained = 0;

    for (uint64_t i = 0; i < VISITS; i++) {
        make(SIM_TRAIN, i);
        last_trained = visit.shopper.index;
        for (int k = 0; k < SIM_SHOWN; k++)
            CHECK_INT(sim_item_pool(visit.shown[k]), SIM_POOL_TRAIN);
        for (int k = 0; k < visit.n_events; k++) {
            int item = visit.shopper.events[visit.first_event + k].item;
            CHECK(item < 0 || sim_item_pool(item) == SIM_POOL_TRAIN);
        }
    }
    for (uint64_t i = 0; i < VISITS; i++) {
        make(SIM_EVAL, i);
        CHECK(visit.shopper.index > last_trained);
        for (int k = 0; k < SIM_SHOWN; k++)
            CHECK_INT(sim_item_pool(visit.shown[k]), SIM_POOL_EVAL);
    }
}

TEST(visit__history_is_past_and_ads_are_distinct)
{
    for (uint64_t i = 0; i < VISITS; i++) {
        make(SIM_WARM, i);
        CHECK(visit.n_events <= SIM_HISTORY && visit.first_event >= 0);
        for (int k = 0; k < visit.n_events; k++)
            CHECK(visit.shopper.events[visit.first_event + k].t_ms < visit.now_ms);
        for (int k = 0; k < SIM_SHOWN; k++) {
            for (int j = 0; j < k; j++)
                CHECK(visit.shown[j] != visit.shown[k]);
        }
        CHECK(sim_visit_hour(&visit) >= 0 && sim_visit_hour(&visit) < 24);
    }
}

/* 1790000000000 is Monday, 21 September 2026, 14:13 UTC. */
TEST(visit__has_a_local_hour_and_weekday)
{
    static const struct sim_place shanghai = {"CHN", "SHA", 480, 1},
                                  sydney = {"AUS", "SYD", 600, 0};

    make(SIM_TRAIN, 0);
    visit.now_ms = SIM_NOW_MS;
    visit.shopper.place = &shanghai;
    CHECK_INT(sim_visit_hour(&visit), 22);
    CHECK_INT(sim_visit_weekday(&visit), 1);
    visit.shopper.place = &sydney;
    CHECK_INT(sim_visit_hour(&visit), 0);
    CHECK_INT(sim_visit_weekday(&visit), 2);
}

static struct sim_scored *rows_of(bool shuffled, bool by_label)
{
    static struct sim_scored rows[ROWS];
    struct rng rng;

    sim_rng(&rng, 1, 41, 0);
    for (int i = 0; i < ROWS; i++) {
        if (i % SIM_SHOWN == 0)
            make(SIM_EVAL, (uint64_t)(i / SIM_SHOWN));
        int k = i % SIM_SHOWN;
        int item = visit.shown[k];
        if (shuffled) {
            struct sim_meaning other = sim_meaning_random((enum sim_lang)rng_below(&rng, 2), &rng);
            item = sim_world_pick(&other, SIM_POOL_EVAL, &rng);
        }
        rows[i].score = sim_click_logit(&visit, &world_1()->items[item]);
        rows[i].p = by_label ? (double)visit.click[k] : visit.p[k];
    }
    return rows;
}

TEST(visit__clicks_match_their_probabilities)
{
    double expected = sim_auc(rows_of(false, false), ROWS);
    double drawn = sim_auc(rows_of(false, true), ROWS);
    struct sim_scored *rows = rows_of(false, false);
    double mean = 0, clicks = 0;

    CHECK(expected > .70 && expected < .85);
    CHECK_NEAR(drawn, expected, .015);
    for (int i = 0; i < ROWS; i++)
        mean += rows[i].p / ROWS;
    rows = rows_of(false, true);
    for (int i = 0; i < ROWS; i++)
        clicks += rows[i].p / ROWS;
    CHECK_NEAR(clicks, mean, .006);
}

TEST(visit__clicks_cannot_be_predicted_without_the_titles)
{
    double best = sim_auc(rows_of(false, false), ROWS) - .5;
    double shuffled = sim_auc(rows_of(true, false), ROWS) - .5;

    CHECK(shuffled < .2 * best);
}
