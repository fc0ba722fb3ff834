/* Tests of tools/sim/lexicon.c. */
#include "tools/sim/lexicon.h"

#include "tests/test.h"

static void check_list(const char *list, int at_least)
{
    int n = lexicon_count(list);

    CHECK(n >= at_least);
    for (int i = 0; i < n; i++) {
        struct view entry = lexicon_entry(list, i);
        CHECK(entry.len > 0);
        CHECK(entry.ptr[0] != ' ' && entry.ptr[entry.len - 1] != ' ');
    }
}

TEST(lexicon__has_enough_words_in_each_language)
{
    for (int lang = 0; lang < SIM_LANGS; lang++) {
        const struct lexicon *lexicon = lexicon_of((enum sim_lang)lang);
        check_list(lexicon->adjectives, 20);
        for (int category = 0; category < SIM_CATEGORIES; category++) {
            check_list(lexicon->categories[category].traits, 8);
            for (int topic = 0; topic < SIM_TOPICS; topic++)
                check_list(lexicon->categories[category].nouns[topic], 10);
        }
    }
}

/* A noun identifies the topic of a title only if it occurs in no other. */
TEST(lexicon__nouns_are_unique)
{
    for (int lang = 0; lang < SIM_LANGS; lang++) {
        struct view seen[SIM_CATEGORIES * SIM_TOPICS * 20];
        int n = 0;
        for (int i = 0; i < SIM_CATEGORIES * SIM_TOPICS; i++) {
            const char *list =
                lexicon_of((enum sim_lang)lang)->categories[i / SIM_TOPICS].nouns[i % SIM_TOPICS];
            for (int k = 0; k < lexicon_count(list); k++) {
                struct view noun = lexicon_entry(list, k);
                for (int j = 0; j < n; j++) {
                    if (view_eq(noun, seen[j]))
                        FAIL("duplicate noun: %.*s", VIEW_ARG(noun));
                }
                seen[n++] = noun;
            }
        }
    }
}

TEST(lexicon__relation_is_symmetric_and_strongest_within)
{
    for (int a = 0; a < SIM_CATEGORIES; a++) {
        for (int b = 0; b < SIM_CATEGORIES; b++) {
            double r = lexicon_relation(a, b);
            CHECK_NEAR(r, lexicon_relation(b, a), 0);
            CHECK(a == b ? r == 1 : r >= 0 && r < .5);
        }
    }
}

TEST(lexicon__pick_reaches_every_entry)
{
    struct rng rng;
    bool met[3] = {false};

    rng_init(&rng, 1);
    for (int i = 0; i < 100; i++) {
        struct view entry = lexicon_pick("aa|b|ccc", &rng);
        CHECK(entry.len >= 1 && entry.len <= 3);
        met[entry.len - 1] = true;
    }
    CHECK(met[0] && met[1] && met[2]);
}
