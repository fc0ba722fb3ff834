/* The table of steps. */
#include "server/request/steps.h"

static void nothing(struct request *r)
{
    (void)r;
}

const struct request_step request_steps[STEPS] = {
    [STEP_DECODE] = {"decode", step_decode, nothing, LATE_SKIPS},
    [STEP_GATE] = {"gate", step_gate, nothing, LATE_SKIPS},
    [STEP_FEATURES] = {"features", step_features, step_features_abandon, LATE_SKIPS},
    [STEP_CANDIDATES] = {"candidates", step_candidates, nothing, LATE_RUNS},
    [STEP_TOKENS] = {"tokens", step_tokens, step_tokens_abandon, LATE_SKIPS},
    [STEP_BATCH] = {"batch", step_batch, step_batch_abandon, LATE_SKIPS},
    [STEP_RANK] = {"rank", step_rank, nothing, LATE_RUNS},
    [STEP_ANSWER] = {"answer", step_answer, nothing, LATE_RUNS},
};
