/* Tests of tools/sim/world.c. */
#include "tools/sim/world.h"

#include "tests/unit/tools/sim/world_1.h"

TEST(world__same_seed_same_items)
{
    struct sim_world *a = sim_world_new(7), *b = sim_world_new(7), *c = sim_world_new(8);
    int differ = 0;

    CHECK(a && b && c);
    for (int i = 0; i < SIM_ITEMS; i++) {
        CHECK(view_eq(a->items[i].title, b->items[i].title));
        CHECK(view_eq(a->items[i].desc, b->items[i].desc));
        differ += !view_eq(a->items[i].title, c->items[i].title);
    }
    CHECK(differ > SIM_ITEMS * 9 / 10);
    sim_world_free(a);
    sim_world_free(b);
    sim_world_free(c);
}

TEST(world__titles_are_unique)
{
    const struct sim_world *world = world_1();
    int duplicates = 0;

    for (int i = 0; i < SIM_ITEMS; i++) {
        for (int j = 0; j < i; j++)
            duplicates += view_eq(world->items[i].title, world->items[j].title);
    }
    CHECK_INT(duplicates, 0);
}

TEST(world__catalog_is_half_chinese_with_all_categories_and_new_items)
{
    const struct sim_world *world = world_1();
    int chinese = 0, fresh = 0, of[SIM_CATEGORIES] = {0};

    for (int i = 0; i < SIM_CATALOG; i++) {
        const struct sim_meaning *meaning = &world->items[i].meaning;
        chinese += meaning->lang == SIM_ZH;
        fresh += sim_item_pool(i) != SIM_POOL_TRAIN;
        of[meaning->category]++;
        CHECK((meaning->lang == SIM_ZH) == ((unsigned char)world->items[i].title.ptr[0] >= 0x80));
    }
    CHECK_INT(chinese, SIM_CATALOG / 2);
    CHECK(fresh > SIM_CATALOG / 10);
    for (int i = 0; i < SIM_CATEGORIES; i++)
        CHECK_INT(of[i], SIM_CATALOG / SIM_CATEGORIES);
}

TEST(world__pick_keeps_to_meaning_and_pool)
{
    const struct sim_world *world = world_1();
    struct rng rng;

    sim_rng(&rng, 1, 40, 0);
    for (int i = 0; i < 3000; i++) {
        struct sim_meaning want = sim_meaning_random((enum sim_lang)(i % 2), &rng);
        enum sim_pool pool = (enum sim_pool)(i % 4);
        int item = sim_world_pick(&want, pool, &rng);
        const struct sim_meaning *got = &world->items[item].meaning;
        CHECK(got->category == want.category && got->topic == want.topic && got->lang == want.lang);
        CHECK(pool == SIM_POOL_ALL || sim_item_pool(item) == pool);
    }
}
