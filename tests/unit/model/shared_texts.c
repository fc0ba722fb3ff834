/* What inputs of one request have in common is tokenised once, and they are what they would be
 * alone. */
#include "adrank/model.h"
#include "base/rng.h"
#include "tests/test.h"

#define N_ADS 30
#define N_EVENTS 40
#define N_CONTEXTS 12

/* The linker sends the calls of this name here: texts that are tokenised. */
static int n_texts;
int __real_tokenizer_encode_first(const struct tokenizer *tokenizer, struct view text, int max_ids,
                                  struct arena *scratch, int32_t *ids);
int __wrap_tokenizer_encode_first(const struct tokenizer *tokenizer, struct view text, int max_ids,
                                  struct arena *scratch, int32_t *ids);

int __wrap_tokenizer_encode_first(const struct tokenizer *tokenizer, struct view text, int max_ids,
                                  struct arena *scratch, int32_t *ids)
{
    n_texts++;
    return __real_tokenizer_encode_first(tokenizer, text, max_ids, scratch, ids);
}

static struct request {
    struct impression_request request;
    struct imp imps[N_CONTEXTS];
    struct behaviour events[N_EVENTS];
    struct input_ad ads[N_ADS];
    char texts[N_ADS + N_EVENTS][1200];
    char tagids[N_CONTEXTS][700];
} s;

/* Words, and sometimes only blanks. */
static struct view random_text(struct rng *rng, char *out, size_t most)
{
    static const char *const words[] = {"red", "shoes", "tea", " ", "   ", "\xe8\xb7\x91", "x"};
    size_t len = 0, want = rng_below(rng, most);
    const bool blank = rng_below(rng, 8) == 0;

    while (len + 8 < want)
        len += (size_t)sprintf(out + len, "%s ", blank ? "" : words[rng_below(rng, 7)]);
    out[len] = 0;
    return (struct view){out, len};
}

static struct input_args random_request(struct rng *rng, int n_events)
{
    s.request = (struct impression_request){.devicetype = 4, .search = VIEW_LIT("trail shoes")};
    for (int i = 0; i < N_ADS; i++)
        s.ads[i].text = random_text(rng, s.texts[i], 120);
    for (int i = 0; i < n_events; i++)
        s.events[i] =
            (struct behaviour){.t_ms = i, .text = random_text(rng, s.texts[N_ADS + i], 100)};
    for (int i = 0; i < N_CONTEXTS; i++)
        s.imps[i].tagid = random_text(rng, s.tagids[i], i % 4 ? 40 : 600);
    return (struct input_args){.request = &s.request,
                               .behaviours = s.events,
                               .n_behaviours = n_events,
                               .ads = s.ads,
                               .n_ads = N_ADS,
                               .now_ms = 1790000000000};
}

static void build(const struct model *model, struct input_args args, int imp, struct arena *arena,
                  struct input *out, bool *truncated)
{
    struct err err;

    args.imp = &s.imps[imp];
    CHECK_OK(model_input(model, &args, arena, out, truncated, &err), err);
}

static void check_same(const struct input *a, const struct input *b)
{
    CHECK_INT(a->n_tokens, b->n_tokens);
    CHECK_INT(a->n_segments, b->n_segments);
    CHECK(memcmp(a->ids, b->ids, (size_t)a->n_tokens * sizeof(*a->ids)) == 0);
    CHECK(memcmp(a->types, b->types, (size_t)a->n_tokens * sizeof(*a->types)) == 0);
    for (int i = 0; i < a->n_segments; i++) {
        CHECK_INT(a->segments[i].len, b->segments[i].len);
        CHECK_INT(a->segments[i].parent, b->segments[i].parent);
        CHECK_INT(a->segments[i].position, b->segments[i].position);
    }
}

static void check_request(const struct model *model, struct rng *rng, int n_events)
{
    struct input_args args = random_request(rng, n_events), shared = args;
    struct input alone = {0}, together = {0};
    struct arena arena AT_END(arena_release);
    int shared_texts = 0;

    arena_init(&arena, 1 << 16, 0);
    shared.shared = model_share_texts(model, &args, &arena);
    CHECK(shared.shared);
    for (int i = 0; i < N_CONTEXTS; i++) {
        bool truncated_alone, truncated_together;

        build(model, args, i, &arena, &alone, &truncated_alone);
        n_texts = 0;
        build(model, shared, i, &arena, &together, &truncated_together);
        shared_texts += n_texts;
        check_same(&alone, &together);
        CHECK_INT(truncated_alone, truncated_together);
    }
    if (shared_texts > N_ADS + n_events + N_CONTEXTS)
        FAIL("%d texts of %d ads, %d events, %d contexts", shared_texts, N_ADS, n_events,
             N_CONTEXTS);
    input_release(&alone);
    input_release(&together);
}

TEST(model_share_texts__tokenises_once_and_changes_nothing)
{
    static const char *const models[] = {"tests/golden/models/e2e", "tests/golden/requests/cross",
                                         "tests/golden/requests/two-layers"};
    struct model *model;
    struct rng rng;
    struct err err;

    rng_init(&rng, 3);
    for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
        CHECK_OK(model_open(models[i], &model, &err), err);
        for (int round = 0; round < 40; round++) {
            test_row("%s, round %d", models[i], round);
            check_request(model, &rng, (int)rng_below(&rng, N_EVENTS + 1));
        }
        model_unref(model);
    }
}

/* Blank events are examined only up to a bound. */
TEST(model_share_texts__bounds_the_work_on_blank_events)
{
    static char blank[1024];
    static struct behaviour events[4096];
    static const struct input_ad ad = {.text = VIEW_LIT("tea")};
    static const struct imp imp = {.bidfloor = 0};
    const struct impression_request request = {.devicetype = 4};
    struct input_args args = {.request = &request,
                              .imp = &imp,
                              .behaviours = events,
                              .n_behaviours = 4096,
                              .ads = &ad,
                              .n_ads = 1};
    struct input input = {0};
    struct model *model;
    struct arena arena;
    struct err err;
    bool truncated;

    memset(blank, ' ', sizeof(blank));
    for (int i = 0; i < 4096; i++)
        events[i] = (struct behaviour){.t_ms = i, .text = {blank, sizeof(blank)}};
    CHECK_OK(model_open("tests/golden/models/e2e", &model, &err), err);
    arena_init(&arena, 1 << 16, 0);
    args.shared = model_share_texts(model, &args, &arena);
    CHECK(args.shared);
    n_texts = 0;
    CHECK_OK(model_input(model, &args, &arena, &input, &truncated, &err), err);
    CHECK(truncated);
    CHECK(n_texts < 64);
    CHECK(model_shared_bytes(args.shared) < 64 * 1024);
    input_release(&input);
    arena_release(&arena);
    model_unref(model);
}
