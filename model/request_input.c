/* Builds the input of a self-contained request. */
#include "model/request_input.h"

#include "adrank/behaviour.h"
#include "base/problems.h"

static const struct decode_limits limits = {
    .max_imps = 16, .max_candidates = 10000, .max_behaviour = 1000, .max_top_n = 1000};

void request_input_init(struct request_input *self)
{
    *self = (struct request_input){0};
    arena_init(&self->arena, 64 << 10, 0);
}

void request_input_release(struct request_input *self)
{
    catalog_unref(self->catalog);
    arena_release(&self->arena);
}

static int decode(struct request_input *self, struct view body, struct err *err)
{
    struct problems problems;
    char *padded;
    bool truncated;

    if (body.len > REQUEST_INPUT_MAX_BYTES)
        return err_set(err, ERR_DATA, "request: %zu bytes, at most %d are read", body.len,
                       REQUEST_INPUT_MAX_BYTES);
    arena_reset(&self->arena, SIZE_MAX);
    padded = arena_calloc(&self->arena, 1, body.len + DECODE_PADDING);
    if (!padded)
        return err_set(err, ERR_NOMEM, "request: out of memory");
    if (body.len)
        memcpy(padded, body.ptr, body.len);
    problems_init(&problems, &self->arena, 20);
    switch (decode_request((struct view){padded, body.len}, &limits, &self->arena, &self->request,
                           &truncated, &problems)) {
    case DECODE_OK:
        return 0;
    case DECODE_OUT_OF_MEMORY:
        return err_set(err, ERR_NOMEM, "request: out of memory");
    default:
        return problems_to_err(&problems, "request", ERR_DATA, err);
    }
}

static int find_ad(const struct request_input *self, int i, struct input_ad *out, struct err *err)
{
    const struct candidate *candidate = &self->request.candidates[i];

    out->text = candidate->text;
    if (out->text.len)
        return 0;
    if (!self->catalog)
        return err_set(err, ERR_DATA,
                       "request: /rank/candidates/%d/text: missing, there is no catalog", i);
    out->ad = catalog_find(self->catalog, candidate->adid);
    if (!out->ad)
        return err_set(err, ERR_DATA, "request: /rank/candidates/%d/adid: not in the catalog", i);
    return 0;
}

/* Texts of items that the catalog advertises. */
static int fill_behaviours(struct request_input *self, struct input_args *args, struct err *err)
{
    struct behaviour *own;

    if (!self->catalog || args->n_behaviours == 0)
        return 0;
    own = arena_array(&self->arena, (size_t)args->n_behaviours, sizeof(*own));
    if (!own)
        return err_set(err, ERR_NOMEM, "request: out of memory");
    for (int i = 0; i < args->n_behaviours; i++) {
        own[i] = args->behaviours[i];
        if (!own[i].text.len)
            own[i].text = catalog_item_text(self->catalog, own[i].item);
    }
    args->behaviours = own;
    return 0;
}

int request_input_build(struct request_input *self, const struct model *model, struct view body,
                        int64_t now_ms, struct input *out, struct err *err)
{
    struct input_args args = {.request = &self->request, .now_ms = now_ms};
    struct input_ad *ads;
    bool truncated;

    if (decode(self, body, err))
        return -1;
    args.imp = &self->request.imps[0];
    args.n_ads = self->request.n_candidates;
    args.ads = ads = arena_calloc(&self->arena, (size_t)args.n_ads + 1, sizeof(*ads));
    /* With a privacy signal set, no history is used (CONTRACT 3). */
    args.behaviours = behaviour_merge(
        NULL, 0, self->request.behaviours, self->request.privacy ? 0 : self->request.n_behaviours,
        limits.max_behaviour, &self->arena, &args.n_behaviours, &truncated);
    if (!ads || !args.behaviours)
        return err_set(err, ERR_NOMEM, "request: out of memory");
    if (fill_behaviours(self, &args, err))
        return -1;
    for (int i = 0; i < args.n_ads; i++)
        if (find_ad(self, i, &ads[i], err))
            return -1;
    if (args.n_ads == 0)
        return err_set(err, ERR_DATA, "request: /rank/candidates: none");
    return model_input(model, &args, &self->arena, out, &truncated, err);
}
