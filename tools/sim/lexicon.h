/*
 * The vocabulary of the simulated shop, written by hand: 20 categories of 4 topics, each with nouns
 * and phrases of about the same meaning in English and Chinese. Enough to generate titles, and
 * regular enough that a title never seen before can still be understood. Constant tables; any
 * thread.
 *
 * A list is one string with entries separated by '|': "running shoes|trail shoes". English entries
 * are in lower case. A noun occurs in one topic only, so it identifies the topic of a title.
 */
#ifndef TOOLS_SIM_LEXICON_H
#define TOOLS_SIM_LEXICON_H

#include "base/rng.h"
#include "base/view.h"

enum sim_lang { SIM_EN, SIM_ZH, SIM_LANGS };

#define SIM_CATEGORIES 20
#define SIM_TOPICS 4 /* of a category */

/* What a text is about. */
struct sim_meaning {
    int category;
    int topic; /* of the category */
    enum sim_lang lang;
};

struct lexicon_category {
    const char *nouns[SIM_TOPICS]; /* what is sold */
    const char *traits; /* its qualities: after the noun (English), before it (Chinese) */
};

struct lexicon_offer {
    const char *text;
    double effect; /* added to the logit of a click on a title that has it */
};

#define LEXICON_OFFERS 8

struct lexicon {
    struct lexicon_category categories[SIM_CATEGORIES];
    const char *adjectives; /* fit everything, so they say nothing about the category */
    struct lexicon_offer offers[LEXICON_OFFERS];
};

extern const struct lexicon lexicon_en, lexicon_zh;

const struct lexicon *lexicon_of(enum sim_lang lang);

/* IAB codes of the categories (Content Taxonomy 1.0), for `cat`. */
extern const char *const lexicon_category_iab[SIM_CATEGORIES];

/* Entries of a list, at least 1; entry i of it, 0 <= i < count. */
int lexicon_count(const char *list);
struct view lexicon_entry(const char *list, int i);

/* One entry, uniformly. */
struct view lexicon_pick(const char *list, struct rng *rng);

/* 1 within a category, about .3 between related ones (kitchen and food), else 0. */
double lexicon_relation(int category_a, int category_b);

#endif
