/* The CPU backend's own structs, shared by its files. */
#ifndef KERNELS_CPU_CPU_H
#define KERNELS_CPU_CPU_H

#include "kernels/backend.h"
#include "kernels/cpu/linear.h"
#include "kernels/cpu/simd.h"

struct device {
    struct device_caps caps;
    struct cpuid cpu;
    const struct simd *simd;
};

struct session {
    struct session_caps caps;
    const struct simd *simd;
    const struct linear_ops *linear;
    struct linear_provider *provider;
};

struct lane {
    struct session *session;
    const struct slice *slice; /* of the last begin */
    struct linear_lane *linear;
    int max_tokens, max_hidden;
    char *scratch; /* the pointers below point into it */
    struct simd_panel parent, own;
    float *gathered_k, *gathered_v; /* (max_tokens, D): a head's bf16 rows in f32 */
    float *queries, *mixed;         /* (SIMD_ROWS, D rounded) */
    float *scores;                  /* (SIMD_ROWS, two segments rounded) */
    float *row;                     /* (max_hidden) */
};

int cpu_lane_open(struct session *session, int max_tokens, int max_hidden, struct lane **out,
                  struct err *err);
void cpu_lane_close(struct lane *lane);
int cpu_begin(struct lane *lane, const struct slice *slice, const struct pass *pass,
              struct err *err);

/* A row of operands as f32: the row itself, or `room` filled from bf16. */
const float *lane_widen(const struct lane *lane, const void *operands, float *room, int n);
/* Converts a row of f32 to operands; does nothing if it is already in place. */
void lane_narrow(const struct lane *lane, void *operands, const float *row, int n);

static inline size_t lane_operands(const struct lane *lane, size_t n)
{
    return operand_size(lane->session->caps.precision, n);
}

int cpu_linear(struct lane *lane, const struct linear_args *args, struct err *err);
int cpu_embed(struct lane *lane, const struct embed_args *args, struct err *err);
int cpu_attention(struct lane *lane, const struct attention_args *args, struct err *err);
int cpu_residual_norm(struct lane *lane, const struct residual_norm_args *args, struct err *err);
int cpu_pool(struct lane *lane, const struct pool_args *args, struct err *err);
int cpu_head(struct lane *lane, const struct head_args *args, struct err *err);

#endif
