/* Sums up the effects on the logit. */
#include "tools/sim/click.h"

#include <math.h>

#define BASE_LOGIT -3.6
#define HISTORY_WEIGHT 2.9
#define NO_HISTORY .9 /* shoppers without history click as often as others, at random */
#define SEARCH_WEIGHT 3.4
#define SEARCHING -.5     /* a shopper who searches for one thing pays less attention to others */
#define RECENCY .86       /* weight of an event relative to the next newer one */
#define OTHER_TOPIC .65   /* closeness of two topics of one category */
#define FOREIGN_TITLE -.8 /* a title that is not in the device's language */

/* A cart is stronger evidence than a view; after buying, interest is a little lower. */
static const double type_weights[BEHAVIOUR_TYPES] = {
    [BEHAVIOUR_VIEW] = .45, [BEHAVIOUR_CLICK] = .7,  [BEHAVIOUR_CART] = .9,
    [BEHAVIOUR_BUY] = .4,   [BEHAVIOUR_SEARCH] = .8,
};

enum {
    SPORTS,
    OUTDOOR,
    KITCHEN,
    APPLIANCES,
    FURNITURE,
    GARDEN,
    PHONES,
    COMPUTERS,
    PHOTO,
    GAMES,
    FASHION,
    JEWELLERY,
    BEAUTY,
    BABY,
    PETS,
    FOOD,
    HEALTH,
    CARS,
    TRAVEL,
    MUSIC
};

struct tendency {
    int category;
    int when; /* daypart, device type; ignored for weekends */
    double effect;
};

static const struct tendency by_daypart[] = {
    {GAMES, 0, .3},    {MUSIC, 0, .15},    {PHONES, 0, .15},   {FOOD, 1, .3},       {SPORTS, 1, .2},
    {HEALTH, 1, .2},   {COMPUTERS, 2, .2}, {FURNITURE, 2, .2}, {CARS, 2, .15},      {GARDEN, 2, .2},
    {FASHION, 3, .25}, {GAMES, 3, .25},    {KITCHEN, 3, .2},   {JEWELLERY, 3, .15},
};

static const struct tendency by_device[] = {
    {COMPUTERS, 2, .3}, {FURNITURE, 2, .2}, {TRAVEL, 2, .2}, {PHOTO, 3, .3},   {FOOD, 3, .2},
    {GAMES, 4, .2},     {FASHION, 4, .2},   {PHONES, 4, .2}, {BEAUTY, 4, .15}, {BABY, 5, .2},
};

static const struct tendency on_weekends[] = {
    {GARDEN, 0, .3}, {OUTDOOR, 0, .3}, {TRAVEL, 0, .2}, {PETS, 0, .15}, {COMPUTERS, 0, -.25},
};

static const struct {
    const char *country;
    int category;
    double effect;
} by_country[] = {
    {"DEU", CARS, .3},   {"GBR", GARDEN, .3}, {"USA", PETS, .25},  {"AUS", OUTDOOR, .3},
    {"CHN", BEAUTY, .2}, {"CHN", FOOD, .2},   {"SGP", TRAVEL, .3},
};

static double tendency_sum(const struct tendency *rows, size_t n, int category, int when)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        if (rows[i].category == category && rows[i].when == when)
            sum += rows[i].effect;
    }
    return sum;
}

#define TENDENCY(rows, category, when)                                                             \
    tendency_sum(rows, sizeof(rows) / sizeof((rows)[0]), (category), (when))

static double surroundings(const struct sim_visit *visit, int category)
{
    int weekday = sim_visit_weekday(visit);
    double sum = TENDENCY(by_daypart, category, sim_visit_hour(visit) / 6) +
                 TENDENCY(by_device, category, visit->shopper.devicetype);
    if (weekday == 0 || weekday == 6)
        sum += TENDENCY(on_weekends, category, 0);
    for (size_t i = 0; i < sizeof(by_country) / sizeof(by_country[0]); i++) {
        if (by_country[i].category == category &&
            strcmp(by_country[i].country, visit->shopper.place->country) == 0)
            sum += by_country[i].effect;
    }
    return sum;
}

static double closeness(const struct sim_meaning *a, const struct sim_meaning *b)
{
    if (a->category == b->category)
        return a->topic == b->topic ? 1 : OTHER_TOPIC;
    return OTHER_TOPIC * lexicon_relation(a->category, b->category);
}

double sim_click_logit(const struct sim_visit *visit, const struct sim_item *item)
{
    double seen = 0, total = 0, recency = 1, z = BASE_LOGIT;

    for (int i = visit->n_events - 1; i >= 0; i--) {
        const struct sim_event *event = &visit->shopper.events[visit->first_event + i];
        double weight = recency * type_weights[event->type];
        seen += weight * closeness(&event->meaning, &item->meaning);
        total += weight;
        recency *= RECENCY;
    }
    z += total > 0 ? HISTORY_WEIGHT * sqrt(seen / total) : NO_HISTORY;
    if (visit->has_search)
        z += SEARCHING + SEARCH_WEIGHT * closeness(&visit->search, &item->meaning);
    if (item->meaning.lang != visit->shopper.lang)
        z += FOREIGN_TITLE;
    return z + item->offer_effect + surroundings(visit, item->meaning.category);
}
