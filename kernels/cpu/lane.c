/* A lane of the CPU: one thread's scratch, and the slice that it works on. */
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/carve.h"
#include "kernels/cpu/cpu.h"

void cpu_lane_close(struct lane *lane)
{
    if (!lane)
        return;
    lane->session->linear->lane_close(lane->linear);
    free(lane->scratch);
    free(lane);
}

/* One allocation, carved by one table. It is not cleared: pages that are never needed are never
 * touched. */
static int make_scratch(struct lane *lane, struct err *err)
{
    const size_t tokens = (size_t)lane->max_tokens, hidden = (size_t)lane->max_hidden;
    const size_t rounded_tokens = (size_t)simd_round(lane->max_tokens);
    const size_t rounded_hidden = (size_t)simd_round(lane->max_hidden);
    const struct carve_part parts[] = {
        {&lane->parent.keys, rounded_tokens * hidden * sizeof(float)},
        {&lane->parent.values, tokens * rounded_hidden * sizeof(float)},
        {&lane->own.keys, rounded_tokens * hidden * sizeof(float)},
        {&lane->own.values, tokens * rounded_hidden * sizeof(float)},
        {&lane->gathered_k, tokens * hidden * sizeof(float)},
        {&lane->gathered_v, tokens * hidden * sizeof(float)},
        {&lane->queries, SIMD_ROWS * rounded_hidden * sizeof(float)},
        {&lane->mixed, SIMD_ROWS * rounded_hidden * sizeof(float)},
        {&lane->scores, SIMD_ROWS * 2 * rounded_tokens * sizeof(float)},
        {&lane->row, hidden * sizeof(float)},
    };
    const size_t n = sizeof(parts) / sizeof(parts[0]), bytes = carve(parts, n, NULL);

    lane->scratch = aligned_alloc(64, bytes);
    if (!lane->scratch)
        return err_set(err, ERR_NOMEM, "cpu: out of memory for a lane of %zu bytes", bytes);
    carve(parts, n, lane->scratch);
    return 0;
}

int cpu_lane_open(struct session *session, int max_tokens, int max_hidden, struct lane **out,
                  struct err *err)
{
    struct lane *lane = calloc(1, sizeof(*lane));

    BUG_ON(max_tokens < 1 || max_hidden < 1);
    if (!lane)
        return err_set(err, ERR_NOMEM, "cpu: out of memory");
    lane->session = session;
    lane->max_tokens = max_tokens;
    lane->max_hidden = max_hidden;
    if (make_scratch(lane, err) ||
        session->linear->lane_open(session->provider, &lane->linear, err)) {
        cpu_lane_close(lane);
        return -1;
    }
    *out = lane;
    return 0;
}

int cpu_begin(struct lane *lane, const struct slice *slice, const struct pass *pass,
              struct err *err)
{
    (void)pass;
    (void)err;
    BUG_ON(slice->n_tokens > lane->max_tokens);
    lane->slice = slice;
    return 0;
}

const float *lane_widen(const struct lane *lane, const void *operands, float *room, int n)
{
    if (lane->session->caps.precision == PRECISION_F32)
        return operands;
    lane->session->simd->from_bf16(room, operands, n);
    return room;
}

void lane_narrow(const struct lane *lane, void *operands, const float *row, int n)
{
    if (lane->session->caps.precision == PRECISION_BF16)
        lane->session->simd->to_bf16(operands, row, n);
    else if (operands != row)
        memcpy(operands, row, (size_t)n * sizeof(*row));
}
