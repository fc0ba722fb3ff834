/* The layers of bits, and their walk along the catalog's schedule of starts and ends. */
#include "market/eligible_ads.h"

#include <stdlib.h>

#include "impression/ad_schedule.h"

#define MAX_LAYERS 6 /* 64^6 is more than a catalog can hold */

struct eligible_ads {
    const struct ad_schedule *schedule;
    size_t next_turn; /* those before it are done */
    size_t bytes;     /* of all this */
    int n_layers;
    /* Where a layer starts in words. In layer 0 a bit is an ad; in the others bit i says that word
     * i of the layer below is not 0. The last layer is one word. */
    size_t at[MAX_LAYERS], n_words[MAX_LAYERS];
    uint64_t words[];
};

static size_t lay_out(struct eligible_ads *ads, size_t n_words)
{
    size_t total = 0;

    for (ads->n_layers = 0; ads->n_layers == 0 || n_words > 1; ads->n_layers++) {
        if (ads->n_layers)
            n_words = (n_words + 63) / 64;
        ads->at[ads->n_layers] = total;
        ads->n_words[ads->n_layers] = n_words;
        total += n_words;
    }
    return total;
}

static void summarize(struct eligible_ads *ads)
{
    for (int layer = 1; layer < ads->n_layers; layer++) {
        const uint64_t *below = ads->words + ads->at[layer - 1];
        uint64_t *words = ads->words + ads->at[layer];

        for (size_t i = 0; i < ads->n_words[layer - 1]; i++)
            words[i / 64] |= (uint64_t)(below[i] != 0) << (i % 64);
    }
}

int eligible_ads_new(const struct catalog *catalog, int64_t now_ms, struct eligible_ads **out,
                     struct err *err)
{
    struct eligible_ads head = {.schedule = catalog_schedule(catalog)};
    size_t n_words = lay_out(&head, head.schedule->n_words);
    struct eligible_ads *ads;

    head.bytes = sizeof(*ads) + n_words * sizeof(ads->words[0]);
    ads = calloc(1, head.bytes);
    if (!ads)
        return err_set(err, ERR_NOMEM, "catalog: out of memory");
    memcpy(ads, &head, sizeof(head));
    memcpy(ads->words, head.schedule->first, head.schedule->n_words * sizeof(ads->words[0]));
    summarize(ads);
    eligible_ads_move(ads, now_ms);
    *out = ads;
    return 0;
}

struct eligible_ads *eligible_ads_copy(const struct eligible_ads *ads)
{
    struct eligible_ads *copy = malloc(ads->bytes);

    if (copy)
        memcpy(copy, ads, ads->bytes);
    return copy;
}

void eligible_ads_free(struct eligible_ads *ads)
{
    free(ads);
}

/* Upwards as long as a word becomes 0 or stops being it. */
static void take_turn(struct eligible_ads *ads, const struct ad_turn *turn)
{
    uint64_t flipped = turn->flipped;
    size_t word = (size_t)turn->word;

    for (int layer = 0; layer < ads->n_layers; layer++) {
        uint64_t *at = &ads->words[ads->at[layer] + word];
        bool any = *at != 0;

        *at ^= flipped;
        if (any == (*at != 0))
            return;
        flipped = UINT64_C(1) << (word % 64);
        word /= 64;
    }
}

void eligible_ads_move(struct eligible_ads *ads, int64_t now_ms)
{
    const struct ad_schedule *schedule = ads->schedule;

    while (ads->next_turn < schedule->n_turns && schedule->turns[ads->next_turn].at_ms <= now_ms)
        take_turn(ads, &schedule->turns[ads->next_turn++]);
    while (ads->next_turn > 0 && schedule->turns[ads->next_turn - 1].at_ms > now_ms)
        take_turn(ads, &schedule->turns[--ads->next_turn]);
}

int32_t eligible_ads_next(const struct eligible_ads *ads, int32_t from)
{
    size_t bit = (size_t)from;

    /* Up until a word has something left, then down along the lowest bits. */
    for (int layer = 0; layer < ads->n_layers && bit / 64 < ads->n_words[layer]; layer++) {
        const size_t word = bit / 64;
        const uint64_t left = ads->words[ads->at[layer] + word] & (~UINT64_C(0) << (bit % 64));

        bit = word + 1;
        if (!left)
            continue;
        bit = 64 * word + (size_t)__builtin_ctzll(left);
        while (layer-- > 0)
            bit = 64 * bit + (size_t)__builtin_ctzll(ads->words[ads->at[layer] + bit]);
        return (int32_t)bit;
    }
    return -1;
}
