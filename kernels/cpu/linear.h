/*
 * The linear layer's provider: an interface below the CPU backend. An open backend uses a single
 * provider. "onednn" is for production; "plain" is portable C for machines that oneDNN does not
 * support and for tests.
 *
 *   provider  state created once per backend: library handles, primitives by shape
 *   weight    one packed matrix; read-only once made, shared by all lanes
 *   lane      scratch of one lane; one thread at a time
 *
 * open, close, weight_new, weight_free and lane_open, lane_close: one thread at a time, as in
 * backend.h. run may be active in other threads at the same time.
 */
#ifndef KERNELS_CPU_LINEAR_H
#define KERNELS_CPU_LINEAR_H

#include "kernels/backend.h"
#include "kernels/cpu/cpuid.h"

struct linear_provider;
struct linear_lane;

struct linear_ops {
    const char *name;
    /* Whether it is the preferred provider for this precision on this processor. */
    bool (*supports)(const struct cpuid *cpu, enum precision precision);
    /* text of at most size bytes: "oneDNN 2.6.3"; for struct session_caps */
    void (*describe)(char *text, size_t size);

    int (*open)(enum precision precision, struct linear_provider **out, struct err *err);
    void (*close)(struct linear_provider *provider);

    /* A linear_weight created by this provider. weight_free and lane_close accept NULL. */
    int (*weight_new)(struct linear_provider *provider, const struct linear_spec *spec,
                      struct linear_weight **out, struct err *err);
    void (*weight_free)(struct linear_provider *provider, struct linear_weight *weight);
    int (*width)(const struct linear_weight *weight); /* N */

    int (*lane_open)(struct linear_provider *provider, struct linear_lane **out, struct err *err);
    void (*lane_close)(struct linear_lane *lane);

    /* A row's bits depend on that row and the weight alone: not on n_rows, its position or the
     * lane. */
    int (*run)(struct linear_lane *lane, const struct linear_args *args, struct err *err);
};

extern const struct linear_ops linear_onednn, linear_plain;

/* By name, or by processor when name is "" or NULL. NULL: no such provider. */
const struct linear_ops *linear_choose(const char *name, const struct cpuid *cpu,
                                       enum precision precision);

/* Bytes of n operand elements. */
static inline size_t operand_size(enum precision precision, size_t n)
{
    return n * (precision == PRECISION_BF16 ? 2 : 4);
}

#endif
