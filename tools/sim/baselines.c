/* The features of the two baselines. */
#include "tools/sim/baselines.h"

enum {
    BIAS,
    CATEGORY,
    DAYPART,
    DEVICE,
    COUNTRY,
    AD,
    SEEN_AD,
    WORD,
    SEEN_WORD,
    SEARCHED_WORD,
};

enum { MAX_WORDS = 96 }; /* on one side of a pair; the rest are ignored */

struct words {
    uint64_t hashes[MAX_WORDS];
    int n;
};

static void add_word(struct words *words, uint64_t hash)
{
    if (words->n < MAX_WORDS)
        words->hashes[words->n++] = hash;
}

static uint64_t hash_of(const char *p, size_t n)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ (uint64_t)(p[i] | 0x20)) * UINT64_C(0x100000001b3);
    return hash;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* English words, and pairs of adjacent Chinese characters (each three bytes in UTF-8). */
static void add_words(struct words *words, struct view text)
{
    size_t i = 0, n = 0;
    for (; i < text.len; i += n) {
        const char *p = text.ptr + i;
        for (n = 0; i + n < text.len && is_letter(p[n]);)
            n++;
        if (n > 0) {
            add_word(words, hash_of(p, n));
        } else if ((unsigned char)*p >= 0xe0 && i + 3 <= text.len) {
            n = 3;
            if (i + 6 <= text.len && (unsigned char)p[3] >= 0xe0)
                add_word(words, hash_of(p, 6));
        } else {
            n = 1;
        }
    }
}

static void add_pairs(struct sim_features *out, uint64_t kind, const struct words *a,
                      const struct words *b)
{
    for (int i = 0; i < a->n; i++) {
        for (int j = 0; j < b->n; j++)
            sim_features_add(out, kind, a->hashes[i], b->hashes[j]);
    }
}

void sim_baseline_ids(const struct sim_world *world, const struct sim_visit *visit, int item,
                      struct sim_features *out)
{
    uint64_t category = (uint64_t)world->items[item].meaning.category;
    uint64_t ad = (uint64_t)item;
    const char *country = visit->shopper.place->country;

    sim_features_add(out, BIAS, 0, 0);
    sim_features_add(out, CATEGORY, category, 0);
    sim_features_add(out, DAYPART, (uint64_t)sim_visit_hour(visit) / 6, category);
    sim_features_add(out, DEVICE, (uint64_t)visit->shopper.devicetype, category);
    sim_features_add(out, COUNTRY, hash_of(country, strlen(country)), category);
    sim_features_add(out, AD, ad, 0);
    for (int i = 0; i < visit->n_events; i++) {
        const struct sim_event *event = &visit->shopper.events[visit->first_event + i];
        if (event->item >= 0)
            sim_features_add(out, SEEN_AD, (uint64_t)event->item, ad);
    }
}

void sim_baseline_words(const struct sim_world *world, const struct sim_visit *visit, int item,
                        struct sim_features *out)
{
    struct words title = {.n = 0}, seen = {.n = 0}, searched = {.n = 0};

    add_words(&title, world->items[item].title);
    for (int i = visit->n_events - 1; i >= 0; i--)
        add_words(&seen, visit->shopper.events[visit->first_event + i].text);
    if (visit->has_search)
        add_words(&searched, buf_view(&visit->search_words));
    sim_features_add(out, BIAS, 0, 0);
    for (int i = 0; i < title.n; i++)
        sim_features_add(out, WORD, title.hashes[i], 0);
    add_pairs(out, SEEN_WORD, &seen, &title);
    add_pairs(out, SEARCHED_WORD, &searched, &title);
}
