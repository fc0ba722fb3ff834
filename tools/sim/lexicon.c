/* Picks entries from lists; relations between categories. */
#include "tools/sim/lexicon.h"

#include "base/bug.h"

const char *const lexicon_category_iab[SIM_CATEGORIES] = {
    "IAB17", "IAB20-1", "IAB10-2", "IAB10-1", "IAB10-7", "IAB10-4", "IAB19-6",
    "IAB19", "IAB9-23", "IAB9-30", "IAB18",   "IAB18-4", "IAB18-1", "IAB6-2",
    "IAB16", "IAB8",    "IAB7",    "IAB2",    "IAB20",   "IAB1-6",
};

static const struct {
    int a, b;
    double strength;
} relations[] = {
    {0, 1, .35},   /* sports, outdoor */
    {0, 16, .2},   /* sports, health */
    {1, 18, .25},  /* outdoor, travel */
    {2, 3, .3},    /* kitchen, appliances */
    {2, 15, .3},   /* kitchen, food */
    {3, 4, .2},    /* appliances, furniture */
    {4, 5, .2},    /* furniture, garden */
    {6, 7, .3},    /* phones, computers */
    {6, 8, .25},   /* phones, photo and sound */
    {7, 9, .3},    /* computers, games */
    {8, 19, .25},  /* photo and sound, music */
    {10, 11, .35}, /* fashion, jewellery and bags */
    {10, 12, .25}, /* fashion, beauty */
    {12, 16, .25}, /* beauty, health */
    {13, 14, .1},  /* baby, pets */
    {13, 16, .2},  /* baby, health */
    {17, 18, .2},  /* cars, travel */
};

const struct lexicon *lexicon_of(enum sim_lang lang)
{
    return lang == SIM_EN ? &lexicon_en : &lexicon_zh;
}

int lexicon_count(const char *list)
{
    int n = 1;
    for (const char *p = list; *p; p++)
        n += *p == '|';
    return n;
}

struct view lexicon_entry(const char *list, int i)
{
    const char *p = list;
    for (; i > 0; i--) {
        p = strchr(p, '|');
        BUG_ON(!p);
        p++;
    }
    return (struct view){p, strcspn(p, "|")};
}

struct view lexicon_pick(const char *list, struct rng *rng)
{
    return lexicon_entry(list, (int)rng_below(rng, (uint64_t)lexicon_count(list)));
}

double lexicon_relation(int category_a, int category_b)
{
    if (category_a == category_b)
        return 1;
    for (size_t i = 0; i < sizeof(relations) / sizeof(relations[0]); i++) {
        if ((relations[i].a == category_a && relations[i].b == category_b) ||
            (relations[i].a == category_b && relations[i].b == category_a))
            return relations[i].strength;
    }
    return 0;
}
