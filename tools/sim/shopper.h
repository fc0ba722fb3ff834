/*
 * A shopper: where they live, the languages they read, and what they did over the last weeks.
 * Tastes are latent: two interests at a time that come and go (drift), and a share of plain
 * curiosity. Only the events can be observed.
 */
#ifndef TOOLS_SIM_SHOPPER_H
#define TOOLS_SIM_SHOPPER_H

#include "adrank/impression.h"
#include "base/buf.h"
#include "tools/sim/world.h"

#define SIM_EVENTS 48 /* of a shopper's history, oldest first */
#define SIM_INTERESTS 2

struct sim_event {
    int64_t t_ms;
    enum behaviour_type type;
    int item; /* -1 for a search */
    struct sim_meaning meaning;
    struct view text;                            /* the item's title, or the search words */
    struct sim_meaning interests[SIM_INTERESTS]; /* at that time: latent */
};

struct sim_place {
    const char *country, *city;
    int utcoffset_min;
    double chinese; /* share of its people whose first language is Chinese */
};

struct sim_shopper {
    uint64_t index;
    const struct sim_place *place;
    enum sim_lang lang; /* of the device */
    double foreign;     /* share of what they read that is in the other language */
    int devicetype;     /* OpenRTB: 2 pc, 3 tv, 4 phone, 5 tablet */
    const char *os;
    struct sim_event events[SIM_EVENTS];
    struct buf words; /* memory of the searches' texts */
};

#define SIM_SHOPPER_INIT ((struct sim_shopper){.words = BUF_INIT})

/* Draws everything about shopper `index`, who has met items of one pool only. May be called again
 * with the same struct, which then keeps its memory. Texts are valid until the next call and for
 * as long as the world exists. */
void sim_shopper_make(struct sim_shopper *shopper, const struct sim_world *world, uint64_t index,
                      enum sim_pool pool);
void sim_shopper_release(struct sim_shopper *shopper);

/* The language of the next thing they read: mostly the device's. */
enum sim_lang sim_shopper_lang(const struct sim_shopper *shopper, struct rng *rng);

#endif
