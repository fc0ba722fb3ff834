/* Tests of market/candidates.c. */
#include "market/candidates.h"

#include "tests/js.h"
#include "tests/test.h"

#define NOW_MS 1000

/* The linker sends the calls of this name here: ads of a catalog that are looked at, and one more
 * at the end. */
static int looks;
int32_t __real_eligible_ads_next(const struct eligible_ads *ads, int32_t from);
int32_t __wrap_eligible_ads_next(const struct eligible_ads *ads, int32_t from);

int32_t __wrap_eligible_ads_next(const struct eligible_ads *ads, int32_t from)
{
    looks++;
    return __real_eligible_ads_next(ads, from);
}

/* Prior ecpm: a 5; b 4; c 3 (cpc, .01 x 1000 x .3); d 2; e 1; f is cpa. p is paused, s and o are
 * not in time. */
static const char ads[] =
    "{\"adid\":\"e\",\"title\":\"t\",\"bid\":1,\"adomain\":[\"e.example\"],\"cat\":[\"IAB7-1\"]}\n"
    "{\"adid\":\"d\",\"title\":\"t\",\"bid\":2}\n"
    "{\"adid\":\"c\",\"title\":\"t\",\"bid\":0.3,\"bid_type\":\"cpc\",\"adomain\":[\"c.example\"]}"
    "\n"
    "{\"adid\":\"b\",\"title\":\"t\",\"bid\":4}\n"
    "{\"adid\":\"a\",\"title\":\"t\",\"bid\":5,\"item\":\"sku\"}\n"
    "{\"adid\":\"f\",\"title\":\"t\",\"bid\":9,\"bid_type\":\"cpa\"}\n"
    "{\"adid\":\"p\",\"title\":\"t\",\"bid\":99,\"status\":\"paused\"}\n"
    "{\"adid\":\"s\",\"title\":\"t\",\"bid\":99,\"start\":1001}\n"
    "{\"adid\":\"o\",\"title\":\"t\",\"bid\":99,\"end\":1000}\n";

/* The last choice. */
static struct {
    struct catalog *catalog;
    struct eligible_ads *eligible;
    struct arena arena;
    struct candidates ads;
} c;

/* Returns their adids, "cut" where there are more, and how many were filtered for each reason. */
static const char *choose_from(const char *lines, const struct impression_request *request, int max,
                               bool has_cvr)
{
    struct candidates_args args = {.request = request,
                                   .currency = "USD",
                                   .max_candidates = max,
                                   .has_cvr = has_cvr,
                                   .now_ms = NOW_MS};
    struct buf *text = js_buf();
    struct err err;

    eligible_ads_free(c.eligible);
    catalog_unref(c.catalog);
    arena_release(&c.arena);
    CHECK_OK(catalog_parse("ads", view_of(lines), NULL, &c.catalog, &err), err);
    CHECK_OK(eligible_ads_new(c.catalog, 0, &c.eligible, &err), err);
    args.catalog = c.catalog;
    args.eligible = c.eligible;
    arena_init(&c.arena, 4096, 0);
    looks = 0;
    CHECK_OK(candidates_choose(&args, &c.arena, &c.ads, &err), err);
    for (int i = 0; i < c.ads.n; i++)
        buf_add_view(text, c.ads.items[i].adid);
    buf_add_str(text, c.ads.cut ? " cut" : "");
    for (int i = 0; i < FILTERED_REASONS; i++)
        if (c.ads.filtered[i])
            buf_printf(text, " %s=%u", filtered_reason_names[i], c.ads.filtered[i]);
    return buf_str(text);
}

static const char *choose(const struct impression_request *request, int max, bool has_cvr)
{
    return choose_from(ads, request, max, has_cvr);
}

TEST(candidates__takes_the_catalog_by_prior_ecpm)
{
    struct impression_request request = {0};

    CHECK_STR(choose(&request, 10, true), "abcdef");
    CHECK_INT(c.ads.items[2].bid_type, BID_CPC);
    CHECK_NEAR(c.ads.items[2].bid, 0.3, 0);
    CHECK_STR(choose(&request, 6, true), "abcdef");
    CHECK_STR(choose(&request, 5, true), "abcde cut");
    CHECK_STR(choose(&request, 6, false), "abcde no_cvr=1");
}

TEST(candidates__blocked_ads_leave_their_place_to_others)
{
    struct view badv = VIEW_LIT("c.example"), bcat = VIEW_LIT("IAB7");
    struct impression_request request = {.badv = {&badv, 1}, .bcat = {&bcat, 1}};

    CHECK_STR(choose(&request, 3, true), "abd cut blocked=1");
}

TEST(candidates__looks_at_a_bounded_part_of_the_catalog)
{
    struct view bcat = VIEW_LIT("x");
    struct impression_request request = {.bcat = {&bcat, 1}};

    choose_from(js_repeat(100, "{'adid':'#','title':'t','bid':1,'cat':['x']}\n"), &request, 2,
                true);
    CHECK_INT(c.ads.n, 0);
    CHECK(c.ads.cut);
    CHECK_INT(c.ads.filtered[FILTERED_BLOCKED], 2 * CANDIDATES_LOOKS);
    CHECK_INT(looks, 2 * CANDIDATES_LOOKS + 1);
}

/* Inactive ads come first by their bids, and among the others, in a catalog of 20,000. */
TEST(candidates__ads_that_are_not_active_cost_no_look)
{
    static const struct {
        const char *name, *member;
    } rows[] = {
        {"ended", "\"end\":1000"},
        {"ends later than others", "\"start\":1,\"end\":999"},
        {"not begun", "\"start\":1001"},
        {"paused", "\"status\":\"paused\""},
    };
    struct impression_request request = {0};

    for (int row = 0; row < COUNT(rows); row++) {
        struct buf lines = BUF_INIT;

        test_row("%s", rows[row].name);
        for (int i = 0; i < 20000; i++)
            buf_printf(&lines, "{\"adid\":\"%d\",\"title\":\"t\",\"bid\":%d%s%s}\n", i, i + 1,
                       i % 5000 ? "," : "", i % 5000 ? rows[row].member : "");
        CHECK_STR(choose_from(buf_str(&lines), &request, 10, true), "150001000050000");
        CHECK_INT(looks, 5);
        CHECK_STR(choose_from(buf_str(&lines), &request, 3, true), "15000100005000 cut");
        CHECK_INT(looks, 4);
        buf_release(&lines);
    }
}

#define FULL(id, bid_, type_, text_)                                                               \
    {                                                                                              \
        .adid = VIEW_LIT(id), .bid = (bid_), .bid_type = (type_), .text = VIEW_LIT(text_)          \
    }
#define NAMED(id) FULL(id, NAN, -1, "")

TEST(candidates__takes_those_that_are_named_in_their_order)
{
    static const struct candidate named[] = {NAMED("e"), NAMED("c"), FULL("x", NAN, -1, "own"),
                                             FULL("a", NAN, -1, "new")};
    struct impression_request request = {
        .candidates = named, .n_candidates = 4, .has_candidates = true};

    CHECK_STR(choose(&request, 10, false), "eca no_bid=1"); /* x */
    CHECK_VIEW(c.ads.items[2].text, "new");
    CHECK(c.ads.items[2].ad && view_is(c.ads.items[2].ad->item, "sku"));
    CHECK_INT(c.ads.items[0].text.len, 0);
    request.n_candidates = 0;
    CHECK_STR(choose(&request, 10, true), "");
}

TEST(candidates__filters_with_the_first_reason)
{
    static const struct {
        const char *name;
        struct candidate named[3];
        const char *want;
    } rows[] = {
        {"unknown stays unknown", {NAMED("zz"), NAMED("zz"), NAMED("p")}, " unknown=2 inactive=1"},
        {"not in time", {NAMED("p"), NAMED("s"), NAMED("o")}, " inactive=3"},
        {"the first counts", {NAMED("a"), NAMED("a"), FULL("a", 7, -1, "")}, "a duplicate=2"},
        {"an own text wakes no paused ad",
         {FULL("p", NAN, -1, "t"), NAMED("p"), NAMED("b")},
         "b inactive=1 duplicate=1"},
        {"a text makes it known",
         {NAMED("zz"), FULL("zz", 1, -1, "t"), FULL("zz", NAN, -1, "t")},
         "zz unknown=1 duplicate=1"},
        {"no conversions", {NAMED("f"), FULL("b", NAN, BID_CPA, ""), NAMED("d")}, "d no_cvr=2"},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        struct impression_request request = {
            .candidates = rows[i].named, .n_candidates = 3, .has_candidates = true};

        test_row("%s", rows[i].name);
        CHECK_STR(choose(&request, 10, false), rows[i].want);
    }
}

TEST(candidates__the_request_s_bid_wins)
{
    static const struct {
        struct candidate named;
        double bid;
        enum bid_type type;
    } rows[] = {
        {NAMED("c"), 0.3, BID_CPC},
        {FULL("c", 2, -1, ""), 2, BID_CPC}, /* with the catalog's type */
        {FULL("c", 2, BID_CPC, ""), 2, BID_CPC},
        {FULL("c", NAN, BID_CPM, ""), 0.3, BID_CPM},
        {FULL("c", 0, -1, ""), 0, BID_CPC},
        {FULL("x", 2, -1, "t"), 2, BID_CPM},
        {FULL("x", 2, BID_CPC, "t"), 2, BID_CPC},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        struct impression_request request = {
            .candidates = &rows[i].named, .n_candidates = 1, .has_candidates = true};

        test_row("%d", i);
        choose(&request, 10, true);
        CHECK_INT(c.ads.n, 1);
        CHECK_NEAR(c.ads.items[0].bid, rows[i].bid, 0);
        CHECK_INT(c.ads.items[0].bid_type, rows[i].type);
    }
}

TEST(candidates__another_currency_filters_all)
{
    struct view cur[] = {VIEW_LIT("EUR"), VIEW_LIT("usd")};
    struct candidate named[] = {NAMED("a"), NAMED("b")};
    struct impression_request request = {
        .cur = {cur, 1}, .candidates = named, .n_candidates = 2, .has_candidates = true};

    CHECK_STR(choose(&request, 10, true), " currency=2");
    request.cur.n = 2;
    CHECK_STR(choose(&request, 10, true), "ab");
}
