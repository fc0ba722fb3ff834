/* The rows of section "batch". */
#include "server/batch/executor_options.h"

#define INT(member_, min_, max_) OPTION_ROW_INT(executor_options, member_, min_, max_)

/* clang-format off */
static const struct option_row rows[] = {
    {INT(max_tokens, 64, 1048576), .fallback = "8192", .help = "maximum tokens in a forward pass"},
    {INT(max_queue, 1, BATCH_MAX_QUEUE), .fallback = "256", .help = "maximum queued jobs"},
    {INT(hang_ms, 0, 600000), .fallback = "1000", .help = "a GPU's batch that takes longer than this, and than 20 times its estimate, counts as hung (model.on_device_failure); 0: never"},
};
/* clang-format on */

const struct option_section executor_section = OPTION_SECTION("batch", rows);
