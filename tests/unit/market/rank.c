/* Tests of market/rank.c. */
#include "market/rank.h"

#include "base/rng.h"
#include "tests/js.h"
#include "tests/test.h"

#define MAX_ADS 8

/* A case: imps, ads and a pctr for each; results are written as "imp:adid@pos", then
 * what was filtered. */
static struct {
    struct imp imps[3];
    struct rank_ad items[MAX_ADS];
    struct impression_request request;
    struct candidates ads;
    double pctr[MAX_ADS];
    struct rank_scores scores[3];
    struct rank_args args;
    struct arena arena;
    struct ranked ranked;
} s;

static void start(int n_imps)
{
    static const char *const ids[] = {"1", "2", "3"};

    arena_release(&s.arena);
    memset(&s, 0, sizeof(s));
    for (int i = 0; i < n_imps; i++) {
        s.imps[i].id = view_of(ids[i]);
        s.scores[i] = (struct rank_scores){SOURCE_MODEL, s.pctr};
    }
    s.request = (struct impression_request){.imps = s.imps, .n_imps = n_imps};
    s.ads.items = s.items;
    s.args = (struct rank_args){
        .request = &s.request, .ads = &s.ads, .scores = s.scores, .currency = "USD", .top_n = 10};
    arena_init(&s.arena, 4096, 0);
}

static void add(const char *adid, double bid, enum bid_type type, double pctr)
{
    s.items[s.ads.n] = (struct rank_ad){.adid = view_of(adid), .bid = bid, .bid_type = type};
    s.pctr[s.ads.n++] = pctr;
}

static const char *run(void)
{
    struct buf *text = js_buf();
    struct err err;

    CHECK_OK(rank_run(&s.args, &s.arena, &s.ranked, &err), err);
    for (int i = 0; i < s.ranked.n; i++) {
        const struct rank_result *r = &s.ranked.results[i];

        buf_printf(text, "%s%d:%.*s@%d", i ? " " : "", r->imp + 1, VIEW_ARG(r->ad->adid), r->pos);
    }
    for (int i = 0; i < FILTERED_REASONS; i++)
        if (s.ranked.filtered[i])
            buf_printf(text, " %s=%u", filtered_reason_names[i], s.ranked.filtered[i]);
    return buf_str(text);
}

TEST(rank__orders_by_ecpm_then_adid)
{
    start(1);
    add("low", 1, BID_CPM, 0.9);
    add("b", 2, BID_CPM, 0.1);
    add("a", 2, BID_CPM, 0.2);
    add("click", 0.1, BID_CPC, 0.03);     /* 3 */
    add("tiny", 2.0000001, BID_CPM, 0.5); /* the unrounded value counts */
    CHECK_STR(run(), "1:click@1 1:tiny@2 1:a@3 1:b@4 1:low@5");
    CHECK_NEAR(s.ranked.results[0].ecpm, 3, 1e-12);
    CHECK_NEAR(s.ranked.results[0].pctr, 0.03, 0);
    CHECK_INT(s.ranked.results[0].source, SOURCE_MODEL);
    s.args.top_n = 2;
    CHECK_STR(run(), "1:click@1 1:tiny@2");
}

TEST(rank__a_floor_is_met_by_the_unrounded_ecpm)
{
    start(1);
    s.imps[0].bidfloor = 2;
    add("over", 2.5, BID_CPM, 0.1);
    add("equal", 2, BID_CPM, 0.1);
    add("under", nextafter(2, 0), BID_CPM, 0.1);
    CHECK_STR(run(), "1:over@1 1:equal@2 floor=1");
}

TEST(rank__a_floor_in_another_currency_filters_the_imp)
{
    start(3);
    s.imps[0].bidfloor = 0.01;
    s.imps[0].bidfloorcur = VIEW_LIT("EUR");
    s.imps[1].bidfloorcur = VIEW_LIT("usd");
    add("a", 1, BID_CPM, 0.1);
    add("b", 2, BID_CPM, 0.1);
    CHECK_STR(run(), "2:b@1 2:a@2 3:b@1 3:a@2 currency=2");
    s.imps[0].bidfloor = 0; /* the same in every currency */
    CHECK_STR(run(), "1:b@1 1:a@2 2:b@1 2:a@2 3:b@1 3:a@2");
}

TEST(rank__counts_pairs_that_were_filtered_before)
{
    start(3);
    s.ads.filtered[FILTERED_UNKNOWN] = 2;
    s.ads.filtered[FILTERED_BLOCKED] = 1;
    CHECK_STR(run(), " unknown=6 blocked=3");
}

TEST(rank__each_imp_has_the_scores_of_its_context)
{
    static const double other[] = {0.9, 0.1};

    start(2);
    add("a", 1, BID_CPC, 0.1);
    add("b", 1, BID_CPC, 0.2);
    s.scores[1] = (struct rank_scores){SOURCE_PRIOR, other};
    CHECK_STR(run(), "1:b@1 1:a@2 2:a@1 2:b@2");
    CHECK_INT(s.ranked.results[0].source, SOURCE_MODEL);
    CHECK_INT(s.ranked.results[2].source, SOURCE_PRIOR);
    CHECK_NEAR(s.ranked.results[2].ecpm, 900, 1e-9);
}

TEST(rank__unique_in_request_is_greedy)
{
    static const double second[] = {0.35, 0.25, 0.05};

    /* Pairs by ecpm: 2a 350, 1a 300, 2b 250, 1b 200, 1c 100, 2c 50. */
    start(2);
    add("a", 1, BID_CPC, 0.3);
    add("b", 1, BID_CPC, 0.2);
    add("c", 1, BID_CPC, 0.1);
    s.scores[1] = (struct rank_scores){SOURCE_MODEL, second};
    s.args.top_n = 1;
    CHECK_STR(run(), "1:a@1 2:a@1");
    s.args.unique_in_request = true;
    CHECK_STR(run(), "1:b@1 2:a@1");
    s.args.top_n = 2;
    CHECK_STR(run(), "1:c@1 2:a@1 2:b@2");
}

TEST(rank__unique_in_request_breaks_ties_by_imp_then_adid)
{
    start(2);
    add("b", 1, BID_CPM, 0.3);
    add("a", 1, BID_CPM, 0.3);
    s.args.top_n = 1;
    s.args.unique_in_request = true;
    CHECK_STR(run(), "1:a@1 2:b@1");
}

TEST(rank__sorts_many)
{
    enum { N = 500 };
    static struct rank_ad items[N];
    static double pctr[N];
    static char ids[N][8];
    struct err err;
    struct rng rng;

    start(1);
    rng_init(&rng, 3);
    for (int i = 0; i < N; i++) {
        snprintf(ids[i], sizeof(ids[i]), "%03d", (i * 7) % N);
        items[i] = (struct rank_ad){.adid = view_of(ids[i]), .bid = (double)rng_below(&rng, 20)};
        pctr[i] = 0.5;
    }
    s.ads = (struct candidates){.items = items, .n = N};
    s.scores[0].pctr = pctr;
    s.args.top_n = N;
    CHECK_OK(rank_run(&s.args, &s.arena, &s.ranked, &err), err);
    CHECK_INT(s.ranked.n, N);
    for (int i = 1; i < N; i++) {
        const struct rank_result *a = &s.ranked.results[i - 1], *b = &s.ranked.results[i];

        CHECK(a->ecpm > b->ecpm || (a->ecpm == b->ecpm && view_cmp(a->ad->adid, b->ad->adid) < 0));
        CHECK_INT(b->pos, i + 1);
    }
}

TEST(rank_priors__are_the_catalog_s_else_the_base_rate)
{
    struct ad known = {.prior_ctr = 0.04}, unknown = {.prior_ctr = NAN}, never = {.prior_ctr = 0};
    struct ad always = {.prior_ctr = 1};
    struct rank_ad items[] = {
        {.ad = &known}, {.ad = &unknown}, {0}, {.ad = &never}, {.ad = &always}};
    static const double want[] = {0.04, 0.02, 0.02, 1e-7, 1 - 1e-7};
    struct candidates ads = {.items = items, .n = 5};
    struct arena arena AT_END(arena_release);
    const double *pctr;

    arena_init(&arena, 4096, 0);
    pctr = rank_priors(&ads, 0.02, &arena);
    for (int i = 0; i < 5; i++)
        CHECK_NEAR(pctr[i], want[i], 0);
}

TEST(rank__reports_a_full_arena)
{
    struct err err;

    start(2);
    add("a", 1, BID_CPM, 0.1);
    s.args.unique_in_request = true;
    arena_release(&s.arena);
    arena_init(&s.arena, 4096, 64);
    CHECK_ERR(rank_run(&s.args, &s.arena, &s.ranked, &err), err, "out of memory");
    CHECK_INT(err.code, ERR_NOMEM);
}
