/* Tests of tools/sim/shopper.c. */
#include "tools/sim/shopper.h"

#include "tests/unit/tools/sim/world_1.h"

TEST(shopper__history_is_in_order_and_past)
{
    const struct sim_world *world = world_1();
    struct sim_shopper shopper = SIM_SHOPPER_INIT;
    int searches = 0;

    for (uint64_t k = 0; k < 200; k++) {
        sim_shopper_make(&shopper, world, k, SIM_POOL_TRAIN);
        for (int i = 0; i < SIM_EVENTS; i++) {
            const struct sim_event *event = &shopper.events[i];
            CHECK(event->t_ms < SIM_NOW_MS);
            CHECK(i == 0 || event->t_ms > event[-1].t_ms);
            CHECK(event->text.len > 0 && event->text.ptr);
            CHECK((event->type == BEHAVIOUR_SEARCH) == (event->item < 0));
            searches += event->item < 0;
            if (event->item >= 0) {
                CHECK(view_eq(event->text, world->items[event->item].title));
                CHECK_INT(sim_item_pool(event->item), SIM_POOL_TRAIN);
            }
        }
    }
    CHECK(searches > 0);
    sim_shopper_release(&shopper);
}

static int same_category(const struct sim_event *a, const struct sim_event *b)
{
    return a->meaning.category == b->meaning.category;
}

/* Neighbours in a history are about the same things more often than its two ends: tastes drift. */
TEST(shopper__tastes_last_a_while_and_drift)
{
    const struct sim_world *world = world_1();
    struct sim_shopper shopper = SIM_SHOPPER_INIT;
    int near = 0, far = 0, pairs = 0;

    for (uint64_t k = 0; k < 500; k++) {
        sim_shopper_make(&shopper, world, k, SIM_POOL_ALL);
        for (int i = 0; i < 8; i++, pairs++) {
            near += same_category(&shopper.events[i], &shopper.events[i + 1]);
            far += same_category(&shopper.events[i], &shopper.events[SIM_EVENTS - 8 + i]);
        }
    }
    CHECK(near > pairs / 4);
    CHECK(far < near / 2);
    sim_shopper_release(&shopper);
}

TEST(shopper__histories_mix_languages)
{
    const struct sim_world *world = world_1();
    struct sim_shopper shopper = SIM_SHOPPER_INIT;
    int mixed = 0, chinese = 0;

    for (uint64_t k = 0; k < 300; k++) {
        int own = 0;
        sim_shopper_make(&shopper, world, k, SIM_POOL_ALL);
        for (int i = 0; i < SIM_EVENTS; i++)
            own += shopper.events[i].meaning.lang == shopper.lang;
        CHECK(own > SIM_EVENTS / 4);
        mixed += own < SIM_EVENTS;
        chinese += shopper.lang == SIM_ZH;
    }
    CHECK(mixed > 200);
    CHECK(chinese > 100 && chinese < 200);
    sim_shopper_release(&shopper);
}
