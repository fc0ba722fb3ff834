/*
 * A shopper: where he lives, the languages he reads, and what he did over the last weeks. His
 * tastes are latent: two interests at a time that come and go (drift), and a share of mere
 * curiosity. Whoever looks on sees the events only.
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
    struct view text; /* of the item's title, or the words searched for */
    struct sim_meaning interests[SIM_INTERESTS]; /* as they stood then: latent */
};

struct sim_place {
    const char *country, *city;
    int utcoffset_min;
    double chinese; /* share of its people whose first language is Chinese */
};

struct sim_shopper {
    uint64_t index;
    const struct sim_place *place;
    enum sim_lang lang; /* of his device */
    double foreign;     /* share of titles in the other language in what he reads */
    int devicetype;     /* OpenRTB: 2 pc, 3 tv, 4 phone, 5 tablet */
    const char *os;
    struct sim_event events[SIM_EVENTS];
    struct buf words; /* memory of the searches' texts */
};

#define SIM_SHOPPER_INIT ((struct sim_shopper){.words = BUF_INIT})

/* Everything about shopper `index`; he has met items of one pool only. May be called again with
 * the same struct, which then keeps its memory. Texts live as long as the world and until the
 * next call. */
void sim_shopper_make(struct sim_shopper *shopper, const struct sim_world *world, uint64_t index,
                      enum sim_pool pool);
void sim_shopper_release(struct sim_shopper *shopper);

/* In the language of the shopper's choice at this moment. */
enum sim_lang sim_shopper_lang(const struct sim_shopper *shopper, struct rng *rng);

#endif
