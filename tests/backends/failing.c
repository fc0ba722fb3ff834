/*
 * As null, until the file that ADRANK_FAILING_FILE names says otherwise. It holds words, separated
 * by blanks, and is read anew each time:
 *
 *   open (the device's), weight, embed, linear, attention, norm, pool, head, download, finish,
 *     query: that operation fails
 *   submit: the launch (begin) fails
 *   hang: no batch completes while the word is there; once one did not, the file with ".hangs"
 *     behind its name appears
 *   nan: every logit is NaN
 *   nan_first: the first logit of each batch is NaN, the others are right
 *
 * No file, or an empty one: nothing fails.
 *
 * Once an operation on a lane has failed the device is broken, and any call but those that close or
 * free ends the process: kernels/backend.h, Errors.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "tests/backends/null_ops.h"

static bool told(const char *word)
{
    const char *path = getenv("ADRANK_FAILING_FILE");
    FILE *file = path ? fopen(path, "re") : NULL;
    char has[32];
    bool found = false;

    if (!file)
        return false;
    while (!found && fscanf(file, "%31s", has) == 1)
        found = strcmp(has, word) == 0;
    fclose(file);
    return found;
}

static int fail_if(const char *word, struct err *err)
{
    if (!told(word))
        return 0;
    return err_set(err, ERR_INTERNAL, "failing: %s fails, as it was told to", word);
}

static void show_hanging(void)
{
    char path[256];
    FILE *file;

    snprintf(path, sizeof(path), "%s.hangs", getenv("ADRANK_FAILING_FILE"));
    file = fopen(path, "we");
    if (file)
        fclose(file);
}

/* As fail_if, of an operation on a lane. */
static int fail_on(struct lane *lane, const char *word, struct err *err)
{
    struct device *device = lane->session->device;

    BUG_ON(device->broken);
    device->broken = fail_if(word, err) != 0;
    return device->broken ? -1 : 0;
}

static int failing_device_open(const char *name, struct device **out, struct err *err)
{
    if (told("open"))
        return err_set(err, ERR_UNAVAILABLE, "failing: open fails, as it was told to");
    return null_device_open(name, out, err);
}

static void *failing_host_alloc(struct device *device, size_t bytes, struct err *err)
{
    BUG_ON(device->broken);
    return null_host_alloc(device, bytes, err);
}

static int failing_session_open(struct device *device, const struct session_args *args,
                                struct session **out, struct err *err)
{
    BUG_ON(device->broken);
    return null_session_open(device, args, out, err);
}

static void *failing_alloc(struct session *session, size_t bytes, struct err *err)
{
    BUG_ON(session->device->broken);
    return null_alloc(session, bytes, err);
}

static int failing_upload(struct session *session, void *to, const void *from, size_t bytes,
                          struct err *err)
{
    BUG_ON(session->device->broken);
    return null_upload(session, to, from, bytes, err);
}

static int failing_weight_new(struct session *session, const struct linear_spec *spec, int max_rows,
                              struct linear_weight **out, struct err *err)
{
    BUG_ON(session->device->broken);
    return fail_if("weight", err) || null_weight_new(session, spec, max_rows, out, err) ? -1 : 0;
}

static int failing_lane_open(struct session *session, int max_tokens, int max_hidden,
                             struct lane **out, struct err *err)
{
    BUG_ON(session->device->broken);
    return null_lane_open(session, max_tokens, max_hidden, out, err);
}

static int failing_begin(struct lane *lane, const struct slice *slice, const struct pass *pass,
                         struct err *err)
{
    return fail_on(lane, "submit", err) || null_begin(lane, slice, pass, err) ? -1 : 0;
}

static int failing_embed(struct lane *lane, const struct embed_args *args, struct err *err)
{
    (void)args;
    return fail_on(lane, "embed", err);
}

static int failing_linear(struct lane *lane, const struct linear_args *args, struct err *err)
{
    (void)args;
    return fail_on(lane, "linear", err);
}

static int failing_attention(struct lane *lane, const struct attention_args *args, struct err *err)
{
    (void)args;
    return fail_on(lane, "attention", err);
}

static int failing_residual_norm(struct lane *lane, const struct residual_norm_args *args,
                                 struct err *err)
{
    (void)args;
    return fail_on(lane, "norm", err);
}

static int failing_pool(struct lane *lane, const struct pool_args *args, struct err *err)
{
    (void)args;
    return fail_on(lane, "pool", err);
}

static int failing_head(struct lane *lane, const struct head_args *args, struct err *err)
{
    const int n = args->n_rows * args->labels;
    float *logits = args->logits;

    if (fail_on(lane, "head", err) || null_head(lane, args, err))
        return -1;
    if (told("nan"))
        for (int i = 0; i < n; i++)
            logits[i] = NAN;
    else if (n > 0 && told("nan_first"))
        logits[0] = NAN;
    return 0;
}

static int failing_download(struct lane *lane, void *to, const void *from, size_t bytes,
                            struct err *err)
{
    return fail_on(lane, "download", err) || null_download(lane, to, from, bytes, err) ? -1 : 0;
}

static int failing_finish(struct lane *lane, struct err *err)
{
    return fail_on(lane, "finish", err) || null_finish(lane, err) ? -1 : 0;
}

static int failing_query(struct lane *lane, struct err *err)
{
    if (fail_on(lane, "query", err))
        return -1;
    if (!told("hang"))
        return null_query(lane, err);
    show_hanging();
    return 0;
}

static const struct backend_ops failing_ops = {
    .name = "failing",
    .device_open = failing_device_open,
    .device_close = null_device_close,
    .device_caps = null_device_caps,
    .host_alloc = failing_host_alloc,
    .host_free = null_host_free,
    .session_open = failing_session_open,
    .session_close = null_session_close,
    .session_caps = null_session_caps,
    .alloc = failing_alloc,
    .free = null_free,
    .upload = failing_upload,
    .weight_new = failing_weight_new,
    .weight_free = null_weight_free,
    .lane_open = failing_lane_open,
    .lane_close = null_lane_close,
    .begin = failing_begin,
    .embed = failing_embed,
    .linear = failing_linear,
    .attention = failing_attention,
    .residual_norm = failing_residual_norm,
    .pool = failing_pool,
    .head = failing_head,
    .download = failing_download,
    .finish = failing_finish,
    .query = failing_query,
};

extern const struct backend_module adrank_backend;
const struct backend_module adrank_backend = {BACKEND_ABI, &failing_ops};
