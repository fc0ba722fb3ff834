/* The simulated world of seed 1, made once in each test program. */
#ifndef TESTS_UNIT_TOOLS_SIM_WORLD_1_H
#define TESTS_UNIT_TOOLS_SIM_WORLD_1_H

#include "tests/test.h"
#include "tools/sim/world.h"

static inline const struct sim_world *world_1(void)
{
    static struct sim_world *world;

    if (!world)
        world = sim_world_new(1);
    CHECK(world);
    return world;
}

#endif
