/* Any bytes, at once and in pieces: the same outcome, and nothing outside of them is touched. */
#include "server/net/http_reader.h"

#include "tests/fuzz/fuzz.h"
#include "tests/unit/server/net/http_run.h"

static const struct http_reader_limits limits = {
    .max_head_bytes = 512,
    .max_fields = 6,
    .max_body_bytes = 128,
};

static void check_outcome(const struct http_run *o)
{
    const struct http_reader *r = &o->reader;

    if (o->last == HTTP_REFUSED) {
        check(r->refusal.problem < PROBLEM_CODES && r->refusal.detail &&
              problem_kinds[r->refusal.problem].closes);
        return;
    }
    check(r->body.len <= limits.max_body_bytes && r->head.n_fields <= limits.max_fields);
    if (o->last != HTTP_DONE)
        return;
    check(r->body.start <= limits.max_head_bytes);
    check(r->end >= r->body.start + r->body.len && r->end <= o->len);
    for (uint32_t i = 0; i < r->head.n_fields; i++)
        check(r->head.fields[i].name.len > 0 &&
              r->head.fields[i].value.start + r->head.fields[i].value.len <= r->body.start);
}

static void compare(const struct http_run *a, const struct http_run *b)
{
    const struct http_reader *x = &a->reader, *y = &b->reader;

    check(a->last == b->last);
    if (a->last == HTTP_REFUSED)
        check(x->refusal.problem == y->refusal.problem && x->refusal.detail == y->refusal.detail);
    if (a->last != HTTP_DONE)
        return;
    check(a->len == b->len && x->end == y->end && x->head.n_fields == y->head.n_fields);
    check(x->body.start == y->body.start && x->body.len == y->body.len);
    check(memcmp(a->held, b->held, a->len) == 0);
}

static void fuzz(struct view input)
{
    struct http_run whole, pieces;
    struct rng rng;

    if (input.len == 0)
        return;
    rng_init(&rng, input.len * 257 + (unsigned char)input.ptr[input.len - 1]);
    http_run_begin(&whole, &limits);
    http_run_all(&whole, input, input.len, NULL);
    http_run_begin(&pieces, &limits);
    http_run_all(&pieces, input, input.len, &rng);
    check_outcome(&whole);
    check_outcome(&pieces);
    compare(&whole, &pieces);
    free(whole.held);
    free(pieces.held);
}
