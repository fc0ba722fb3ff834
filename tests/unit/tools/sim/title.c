/* Tests of tools/sim/title.c. */
#include "tools/sim/title.h"

#include <strings.h>

#include "tests/test.h"
#include "tools/sim/world.h"

/* Finds the longest noun of the lexicon in the text, ignoring case: it has the text's meaning. */
static bool find_noun(struct view text, enum sim_lang lang, struct sim_meaning *out)
{
    size_t best = 0;
    for (int i = 0; i < SIM_CATEGORIES * SIM_TOPICS; i++) {
        const char *list = lexicon_of(lang)->categories[i / SIM_TOPICS].nouns[i % SIM_TOPICS];
        for (int k = 0; k < lexicon_count(list); k++) {
            struct view noun = lexicon_entry(list, k);
            for (size_t at = 0; at + noun.len <= text.len; at++) {
                if (noun.len <= best || strncasecmp(text.ptr + at, noun.ptr, noun.len) != 0)
                    continue;
                best = noun.len;
                *out = (struct sim_meaning){i / SIM_TOPICS, i % SIM_TOPICS, lang};
            }
        }
    }
    return best > 0;
}

static double offer_in(const char *text, enum sim_lang lang)
{
    for (int i = 0; i < LEXICON_OFFERS; i++)
        if (strcasestr(text, lexicon_of(lang)->offers[i].text))
            return lexicon_of(lang)->offers[i].effect;
    return 0;
}

/* Nearly all: a few traits contain a noun of another topic. */
TEST(title__identifies_its_topic)
{
    struct buf text = BUF_INIT;
    struct rng rng;
    int right = 0, total = 4000;

    rng_init(&rng, 5);
    for (int i = 0; i < total; i++) {
        struct sim_meaning want = sim_meaning_random((enum sim_lang)(i % 2), &rng), got = {0};
        double effect;
        buf_clear(&text);
        effect = sim_title(&want, &rng, &text);
        CHECK(find_noun(buf_view(&text), want.lang, &got));
        right += got.category == want.category && got.topic == want.topic;
        CHECK_NEAR(effect, offer_in(buf_str(&text), want.lang), 0);
    }
    buf_release(&text);
    CHECK(right > total * 95 / 100);
}

TEST(title__search_words_contain_the_noun)
{
    struct buf text AT_END(buf_release) = BUF_INIT;
    struct rng rng;

    rng_init(&rng, 6);
    for (int i = 0; i < 1000; i++) {
        struct sim_meaning want = sim_meaning_random((enum sim_lang)(i % 2), &rng), got = {0};
        buf_clear(&text);
        sim_search_words(&want, &rng, &text);
        CHECK(find_noun(buf_view(&text), want.lang, &got));
        CHECK_INT(got.category, want.category);
    }
}
