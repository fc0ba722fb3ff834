/* A catalog file. What is accepted can be looked up and is in order; what is not leaves problems.
 */
#include "adrank/catalog.h"

#include "market/eligible_ads.h"
#include "tests/fuzz/fuzz.h"

static void check_catalog(const struct catalog *catalog)
{
    const int32_t *order = catalog_by_prior_ecpm(catalog);
    const struct ad *ads;
    int n;

    ads = catalog_ads(catalog, &n);
    for (int i = 0; i < n; i++) {
        check(ads[i].index == i && catalog_find(catalog, ads[i].adid) == &ads[i]);
        check(ads[i].title.len && ads[i].text.len >= ads[i].title.len && ads[i].bid >= 0);
        check(ads[i].item.len == 0 || catalog_item_text(catalog, ads[i].item).len > 0);
        check(order[i] >= 0 && order[i] < n);
    }
}

/* Whatever starts and ends: at some times, forwards and back. */
static void check_eligible(const struct catalog *catalog)
{
    static const int64_t times[] = {0, 1, 1000, INT64_C(1790000000000), INT64_MAX - 1, 999, 0};
    const int32_t *order = catalog_by_prior_ecpm(catalog);
    struct eligible_ads *eligible;
    const struct ad *ads;
    struct err err;
    int n;

    ads = catalog_ads(catalog, &n);
    if (eligible_ads_new(catalog, 0, &eligible, &err))
        return;
    for (size_t t = 0; t < sizeof(times) / sizeof(times[0]); t++) {
        int n_active = 0;
        int32_t at = -1;

        eligible_ads_move(eligible, times[t]);
        for (int i = 0; i < n; i++) {
            if (!ad_active(&ads[order[i]], times[t]))
                continue;
            n_active++;
            at = eligible_ads_next(eligible, at + 1);
            check(at == i);
        }
        check(eligible_ads_next(eligible, at + 1) == -1);
        check(catalog_eligible(catalog, times[t]) == n_active);
    }
    eligible_ads_free(eligible);
}

static void fuzz(struct view input)
{
    struct catalog *catalog;
    struct problems problems;
    struct arena arena;
    struct err err;

    arena_init(&arena, 1024, 0);
    problems_init(&problems, &arena, 4);
    if (catalog_parse("fuzz", input, &problems, &catalog, &err) == 0) {
        check(problems.n == 0);
        check_catalog(catalog);
        check_eligible(catalog);
        catalog_unref(catalog);
    } else {
        check(err.code != ERR_DATA || problems.n > 0);
    }
    arena_release(&arena);
}
