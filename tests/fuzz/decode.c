/* A /rank body. What is accepted must be what CONTRACT 3 allows, and must read the same twice. */
#include "adrank/decode.h"

#include <math.h>

#include "base/utf8.h"
#include "tests/fuzz/fuzz.h"

static const struct decode_limits limits = {
    .max_imps = 4, .max_candidates = 8, .max_behaviour = 6, .max_top_n = 10};

static void check_view(struct view v)
{
    check(utf8_valid(v) && (v.len == 0 || !memchr(v.ptr, 0, v.len)));
}

static void check_views(struct views list)
{
    for (int i = 0; i < list.n; i++)
        check_view(list.items[i]);
}

static void check_id(struct view id)
{
    check_view(id);
    check(id.len <= DECODE_MAX_ID_BYTES);
}

static void check_lists(const struct impression_request *r)
{
    check(r->n_imps >= 1 && r->n_imps <= limits.max_imps);
    check(r->n_candidates <= limits.max_candidates && r->n_behaviours <= limits.max_behaviour);
    for (int i = 0; i < r->n_imps; i++) {
        check(r->imps[i].id.len && r->imps[i].bidfloor >= 0 && isfinite(r->imps[i].bidfloor));
        check_id(r->imps[i].id);
        check_id(r->imps[i].tagid);
    }
    for (int i = 0; i < r->n_candidates; i++) {
        check_id(r->candidates[i].adid);
        check(r->candidates[i].adid.len && !(r->candidates[i].bid < 0));
        check(r->candidates[i].bid_type >= -1 && r->candidates[i].bid_type < BID_TYPES);
        check_view(r->candidates[i].text);
    }
    for (int i = 0; i < r->n_behaviours; i++) {
        check(r->behaviours[i].t_ms >= 0 && r->behaviours[i].type < BEHAVIOUR_TYPES);
        check(r->behaviours[i].item.len || r->behaviours[i].text.len);
        check_id(r->behaviours[i].item);
        check_view(r->behaviours[i].text);
    }
}

static void check_request(const struct impression_request *r)
{
    check_view(r->id);
    check_view(r->user_id);
    check_view(r->os);
    check_view(r->search);
    check_views(r->cat);
    check_views(r->badv);
    check(r->badv.n <= DECODE_MAX_BADV && r->bcat.n <= DECODE_MAX_BCAT);
    check_views(r->bcat);
    check_views(r->cur);
    check(r->tmax_ms >= 0 && r->top_n >= 0 && r->top_n <= limits.max_top_n);
    check(r->utcoffset_min >= -1440 && r->utcoffset_min <= 1440);
    check(r->privacy >> PRIVACY_SIGNALS == 0 && r->ignored_imps >= 0);
    check_id(r->id);
    check_id(r->user_id);
    check_lists(r);
}

static enum decode_status decode(struct view body, struct impression_request *request)
{
    struct arena arena;
    struct problems problems;
    enum decode_status status;
    bool truncated = false;

    arena_init(&arena, 1024, 1 << 24);
    problems_init(&problems, &arena, 4);
    status = decode_request(body, &limits, &arena, request, &truncated, &problems);
    if (status == DECODE_OK)
        check_request(request);
    else if (status == DECODE_NOT_JSON)
        check(problems.n == 1 && *problems.items[0].pointer == 0);
    else if (status == DECODE_INVALID)
        check(problems.n >= 1);
    arena_release(&arena);
    return status;
}

static void fuzz(struct view input)
{
    char *body = malloc(input.len + DECODE_PADDING);
    struct impression_request first, second;
    enum decode_status status;

    check(body);
    if (input.len)
        memcpy(body, input.ptr, input.len);
    memset(body + input.len, '9', DECODE_PADDING);
    status = decode((struct view){body, input.len}, &first);
    memset(body + input.len, '"', DECODE_PADDING);
    check(decode((struct view){body, input.len}, &second) == status); /* padding does not matter */
    free(body);
}
