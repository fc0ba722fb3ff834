#include "server/rank/candidates.h"

#include <math.h>
#include <strings.h>

static bool same_ignoring_case(struct view a, struct view b)
{
    return a.len == b.len && (a.len == 0 || strncasecmp(a.ptr, b.ptr, a.len) == 0);
}

static struct view tail(struct view v, size_t len)
{
    return (struct view){v.ptr + v.len - len, len};
}

/* shop.example blocks shop.example and www.shop.example, not myshop.example. */
static bool domain_within(struct view domain, struct view blocked)
{
    if (blocked.len == 0 || domain.len < blocked.len)
        return false;
    if (!same_ignoring_case(tail(domain, blocked.len), blocked))
        return false;
    return domain.len == blocked.len || domain.ptr[domain.len - blocked.len - 1] == '.';
}

static bool category_within(struct view category, struct view blocked)
{
    if (blocked.len == 0 || category.len < blocked.len)
        return false;
    if (!same_ignoring_case((struct view){category.ptr, blocked.len}, blocked))
        return false;
    return category.len == blocked.len || category.ptr[blocked.len] == '-';
}

static bool any_within(const struct views *values, const struct views *blocked,
                       bool (*within)(struct view value, struct view blocked))
{
    for (int i = 0; i < values->n; i++)
        for (int j = 0; j < blocked->n; j++)
            if (within(values->items[i], blocked->items[j]))
                return true;
    return false;
}

bool rank_ad_blocked(const struct impression_request *request, const struct ad *ad)
{
    return any_within(&ad->adomain, &request->badv, domain_within) ||
           any_within(&ad->cat, &request->bcat, category_within);
}

/* The request takes only currencies it names; naming none takes any. */
static bool currency_taken(const struct impression_request *request, const char *currency)
{
    for (int i = 0; i < request->cur.n; i++)
        if (same_ignoring_case(request->cur.items[i], view_of(currency)))
            return true;
    return request->cur.n == 0;
}

/* FILTERED_REASONS: nothing speaks against it. */
static enum filtered_reason reason_against(const struct rank_ads_args *args,
                                           const struct rank_ad *ad)
{
    if (ad->ad && !ad_active(ad->ad, args->now_ms))
        return FILTERED_INACTIVE;
    if (ad->ad && rank_ad_blocked(args->request, ad->ad))
        return FILTERED_BLOCKED;
    if (!currency_taken(args->request, args->currency))
        return FILTERED_CURRENCY;
    if (isnan(ad->bid))
        return FILTERED_NO_BID;
    if (ad->bid_type == BID_CPA && !args->has_cvr)
        return FILTERED_NO_CVR;
    return FILTERED_REASONS;
}

static void take(const struct rank_ads_args *args, const struct rank_ad *ad, struct rank_ads *out)
{
    enum filtered_reason reason = reason_against(args, ad);

    if (reason == FILTERED_REASONS)
        out->items[out->n++] = *ad;
    else
        out->filtered[reason]++;
}

/* The request's bid wins; a bid without a type is a CPM, the catalog's type goes with the catalog's bid. */
static struct rank_ad resolve(const struct candidate *candidate, const struct ad *ad)
{
    struct rank_ad out = {.ad = ad, .adid = candidate->adid, .text = candidate->text, .bid = NAN};

    if (!isnan(candidate->bid)) {
        out.bid = candidate->bid;
        out.bid_type = candidate->bid_type >= 0 ? (enum bid_type)candidate->bid_type : BID_CPM;
    } else if (ad) {
        out.bid = ad->bid;
        out.bid_type = candidate->bid_type >= 0 ? (enum bid_type)candidate->bid_type : ad->bid_type;
    }
    return out;
}

static bool named_before(const struct candidate *candidates, int i)
{
    for (int j = 0; j < i; j++)
        if (view_eq(candidates[j].adid, candidates[i].adid))
            return true;
    return false;
}

static void take_named(const struct rank_ads_args *args, struct rank_ads *out)
{
    const struct impression_request *request = args->request;

    for (int i = 0; i < request->n_candidates; i++) {
        const struct candidate *candidate = &request->candidates[i];
        const struct ad *ad = catalog_find(args->catalog, candidate->adid);
        struct rank_ad resolved;

        if (!ad && candidate->text.len == 0) {
            out->filtered[FILTERED_UNKNOWN]++;
            continue;
        }
        if (named_before(request->candidates, i)) {
            out->filtered[FILTERED_DUPLICATE]++;
            continue;
        }
        resolved = resolve(candidate, ad);
        take(args, &resolved, out);
    }
}

static void take_catalog(const struct rank_ads_args *args, struct rank_ads *out)
{
    const int32_t *order = catalog_by_prior_ecpm(args->catalog);
    const struct ad *ads;
    int n;

    ads = catalog_ads(args->catalog, &n);
    for (int i = 0; i < n; i++) {
        const struct ad *ad = &ads[order[i]];
        struct rank_ad resolved = {
            .ad = ad, .adid = ad->adid, .bid = ad->bid, .bid_type = ad->bid_type};

        if (!ad_active(ad, args->now_ms))
            continue; /* nobody asked for it: not worth a count */
        if (out->n == args->max_candidates) {
            out->cut = true;
            return;
        }
        take(args, &resolved, out);
    }
}

int rank_ads_choose(const struct rank_ads_args *args, struct arena *arena, struct rank_ads *out,
                    struct err *err)
{
    const struct impression_request *request = args->request;
    int room = request->has_candidates ? request->n_candidates : args->max_candidates;

    *out = (struct rank_ads){0};
    out->items = arena_array(arena, (size_t)room + 1, sizeof(*out->items));
    if (!out->items)
        return err_set(err, ERR_NOMEM, "candidates: out of memory");
    if (request->has_candidates)
        take_named(args, out);
    else
        take_catalog(args, out);
    return 0;
}
