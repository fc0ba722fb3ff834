/* Looks for unlikely values, and writes the warnings. */
#include "impression/catalog_doubts.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "impression/domain.h"
#include "impression/time_unit.h"

#define BEFORE_2001_MS INT64_C(978307200000)
#define OUTLIER 1000 /* times the median */
#define HIGH_RATE 0.5
#define TEXT_BYTES 192
#define QUOTED_BYTES 64 /* of a quoted value */

/* What is usual in this catalog. */
struct norms {
    double median_bid[BID_TYPES]; /* of those above 0; 0: there is none */
};

/* Whether something about the ad is doubtful; text then describes it. */
typedef bool (*doubt_fn)(const struct ad *ad, const struct norms *norms, char text[TEXT_BYTES]);

/* ---- times ----------------------------------------------------------------------------------- */

static bool doubt_time(const char *name, int64_t t, char text[TEXT_BYTES])
{
    const char *unit = time_wrong_unit(t);

    if (time_is_plausible_s(t / 1000))
        return false;
    if (unit)
        snprintf(text, TEXT_BYTES, "/%s: %" PRId64 " looks like %s; unix milliseconds are expected",
                 name, t, unit);
    else
        snprintf(text, TEXT_BYTES, "/%s: %" PRId64 " is %s; unix milliseconds are expected", name,
                 t, t < BEFORE_2001_MS ? "before 2001" : "after 2100");
    return true;
}

/* Some catalogs write 0 for no start. */
static bool doubt_start(const struct ad *ad, const struct norms *norms, char text[TEXT_BYTES])
{
    (void)norms;
    return ad->start_ms != 0 && doubt_time("start", ad->start_ms, text);
}

static bool doubt_end(const struct ad *ad, const struct norms *norms, char text[TEXT_BYTES])
{
    (void)norms;
    return ad->end_ms != INT64_MAX && doubt_time("end", ad->end_ms, text);
}

/* ---- numbers --------------------------------------------------------------------------------- */

static bool doubt_bid(const struct ad *ad, const struct norms *norms, char text[TEXT_BYTES])
{
    const double median = norms->median_bid[ad->bid_type];

    if (median == 0 || ad->bid < OUTLIER * median)
        return false;
    snprintf(text, TEXT_BYTES, "/bid: %.9g is %.0f times the median of the %s bids, %.9g", ad->bid,
             floor(ad->bid / median), bid_type_names[ad->bid_type], median);
    return true;
}

static bool doubt_prior(const struct ad *ad, const struct norms *norms, char text[TEXT_BYTES])
{
    (void)norms;
    if (isnan(ad->prior_ctr) || (ad->prior_ctr > 0 && ad->prior_ctr <= HIGH_RATE))
        return false;
    if (ad->prior_ctr == 0)
        snprintf(text, TEXT_BYTES, "/prior_ctr: 0 means that the ad is never clicked");
    else
        snprintf(text, TEXT_BYTES,
                 "/prior_ctr: %.9g is too high for a click-through rate; a fraction "
                 "is expected, not a percentage",
                 ad->prior_ctr);
    return true;
}

/* ---- texts ----------------------------------------------------------------------------------- */

/* Length of a blank prefix: ASCII, no-break space, ideographic space, zero-width space, byte order
 * mark. */
static size_t blank_len(const char *p, size_t left)
{
    static const char *const others[] = {"\xc2\xa0", "\xe3\x80\x80", "\xe2\x80\x8b",
                                         "\xef\xbb\xbf"};

    if ((unsigned char)*p <= ' ')
        return 1;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (strlen(others[i]) <= left && memcmp(p, others[i], strlen(others[i])) == 0)
            return strlen(others[i]);
    return 0;
}

static bool doubt_text(const struct ad *ad, const struct norms *norms, char text[TEXT_BYTES])
{
    size_t at = 0, step;

    (void)norms;
    while (at < ad->text.len && (step = blank_len(ad->text.ptr + at, ad->text.len - at)) > 0)
        at += step;
    if (at < ad->text.len)
        return false;
    snprintf(text, TEXT_BYTES, "/title: blank: the model has no text to read");
    return true;
}

static bool in_label(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
}

/* Two labels or more (RFC 1035) are left of it by what makes domains comparable. */
static bool is_domain(struct view text)
{
    char name[DOMAIN_MAX_BYTES];
    size_t len = domain_normalize(text, name), at = 0;
    int labels = 0;

    while (at < len) {
        const size_t label = at;

        while (at < len && in_label(name[at]))
            at++;
        if (at == label || at - label > 63)
            return false;
        labels++;
        if (at == len)
            return labels > 1;
        if (name[at++] != '.')
            return false;
    }
    return false;
}

static bool doubt_domain(const struct ad *ad, const struct norms *norms, char text[TEXT_BYTES])
{
    (void)norms;
    for (int i = 0; i < ad->adomain.n; i++) {
        struct view name = ad->adomain.items[i];

        if (is_domain(name))
            continue;
        if (name.len > QUOTED_BYTES)
            name.len = QUOTED_BYTES;
        name.len = utf8_valid_len(name); /* no partial character */
        snprintf(text, TEXT_BYTES, "/adomain/%d: \"%.*s\" is not a domain", i, VIEW_ARG(name));
        return true;
    }
    return false;
}

static const struct {
    const char *pointer;
    doubt_fn doubt;
} kinds[] = {
    {"/start", doubt_start},     {"/end", doubt_end},    {"/bid", doubt_bid},
    {"/prior_ctr", doubt_prior}, {"/title", doubt_text}, {"/adomain", doubt_domain},
};
#define KINDS (int)(sizeof(kinds) / sizeof(kinds[0]))

/* ---- what is usual --------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static int find_norms(const struct ad_table *table, struct norms *norms)
{
    double *bids = malloc(((size_t)table->n_ads + 1) * sizeof(*bids));

    if (!bids)
        return -1;
    for (int type = 0; type < BID_TYPES; type++) {
        size_t n = 0;

        for (int32_t i = 0; i < table->n_ads; i++)
            if ((int)table->ads[i].bid_type == type && table->ads[i].bid > 0)
                bids[n++] = table->ads[i].bid;
        qsort(bids, n, sizeof(*bids), by_value);
        norms->median_bid[type] = n ? bids[(n - 1) / 2] : 0;
    }
    free(bids);
    return 0;
}

/* ---- the list -------------------------------------------------------------------------------- */

struct list {
    struct view *items; /* has room for all */
    int n;
};

static int add(struct list *list, const char *text)
{
    list->items[list->n++] = view_of(text);
    return text ? 0 : -1;
}

static int find_kind(const struct ad_table *table, int kind, const struct norms *norms,
                     struct arena *arena, struct list *out)
{
    char text[TEXT_BYTES];
    int n = 0;

    for (int32_t i = 0; i < table->n_ads; i++) {
        if (!kinds[kind].doubt(&table->ads[i], norms, text))
            continue;
        if (n++ < CATALOG_DOUBTS_SHOWN &&
            add(out, arena_printf(arena, "line %d: %s", table->lines[i], text)))
            return -1;
    }
    if (n <= CATALOG_DOUBTS_SHOWN)
        return 0;
    n -= CATALOG_DOUBTS_SHOWN;
    return add(out, arena_printf(arena, "%s: %d more line%s like these", kinds[kind].pointer, n,
                                 n == 1 ? "" : "s"));
}

int catalog_doubts_find(const struct ad_table *table, struct arena *arena, struct views *out,
                        struct err *err)
{
    const size_t most = (size_t)KINDS * (CATALOG_DOUBTS_SHOWN + 1);
    struct list list = {.items = arena_array(arena, most, sizeof(*list.items))};
    struct norms norms;

    if (!list.items || find_norms(table, &norms))
        return err_set(err, ERR_NOMEM, "out of memory");
    for (int kind = 0; kind < KINDS; kind++)
        if (find_kind(table, kind, &norms, arena, &list))
            return err_set(err, ERR_NOMEM, "out of memory");
    *out = (struct views){list.items, list.n};
    return 0;
}
