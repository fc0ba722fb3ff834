/* A decoded body with everything that it needs, for the tests of the decoder. */
#ifndef TESTS_UNIT_IMPRESSION_DECODED_H
#define TESTS_UNIT_IMPRESSION_DECODED_H

#include "adrank/decode.h"
#include "tests/js.h"
#include "tests/test.h"
#include "tests/unit/json/padded.h"

static struct decode_limits limits = {
    .max_imps = 3, .max_candidates = 4, .max_behaviour = 3, .max_top_n = 10};
static size_t max_problem_bytes; /* 0: at most 16 problems */

/* The last body that was decoded. */
static struct {
    struct padded body;
    struct arena arena;
    struct impression_request request;
    struct problems problems;
    bool truncated;
    enum decode_status status;
} d;

static inline void decode(struct view body)
{
    arena_release(&d.arena);
    padded_free(&d.body);
    memset(&d, 0, sizeof(d));
    d.body = padded_new(body);
    arena_init(&d.arena, max_problem_bytes ? 32 << 10 : 4096, 0);
    if (max_problem_bytes)
        problems_init_bytes(&d.problems, &d.arena, max_problem_bytes);
    else
        problems_init(&d.problems, &d.arena, 16);
    d.status =
        decode_request(d.body.text, &limits, &d.arena, &d.request, &d.truncated, &d.problems);
}

/* Decodes printf() with ' for ", which is accepted. */
__attribute__((format(printf, 1, 2))) static inline void decode_ok(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    decode(view_of(vjs(fmt, ap)));
    va_end(ap);
    if (d.status != DECODE_OK)
        FAIL("status %d: %s: %s", (int)d.status, d.problems.items[0].pointer,
             d.problems.items[0].detail);
}

/* Decodes head, n times what, tail, with ' for ". */
static inline void decode_repeated(const char *head, const char *what, int n, const char *tail)
{
    test_row("%s, %d of %s", head, n, what);
    decode(view_of(js("%s%s%s", head, js_repeat(n, what), tail)));
}

/* ---- what a request holds, as text ----------------------------------------------------------- */

static inline void show(struct buf *out, const char *name, struct view v)
{
    if (v.len)
        buf_printf(out, " %s=%.*s", name, VIEW_ARG(v));
}

static inline void show_int(struct buf *out, const char *name, int64_t v, int64_t absent)
{
    if (v != absent)
        buf_printf(out, " %s=%lld", name, (long long)v);
}

static inline void show_list(struct buf *out, const char *name, const struct views *list)
{
    buf_add_str(out, list->n ? " " : "");
    buf_add_str(out, list->n ? name : "");
    for (int i = 0; i < list->n; i++)
        buf_printf(out, "%c%.*s", i ? ',' : '=', VIEW_ARG(list->items[i]));
}

static inline void show_lists(struct buf *out, const struct impression_request *r)
{
    for (const struct imp *imp = r->imps; imp < r->imps + r->n_imps; imp++) {
        buf_printf(out, " [imp %.*s", VIEW_ARG(imp->id));
        show(out, "tagid", imp->tagid);
        if (imp->bidfloor != 0)
            buf_printf(out, " bidfloor=%.15g", imp->bidfloor);
        show(out, "bidfloorcur", imp->bidfloorcur);
        buf_add_str(out, "]");
    }
    for (const struct behaviour *b = r->behaviours; b < r->behaviours + r->n_behaviours; b++) {
        buf_printf(out, " [%s %lld", behaviour_type_names[b->type], (long long)b->t_ms);
        show(out, "item", b->item);
        show(out, "text", b->text);
        buf_add_str(out, "]");
    }
    if (r->has_candidates)
        buf_printf(out, " %d candidates", r->n_candidates);
    for (const struct candidate *c = r->candidates; c < r->candidates + r->n_candidates; c++) {
        buf_printf(out, " [%.*s", VIEW_ARG(c->adid));
        if (!isnan(c->bid))
            buf_printf(out, " bid=%.15g", c->bid);
        if (c->bid_type != -1)
            buf_printf(out, " %s", bid_type_names[c->bid_type]);
        show(out, "text", c->text);
        buf_add_str(out, "]");
    }
}

/* Everything in the last request that is not absent, in the order of the struct. */
static inline const char *shown(void)
{
    static const char *const signals[PRIVACY_SIGNALS] = {
        " gdpr", " consent", " us_privacy", " gpp", " gpp_sid",
        " gpc",  " coppa",   " lmt",        " dnt", " regs"};
    const struct impression_request *r = &d.request;
    struct buf *out = js_buf();

    show(out, "id", r->id);
    show_int(out, "tmax", r->tmax_ms, 0);
    show(out, "user", r->user_id);
    for (int i = 0; i < PRIVACY_SIGNALS; i++)
        buf_add_str(out, r->privacy & 1u << i ? signals[i] : "");
    show_int(out, "devicetype", r->devicetype, -1);
    show(out, "os", r->os);
    show(out, "language", r->language);
    show(out, "country", r->country);
    show(out, "city", r->city);
    show_int(out, "utcoffset", r->utcoffset_min, r->has_utcoffset ? INT64_MIN : 0);
    show(out, "domain", r->domain);
    show_list(out, "cat", &r->cat);
    show(out, "search", r->search);
    show_lists(out, r);
    show_list(out, "badv", &r->badv);
    show_list(out, "bcat", &r->bcat);
    show_list(out, "cur", &r->cur);
    show_int(out, "top_n", r->top_n, 0);
    show_int(out, "unknown", r->unknown_fields, 0);
    show_int(out, "ignored_imps", r->ignored_imps, 0);
    buf_add_str(out, r->ignored_site ? " ignored_site" : "");
    buf_add_str(out, d.truncated ? " truncated" : "");
    return buf_str(out) + 1;
}

/* Rows of a body, with ' for ", and what it holds. */
static inline void check_shown(const char *const rows[][2], int n)
{
    for (int i = 0; i < n; i++) {
        test_row("%s", rows[i][0]);
        decode_ok("%s", rows[i][0]);
        CHECK_STR(shown(), rows[i][1]);
    }
}

#endif
