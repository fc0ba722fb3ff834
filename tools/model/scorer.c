#include <stdio.h>

#include "tools/model/command.h"

int scorer_open(const struct options *options, struct model *model, int max_batch_tokens,
                int max_jobs, bool skip_golden, struct scorer *out, struct err *err)
{
    const struct device_args device = {
        .backend = options->backend, .linear = options->linear, .threads = options->threads};
    const struct engine_args engine = {.model = model,
                                       .precision = options->precision,
                                       .max_batch_tokens = max_batch_tokens,
                                       .max_batch_jobs = max_jobs,
                                       .skip_golden = skip_golden};

    *out = (struct scorer){0};
    if (device_open(&device, &out->device, err))
        return -1;
    if (engine_open(out->device, &engine, &out->engine, err)) {
        scorer_close(out);
        return -1;
    }
    if (engine_caps(out->engine)->note[0] && !options->quiet)
        fprintf(stderr, "adrank-model: %s\n", engine_caps(out->engine)->note);
    return 0;
}

void scorer_close(struct scorer *scorer)
{
    engine_close(scorer->engine);
    device_close(scorer->device);
    *scorer = (struct scorer){0};
}
