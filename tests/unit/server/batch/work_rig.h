/* Work of known cost for the tests of queue, gate, pick and schedule: 100 us and 1 us a token, in
 * batches of up to 1,000 tokens. */
#ifndef TESTS_UNIT_SERVER_BATCH_WORK_RIG_H
#define TESTS_UNIT_SERVER_BATCH_WORK_RIG_H

#include "server/batch/queue.h"

static inline void rig_cost(struct cost *cost)
{
    cost_init(cost, &(struct engine_cost){.fixed_us = 100, .per_token_us = 1}, 10, 1000);
    cost->ratio = 1;
}

static inline void rig_work(struct work *work, int64_t arrival_us, int64_t deadline_us,
                            int64_t tokens, struct cost *cost, const struct batch_options *options)
{
    *work = (struct work){.arrival_us = arrival_us, .deadline_us = deadline_us, .cost = cost};
    work_prepare(work, &(struct input_shape){.tokens = tokens}, 1 + (int)(tokens - 1) / 1000,
                 options);
}

#endif
