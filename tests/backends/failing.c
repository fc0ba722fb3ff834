/*
 * As null, except for what the file named by ADRANK_FAILING_FILE requests. It holds words,
 * separated by blanks, and is reread each time:
 *
 *   open (the device's), weight, embed, linear, attention, norm, pool, head, download, finish,
 *     query: that operation fails
 *   submit: the launch (begin) fails
 *   hang: no batch completes while the word is present; after the first such batch, the file with
 *     ".hangs" appended to its name appears
 *   nan: every logit is NaN
 *   nan_first: the first logit of each batch is NaN, the others are correct
 *
 * No file, or an empty one: nothing fails.
 *
 * Once an operation on a lane has failed the device is broken, and any call but those that close or
 * free kills the process: see kernels/backend.h, Errors.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "tests/backends/null_ops.h"

static bool asked_to(const char *word)
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
    if (!asked_to(word))
        return 0;
    return err_set(err, ERR_INTERNAL, "failing: %s fails, as requested", word);
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

/* As fail_if, for an operation on a lane. */
static int fail_on(struct lane *lane, const char *word, struct err *err)
{
    struct device *device = lane->session->device;

    BUG_ON(device->broken);
    device->broken = fail_if(word, err) != 0;
    return device->broken ? -1 : 0;
}

static int failing_device_open(const char *name, struct device **out, struct err *err)
{
    if (asked_to("open"))
        return err_set(err, ERR_UNAVAILABLE, "failing: open fails, as requested");
    return null_device_open(name, out, err);
}

static int failing_weight_new(struct session *session, const struct linear_spec *spec, int max_rows,
                              struct linear_weight **out, struct err *err)
{
    return fail_if("weight", err) || null_weight_new(session, spec, max_rows, out, err) ? -1 : 0;
}

static int failing_begin(struct lane *lane, const struct slice *slice, const struct pass *pass,
                         struct err *err)
{
    return fail_on(lane, "submit", err) || null_begin(lane, slice, pass, err) ? -1 : 0;
}

#define FAILS(operation, word)                                                                     \
    static int failing_##operation(struct lane *lane, const struct operation##_args *args,         \
                                   struct err *err)                                                \
    {                                                                                              \
        (void)args;                                                                                \
        return fail_on(lane, word, err);                                                           \
    }

FAILS(embed, "embed")
FAILS(linear, "linear")
FAILS(attention, "attention")
FAILS(residual_norm, "norm")
FAILS(pool, "pool")

static int failing_head(struct lane *lane, const struct head_args *args, struct err *err)
{
    const int n = args->n_rows * args->labels;
    float *logits = args->logits;

    if (fail_on(lane, "head", err) || null_head(lane, args, err))
        return -1;
    if (asked_to("nan"))
        for (int i = 0; i < n; i++)
            logits[i] = NAN;
    else if (n > 0 && asked_to("nan_first"))
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
    if (!asked_to("hang"))
        return null_query(lane, err);
    show_hanging();
    return 0;
}

static const struct backend_ops failing_ops = {
    NULL_FACTS("failing"),
    OWNERS(null),
    OPERATIONS(failing),
    .device_open = failing_device_open,
    .weight_new = failing_weight_new,
    .weight_step = null_weight_step,
    .weight_free = null_weight_free,
    .begin = failing_begin,
    .download = failing_download,
    .finish = failing_finish,
    .query = failing_query,
};

extern const struct backend_module adrank_backend;
const struct backend_module adrank_backend = {BACKEND_ABI, &failing_ops};
