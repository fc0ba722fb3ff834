/* Tests of tools/sim/click.c. */
#include "tools/sim/click.h"

#include "tests/test.h"

enum { SPORTS = 0, OUTDOOR = 1, KITCHEN = 2, COMPUTERS = 7 };

static const struct sim_place london = {"GBR", "LON", 60, 0};

/* Tuesday morning in London, on a phone, without history. */
static struct sim_visit plain(void)
{
    struct sim_visit visit = SIM_VISIT_INIT;
    visit.shopper.place = &london;
    visit.shopper.lang = SIM_EN;
    visit.shopper.devicetype = 4;
    visit.now_ms = SIM_NOW_MS + INT64_C(20) * 3600000;
    return visit;
}

static void add_event(struct sim_visit *visit, enum behaviour_type type, int category, int topic)
{
    visit->shopper.events[visit->n_events++] =
        (struct sim_event){.type = type, .meaning = {category, topic, SIM_EN}};
}

static double logit(const struct sim_visit *visit, int category, int topic, enum sim_lang lang)
{
    struct sim_item item = {.meaning = {category, topic, lang}};
    return sim_click_logit(visit, &item);
}

TEST(click__history_favours_its_topic_then_its_category_then_related_ones)
{
    struct sim_visit visit = plain();
    double topic, category, near, far;

    add_event(&visit, BEHAVIOUR_CLICK, SPORTS, 0);
    add_event(&visit, BEHAVIOUR_CLICK, COMPUTERS, 0);
    topic = logit(&visit, SPORTS, 0, SIM_EN);
    category = logit(&visit, SPORTS, 2, SIM_EN);
    near = logit(&visit, OUTDOOR, 2, SIM_EN);
    far = logit(&visit, KITCHEN, 2, SIM_EN);
    CHECK(topic > category && category > near && near > far + .3);
}

/* Of an ad for sports after two events, the newer one last. */
static double logit_after(enum behaviour_type first_type, int first, int second)
{
    struct sim_visit visit = plain();

    add_event(&visit, first_type, first, 0);
    add_event(&visit, BEHAVIOUR_VIEW, second, 0);
    return logit(&visit, SPORTS, 0, SIM_EN);
}

TEST(click__newer_and_stronger_events_count_more)
{
    double older_view = logit_after(BEHAVIOUR_VIEW, SPORTS, KITCHEN);

    CHECK(logit_after(BEHAVIOUR_VIEW, KITCHEN, SPORTS) > older_view + .05);
    CHECK(logit_after(BEHAVIOUR_CART, SPORTS, KITCHEN) > older_view + .05);
}

TEST(click__search_outweighs_history)
{
    struct sim_visit visit = plain();

    add_event(&visit, BEHAVIOUR_CLICK, SPORTS, 0);
    add_event(&visit, BEHAVIOUR_CLICK, SPORTS, 0);
    CHECK(logit(&visit, SPORTS, 0, SIM_EN) > logit(&visit, KITCHEN, 0, SIM_EN));
    visit.has_search = true;
    visit.search = (struct sim_meaning){KITCHEN, 0, SIM_EN};
    CHECK(logit(&visit, SPORTS, 0, SIM_EN) < logit(&visit, KITCHEN, 0, SIM_EN));
}

TEST(click__surroundings_and_language_count)
{
    struct sim_visit phone = plain(), pc = plain(), weekend = plain();

    pc.shopper.devicetype = 2;
    weekend.now_ms += INT64_C(4) * 24 * 3600000;
    CHECK(logit(&pc, COMPUTERS, 0, SIM_EN) > logit(&phone, COMPUTERS, 0, SIM_EN) + .2);
    CHECK(logit(&weekend, OUTDOOR, 0, SIM_EN) > logit(&phone, OUTDOOR, 0, SIM_EN) + .2);
    CHECK(logit(&phone, KITCHEN, 0, SIM_EN) > logit(&phone, KITCHEN, 0, SIM_ZH) + .5);
}
