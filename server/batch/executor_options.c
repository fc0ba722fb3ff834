/* The rows of section "batch". */
#include "server/batch/executor_options.h"

#include "adrank/engine.h"

#define BATCH_TOKENS 8192 /* where the device has no choice of its own */

#define INT(member_, min_, max_) OPTION_ROW_INT(executor_options, member_, min_, max_)

/* clang-format off */
static const struct option_row rows[] = {
    {INT(max_tokens, 0, 1048576), .fallback = "0", .help = "maximum tokens in a forward pass, at least the model's longest input; 0 is the device's choice: 8192 on cpu, 32768 on cuda"},
    {INT(max_queue, 1, BATCH_MAX_QUEUE), .fallback = "256", .help = "maximum queued jobs"},
    {INT(hang_ms, 0, 600000), .fallback = "1000", .help = "a GPU's batch that takes longer than this, and than 20 times its estimate, counts as hung (model.on_device_failure); 0: never"},
};
/* clang-format on */

void executor_options_settle(struct executor_options *options, const struct device_caps *caps)
{
    if (!options->max_tokens)
        options->max_tokens = caps->batch_tokens ? caps->batch_tokens : BATCH_TOKENS;
}

const struct option_section executor_section = OPTION_SECTION("batch", rows);
