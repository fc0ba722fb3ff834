/* Builds titles from word patterns. */
#include "tools/sim/title.h"

struct words {
    struct view noun, trait, adjective, second;
};

/* Chinese puts modifiers before the noun and needs no spaces. */
static void add_chinese(const struct words *w, int pattern, struct buf *out)
{
    if (pattern == 0 || pattern == 2)
        buf_add_view(out, w->adjective);
    if (pattern == 1 || pattern == 2)
        buf_add_view(out, w->trait);
    buf_add_view(out, w->noun);
    if (pattern == 3)
        buf_printf(out, " %.*s%.*s", VIEW_ARG(w->adjective), VIEW_ARG(w->second));
    if (pattern == 4)
        buf_printf(out, " %.*s", VIEW_ARG(w->trait));
}

static void add_english(const struct words *w, int pattern, struct buf *out)
{
    if (pattern == 3)
        buf_printf(out, "%.*s and ", VIEW_ARG(w->second));
    if (pattern == 0 || pattern == 2 || pattern == 3)
        buf_printf(out, "%.*s ", VIEW_ARG(w->adjective));
    buf_add_view(out, w->noun);
    if (pattern == 1 || pattern == 2)
        buf_printf(out, " %.*s", VIEW_ARG(w->trait));
    if (pattern == 4)
        buf_printf(out, ", %.*s", VIEW_ARG(w->adjective));
}

static struct words pick_words(const struct sim_meaning *meaning, struct rng *rng)
{
    const struct lexicon *lexicon = lexicon_of(meaning->lang);
    const struct lexicon_category *category = &lexicon->categories[meaning->category];
    struct words w = {
        .noun = lexicon_pick(category->nouns[meaning->topic], rng),
        .trait = lexicon_pick(category->traits, rng),
        .adjective = lexicon_pick(lexicon->adjectives, rng),
    };
    do {
        w.second = lexicon_pick(lexicon->adjectives, rng);
    } while (view_eq(w.second, w.adjective));
    return w;
}

double sim_title(const struct sim_meaning *meaning, struct rng *rng, struct buf *out)
{
    struct words w = pick_words(meaning, rng);
    int pattern = (int)rng_below(rng, 5);
    const struct lexicon_offer *offer = NULL;
    bool offer_first = rng_below(rng, 2) == 0;
    size_t start = out->len;

    if (rng_double(rng) < .3)
        offer = &lexicon_of(meaning->lang)->offers[rng_below(rng, LEXICON_OFFERS)];
    if (offer && offer_first)
        buf_printf(out, "%s%s", offer->text, meaning->lang == SIM_EN ? ": " : " ");
    (meaning->lang == SIM_EN ? add_english : add_chinese)(&w, pattern, out);
    if (offer && !offer_first)
        buf_printf(out, "%s%s", meaning->lang == SIM_EN ? ", " : " ", offer->text);
    if (!buf_failed(out) && out->ptr[start] >= 'a' && out->ptr[start] <= 'z')
        out->ptr[start] = (char)(out->ptr[start] - 'a' + 'A');
    return offer ? offer->effect : 0;
}

void sim_search_words(const struct sim_meaning *meaning, struct rng *rng, struct buf *out)
{
    struct words w = pick_words(meaning, rng);
    if (rng_double(rng) < .3)
        buf_printf(out, meaning->lang == SIM_EN ? "%.*s " : "%.*s", VIEW_ARG(w.adjective));
    buf_add_view(out, w.noun);
}
