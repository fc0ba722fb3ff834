/* State of a served catalog: for the reload's answer, /readyz?verbose=1 and /metrics. */
#ifndef SERVER_WORLD_CATALOG_STATE_H
#define SERVER_WORLD_CATALOG_STATE_H

#include "json/writer.h"
#include "server/world/world.h"

struct catalog_state {
    int ads;
    int eligible;  /* active now */
    int64_t age_s; /* since its file was modified; 0 for a time in the future */
};

/* Any thread that holds the world. */
struct catalog_state catalog_state_now(const struct world *world);
/* The member "catalog" of the object that is open. */
void catalog_state_write(const struct catalog_state *state, struct json_writer *w);

#endif
