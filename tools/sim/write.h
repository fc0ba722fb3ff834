/* The world as JSON, in the formats of CONTRACT 3, 5 and 6. Pure: into a buffer. */
#ifndef TOOLS_SIM_WRITE_H
#define TOOLS_SIM_WRITE_H

#include "json/writer.h"
#include "tools/sim/visit.h"

/* An ad of the catalog. */
void sim_write_ad(struct json_writer *w, const struct sim_world *world, int item);

/* The shopper's events as input lines of adrank-history put. */
void sim_write_history(const struct sim_shopper *shopper, struct buf *out);

struct sim_request_args {
    const struct sim_world *world;
    const struct sim_visit *visit;
    const char *id_prefix;
    uint64_t index;       /* the id is id_prefix and this number */
    bool with_behaviour;  /* in the request; else the feature store has it */
    bool with_candidates; /* the ads that were shown, with their texts */
};

/* A /rank request. */
void sim_write_request(struct json_writer *w, const struct sim_request_args *args);

/* {"request":{...},"shown":[...]}: a line of the click log. */
void sim_write_logged(struct json_writer *w, const struct sim_request_args *args);

#endif
