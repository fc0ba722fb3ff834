/* Tests of market/eligible_ads.c. */
#include "market/eligible_ads.h"

#include "base/rng.h"
#include "impression/ad_schedule.h"
#include "tests/js.h"
#include "tests/test.h"

static struct catalog *parse(const char *lines)
{
    struct catalog *catalog;
    struct err err;

    CHECK_OK(catalog_parse("ads", view_of(lines), NULL, &catalog, &err), err);
    return catalog;
}

/* latest: of starts and ends; few times, so that many ads share one. */
static struct catalog *random_catalog(struct rng *rng, int n, int latest)
{
    struct buf *lines = js_buf();

    for (int i = 0; i < n; i++) {
        int start = (int)rng_below(rng, (uint64_t)latest);

        buf_printf(lines, "{\"adid\":\"%d\",\"title\":\"t\",\"bid\":%d", i,
                   (int)rng_below(rng, 50));
        if (rng_below(rng, 3))
            buf_printf(lines, ",\"start\":%d", start);
        if (rng_below(rng, 3))
            buf_printf(lines, ",\"end\":%d", start + 1 + (int)rng_below(rng, (uint64_t)latest));
        buf_printf(lines, "%s}\n", rng_below(rng, 8) ? "" : ",\"status\":\"paused\"");
    }
    return parse(buf_str(lines));
}

/* Exactly those of ad_active(), in order of prior ecpm. */
static void check_at(const struct catalog *catalog, struct eligible_ads *eligible, int64_t now_ms)
{
    const int32_t *order = catalog_by_prior_ecpm(catalog);
    const struct ad *ads;
    int n, active = 0;
    int32_t at = -1;

    ads = catalog_ads(catalog, &n);
    eligible_ads_move(eligible, now_ms);
    for (int i = 0; i < n; i++) {
        if (!ad_active(&ads[order[i]], now_ms))
            continue;
        at = eligible_ads_next(eligible, at + 1);
        if (at != i)
            FAIL("at %lld: %d, want %d", (long long)now_ms, at, i);
        active++;
    }
    CHECK_INT(eligible_ads_next(eligible, at + 1), -1);
    CHECK_INT(catalog_eligible(catalog, now_ms), active);
}

TEST(eligible_ads__are_those_that_are_active)
{
    static const int sizes[] = {0, 1, 2, 63, 64, 65, 300, 4096, 4097, 9000};
    struct eligible_ads *eligible, *copy;
    struct catalog *catalog;
    struct rng rng;
    struct err err;

    rng_init(&rng, 11);
    for (int s = 0; s < COUNT(sizes); s++) {
        test_row("%d ads", sizes[s]);
        catalog = random_catalog(&rng, sizes[s], 40);
        CHECK_OK(eligible_ads_new(catalog, 20, &eligible, &err), err);
        copy = eligible_ads_copy(eligible);
        CHECK(copy);
        for (int64_t t = 0; t < 90; t++) /* as a clock goes, then as one that is set goes */
            check_at(catalog, eligible, t);
        for (int round = 0; round < 40; round++)
            check_at(catalog, eligible, (int64_t)rng_below(&rng, 90));
        check_at(catalog, copy, 21);
        eligible_ads_free(copy);
        eligible_ads_free(eligible);
        catalog_unref(catalog);
    }
}

TEST(eligible_ads__know_the_ends_of_time)
{
    const char *lines = js("{'adid':'a','title':'t','bid':1,'start':0}\n"
                           "{'adid':'b','title':'t','bid':1,'end':%lld}\n"
                           "{'adid':'c','title':'t','bid':1,'start':%lld}\n"
                           "{'adid':'d','title':'t','bid':1,'end':1}\n",
                           (long long)INT64_MAX, (long long)INT64_MAX - 1);
    struct catalog *catalog = parse(lines);
    struct eligible_ads *eligible;
    struct err err;

    CHECK_OK(eligible_ads_new(catalog, 0, &eligible, &err), err);
    check_at(catalog, eligible, 0);
    check_at(catalog, eligible, 1);
    check_at(catalog, eligible, INT64_MAX - 1);
    check_at(catalog, eligible, 0);
    eligible_ads_free(eligible);
    catalog_unref(catalog);
}

/* What ends at midnight ends 64 at once: moving on costs words, not ads. */
TEST(eligible_ads__take_neighbours_at_once)
{
    struct catalog *catalog = parse(js_repeat(64000, "{'adid':'#','title':'t','bid':1,'end':5}\n"));

    CHECK_INT(catalog_schedule(catalog)->n_turns, 1000);
    catalog_unref(catalog);
}
