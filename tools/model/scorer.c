/* Opens an engine for a model, and holds inputs with their logits. */
#include <stdio.h>
#include <stdlib.h>

#include "adrank/catalog.h"
#include "tools/model/command.h"

#define MAX_CATALOG_BYTES ((size_t)4 << 30)

int scorer_open(const struct options *options, struct model *model, int max_batch_tokens,
                int max_jobs, bool skip_golden, struct scorer *out, struct err *err)
{
    const struct launcher_args launcher = {.backend = options->backend,
                                           .ops = options->ops,
                                           .linear = options->linear,
                                           .threads = options->threads};
    const struct engine_args engine = {.model = model,
                                       .precision = options->precision,
                                       .gelu = options->gelu,
                                       .max_batch_tokens = max_batch_tokens,
                                       .max_batch_jobs = max_jobs,
                                       .skip_golden = skip_golden};

    *out = (struct scorer){0};
    if (launcher_open(&launcher, &out->launcher, err))
        return -1;
    if (engine_open(out->launcher, &engine, &out->engine, err)) {
        scorer_close(out);
        return -1;
    }
    if (engine_caps(out->engine)->note[0] && !options->quiet)
        fprintf(stderr, "adrank-model: %s\n", engine_caps(out->engine)->note);
    return 0;
}

int options_catalog(const struct options *options, struct catalog **out, struct err *err)
{
    if (!options->catalog)
        return 0;
    return catalog_open(options->catalog, MAX_CATALOG_BYTES, NULL, out, err);
}

void scorer_close(struct scorer *scorer)
{
    engine_close(scorer->engine);
    launcher_close(scorer->launcher);
    *scorer = (struct scorer){0};
}

int scored_reserve(struct scored *scored, const struct model *model, struct err *err)
{
    size_t width = (size_t)model_out_width(model);
    float *more;

    if (scored->input.n_read <= scored->room)
        return 0;
    more = reallocarray(scored->logits, (size_t)scored->input.n_read * width, sizeof(*more));
    if (!more)
        return err_set(err, ERR_NOMEM, "out of memory");
    scored->logits = more;
    scored->room = scored->input.n_read;
    return 0;
}

void scored_release(struct scored *scored)
{
    input_release(&scored->input);
    free(scored->logits);
}
