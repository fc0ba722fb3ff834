/* The rows of section "batch". */
#include "server/batch/executor_options.h"

#define INT(member_, min_, max_) OPTION_ROW_INT(executor_options, member_, min_, max_)

/* clang-format off */
static const struct option_row rows[] = {
    {INT(max_tokens, 64, 1048576), .fallback = "8192", .help = "maximum tokens in a forward pass"},
    {INT(max_queue, 1, BATCH_MAX_QUEUE), .fallback = "256", .help = "maximum queued jobs"},
};
/* clang-format on */

const struct option_section executor_section = OPTION_SECTION("batch", rows);
