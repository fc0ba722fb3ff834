/* Choosing the candidates: resolve each ad's bid, count why it cannot be shown, or take it. */
#include "market/candidates.h"

#include <math.h>

#include "market/blocks.h"

/* The request takes only currencies it names; naming none takes any. */
static bool currency_taken(const struct impression_request *request, const char *currency)
{
    for (int i = 0; i < request->cur.n; i++)
        if (view_is_nocase(request->cur.items[i], currency))
            return true;
    return request->cur.n == 0;
}

/* What one choice works with. */
struct choice {
    const struct candidates_args *args;
    struct blocks blocks;
    bool currency_taken;
    struct candidates *out;
};

/* FILTERED_REASONS: none. */
static enum filtered_reason reason_against(const struct choice *choice, const struct rank_ad *ad)
{
    if (ad->ad && !ad_active(ad->ad, choice->args->now_ms))
        return FILTERED_INACTIVE;
    if (ad->ad && blocks_hit(&choice->blocks, ad->ad))
        return FILTERED_BLOCKED;
    if (!choice->currency_taken)
        return FILTERED_CURRENCY;
    if (isnan(ad->bid))
        return FILTERED_NO_BID;
    if (ad->bid_type == BID_CPA && !choice->args->has_cvr)
        return FILTERED_NO_CVR;
    return FILTERED_REASONS;
}

static void take(const struct choice *choice, const struct rank_ad *ad)
{
    enum filtered_reason reason = reason_against(choice, ad);

    if (reason == FILTERED_REASONS)
        choice->out->items[choice->out->n++] = *ad;
    else
        choice->out->filtered[reason]++;
}

/* Bid and its type, each: the request's, else the catalog's; the type defaults to cpm. */
static struct rank_ad resolve(const struct candidate *candidate, const struct ad *ad)
{
    struct rank_ad out = {.ad = ad, .adid = candidate->adid, .text = candidate->text};

    out.bid = !isnan(candidate->bid) || !ad ? candidate->bid : ad->bid;
    out.bid_type = ad ? ad->bid_type : BID_CPM;
    if (candidate->bid_type >= 0)
        out.bid_type = (enum bid_type)candidate->bid_type;
    return out;
}

static int take_named(const struct choice *choice, struct arena *arena)
{
    const struct impression_request *request = choice->args->request;
    struct name_set named;

    if (name_set_init(&named, request->n_candidates, arena))
        return -1;
    for (int i = 0; i < request->n_candidates; i++) {
        const struct candidate *candidate = &request->candidates[i];
        const struct ad *ad = catalog_find(choice->args->catalog, candidate->adid);
        struct rank_ad resolved = resolve(candidate, ad);

        if (!ad && candidate->text.len == 0)
            choice->out->filtered[FILTERED_UNKNOWN]++;
        else if (!name_set_add(&named, candidate->adid))
            choice->out->filtered[FILTERED_DUPLICATE]++;
        else
            take(choice, &resolved);
    }
    return 0;
}

static void take_catalog(const struct choice *choice)
{
    const struct candidates_args *args = choice->args;
    const int32_t *order = catalog_by_prior_ecpm(args->catalog);
    int64_t looks = (int64_t)CANDIDATES_LOOKS * args->max_candidates;
    const struct ad *ads;
    int n;

    ads = catalog_ads(args->catalog, &n);
    eligible_ads_move(args->eligible, args->now_ms);
    for (int32_t i = eligible_ads_next(args->eligible, 0); i >= 0;
         i = eligible_ads_next(args->eligible, i + 1)) {
        const struct ad *ad = &ads[order[i]];
        struct rank_ad resolved = {
            .ad = ad, .adid = ad->adid, .bid = ad->bid, .bid_type = ad->bid_type};

        if (choice->out->n == args->max_candidates || looks-- == 0) {
            choice->out->cut = true;
            return;
        }
        take(choice, &resolved);
    }
}

int candidates_choose(const struct candidates_args *args, struct arena *arena,
                      struct candidates *out, struct err *err)
{
    const struct impression_request *request = args->request;
    int room = request->has_candidates ? request->n_candidates : args->max_candidates;
    struct choice choice = {
        .args = args, .currency_taken = currency_taken(request, args->currency), .out = out};

    *out = (struct candidates){0};
    out->items = arena_array(arena, (size_t)room + 1, sizeof(*out->items));
    if (!out->items || blocks_init(&choice.blocks, request, arena))
        return err_set(err, ERR_NOMEM, "candidates: out of memory");
    if (!request->has_candidates)
        take_catalog(&choice);
    else if (take_named(&choice, arena))
        return err_set(err, ERR_NOMEM, "candidates: out of memory");
    return 0;
}
