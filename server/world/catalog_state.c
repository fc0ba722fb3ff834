/* Counts and writes the state of a served catalog. */
#include "server/world/catalog_state.h"

#include "base/clock.h"

struct catalog_state catalog_state_now(const struct world *world)
{
    const int64_t now_ms = clock_wall_ms();
    struct catalog_state state = {.eligible = catalog_eligible(world->catalog, now_ms)};

    (void)catalog_ads(world->catalog, &state.ads);
    if (now_ms > world->catalog_modified_ms)
        state.age_s = (now_ms - world->catalog_modified_ms) / 1000;
    return state;
}

void catalog_state_write(const struct catalog_state *state, struct json_writer *w)
{
    jw_member_object(w, "catalog");
    jw_member_int(w, "ads", state->ads);
    jw_member_int(w, "eligible", state->eligible);
    jw_member_int(w, "age_s", state->age_s);
    jw_object_end(w);
}
