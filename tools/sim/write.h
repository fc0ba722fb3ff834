/* The world as JSON, in the forms of CONTRACT 3, 5 and 6. Pure: into a buffer. */
#ifndef TOOLS_SIM_WRITE_H
#define TOOLS_SIM_WRITE_H

#include "json/writer.h"
#include "tools/sim/visit.h"

/* An ad of the catalog. */
void sim_write_ad(struct json_writer *w, const struct sim_world *world, int item);

/* Lines of adrank-history put, one for each event of the shopper. */
void sim_write_history(const struct sim_shopper *shopper, struct buf *out);

struct sim_request_args {
    const struct sim_world *world;
    const struct sim_visit *visit;
    const char *id_prefix;
    uint64_t index;       /* id is prefix and index */
    bool with_behaviour;  /* in the request, else it is left to the feature store */
    bool with_candidates; /* what was shown, by text */
};

/* A /rank request. */
void sim_write_request(struct json_writer *w, const struct sim_request_args *args);

/* {"request":{...},"shown":[...]}: a line of the click log. */
void sim_write_logged(struct json_writer *w, const struct sim_request_args *args);

#endif
