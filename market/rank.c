/* Ranking: pairs that pass currency and floor, sorted, then cut to top_n per imp. */
#include "market/rank.h"

#include <math.h>

#include "impression/ecpm.h"

const char *const rank_source_names[RANK_SOURCES] = {"model", "prior"};

static double clamp(double p)
{
    return p < 1e-7 ? 1e-7 : p > 1 - 1e-7 ? 1 - 1e-7 : p;
}

const double *rank_priors(const struct candidates *ads, double base_rate, struct arena *arena)
{
    double *pctr = arena_array(arena, (size_t)ads->n + 1, sizeof(*pctr));

    for (int i = 0; pctr && i < ads->n; i++) {
        const struct ad *ad = ads->items[i].ad;

        pctr[i] = clamp(ad && !isnan(ad->prior_ctr) ? ad->prior_ctr : base_rate);
    }
    return pctr;
}

/* ---- order ----------------------------------------------------------------------------------- */

typedef bool (*before_fn)(const struct rank_result *a, const struct rank_result *b);

static bool by_worth(const struct rank_result *a, const struct rank_result *b)
{
    if (a->ecpm != b->ecpm)
        return a->ecpm > b->ecpm;
    if (a->imp != b->imp)
        return a->imp < b->imp;
    return view_cmp(a->ad->adid, b->ad->adid) < 0;
}

static bool by_imp_then_worth(const struct rank_result *a, const struct rank_result *b)
{
    return a->imp != b->imp ? a->imp < b->imp : by_worth(a, b);
}

static bool by_imp_then_pos(const struct rank_result *a, const struct rank_result *b)
{
    return a->imp != b->imp ? a->imp < b->imp : a->pos < b->pos;
}

static void sift_down(struct rank_result *list, int at, int n, before_fn before)
{
    struct rank_result moved = list[at];

    for (int child = 2 * at + 1; child < n; at = child, child = 2 * at + 1) {
        if (child + 1 < n && before(&list[child], &list[child + 1]))
            child++;
        if (!before(&moved, &list[child]))
            break;
        list[at] = list[child];
    }
    list[at] = moved;
}

/* Heapsort: no two results are equal, so it need not be stable; qsort() may call malloc. */
static void sort(struct rank_result *list, int n, before_fn before)
{
    for (int i = n / 2 - 1; i >= 0; i--)
        sift_down(list, i, n, before);
    for (int i = n - 1; i > 0; i--) {
        struct rank_result last = list[i];

        list[i] = list[0];
        list[0] = last;
        sift_down(list, 0, i, before);
    }
}

/* ---- pairs ----------------------------------------------------------------------------------- */

/* A floor of 0 is the same in every currency. */
static bool floor_in_currency(const struct imp *imp, const char *currency)
{
    return imp->bidfloor == 0 || imp->bidfloorcur.len == 0 ||
           view_is_nocase(imp->bidfloorcur, currency);
}

/* All pairs that pass currency and floor. */
static int collect(const struct rank_args *args, struct ranked *out)
{
    int n = 0;

    for (int i = 0; i < args->request->n_imps; i++) {
        const struct imp *imp = &args->request->imps[i];

        if (!floor_in_currency(imp, args->currency)) {
            out->filtered[FILTERED_CURRENCY] += (uint32_t)args->ads->n;
            continue;
        }
        for (int a = 0; a < args->ads->n; a++) {
            const struct rank_ad *ad = &args->ads->items[a];
            double pctr = args->scores[i].pctr[a];
            double ecpm = ecpm_of(ad->bid_type, ad->bid, pctr, 0);

            if (!(ecpm >= imp->bidfloor)) {
                out->filtered[FILTERED_FLOOR]++;
                continue;
            }
            out->results[n++] = (struct rank_result){
                .imp = i, .ad = ad, .pctr = pctr, .ecpm = ecpm, .source = args->scores[i].source};
        }
    }
    return n;
}

/* The first top_n of each imp; results are sorted by imp, then worth. */
static void cut_each(struct ranked *out, int n, int top_n)
{
    int imp = -1, pos = 0;

    out->n = 0;
    for (int i = 0; i < n; i++) {
        struct rank_result result = out->results[i];

        pos = result.imp == imp ? pos + 1 : 1;
        imp = result.imp;
        if (pos > top_n)
            continue;
        result.pos = pos;
        out->results[out->n++] = result;
    }
}

/* Best pairs first: each takes its ad and a place of its imp, if both are still free. */
static int cut_greedily(const struct rank_args *args, struct arena *arena, struct ranked *out,
                        int n)
{
    bool *taken = arena_calloc(arena, (size_t)args->ads->n + 1, sizeof(*taken));
    int *places = arena_calloc(arena, (size_t)args->request->n_imps + 1, sizeof(*places));

    if (!taken || !places)
        return -1;
    out->n = 0;
    for (int i = 0; i < n; i++) {
        struct rank_result result = out->results[i];
        size_t ad = (size_t)(result.ad - args->ads->items);

        if (taken[ad] || places[result.imp] == args->top_n)
            continue;
        taken[ad] = true;
        result.pos = ++places[result.imp];
        out->results[out->n++] = result;
    }
    sort(out->results, out->n, by_imp_then_pos);
    return 0;
}

int rank_run(const struct rank_args *args, struct arena *arena, struct ranked *out, struct err *err)
{
    size_t pairs = (size_t)args->request->n_imps * (size_t)args->ads->n;
    int n;

    *out = (struct ranked){0};
    out->results = arena_array(arena, pairs + 1, sizeof(*out->results));
    if (!out->results)
        return err_set(err, ERR_NOMEM, "ranking: out of memory");
    for (int reason = 0; reason < FILTERED_REASONS; reason++)
        out->filtered[reason] = args->ads->filtered[reason] * (uint32_t)args->request->n_imps;
    n = collect(args, out);
    sort(out->results, n, args->unique_in_request ? by_worth : by_imp_then_worth);
    if (!args->unique_in_request)
        cut_each(out, n, args->top_n);
    else if (cut_greedily(args, arena, out, n))
        return err_set(err, ERR_NOMEM, "ranking: out of memory");
    return 0;
}
