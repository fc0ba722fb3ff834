/* The CPU backend: its device, sessions and lanes. */
#include "kernels/cpu/cpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"

#define SLICE_TOKENS 256 /* activations of about this many rows stay in an L2 cache of 1 MB */

/* ---- device ---------------------------------------------------------------------------------- */

static void name_with_provider(char *out, size_t size, const struct cpuid *cpu,
                               const struct linear_ops *linear)
{
    char provider[32];

    linear->describe(provider, sizeof(provider));
    snprintf(out, size, "%.40s (%s), %d cores, %s", cpu->name, cpu->isa, cpu->cores, provider);
}

static int cpu_device_open(const char *name, struct device **out, struct err *err)
{
    struct device *device = calloc(1, sizeof(*device));

    (void)name; /* there is only one */
    if (!device)
        return err_set(err, ERR_NOMEM, "cpu: out of memory");
    cpuid_detect(&device->cpu);
    device->simd = simd_choose(&device->cpu);
    device->caps = (struct device_caps){.host_lanes = true,
                                        .slice_tokens = SLICE_TOKENS,
                                        .max_launched = 1,
                                        .outside_parents = true,
                                        .saves = true};
    name_with_provider(device->caps.name, sizeof(device->caps.name), &device->cpu,
                       linear_choose("", &device->cpu, PRECISION_F32));
    *out = device;
    return 0;
}

static void cpu_device_close(struct device *device)
{
    free(device);
}

static const struct device_caps *cpu_device_caps(const struct device *device)
{
    return &device->caps;
}

static void cpu_device_readings(struct device *device, struct device_readings *out)
{
    (void)device;
    device_readings_none(out);
}

static void *cpu_host_alloc(struct device *device, size_t bytes, struct err *err)
{
    const size_t whole = bytes ? (bytes + 63) / 64 * 64 : 64;
    void *memory = whole < bytes ? NULL : aligned_alloc(64, whole);

    (void)device;
    if (memory)
        memset(memory, 0, whole);
    else
        err_set(err, ERR_NOMEM, "cpu: out of memory for %zu bytes", bytes);
    return memory;
}

static void cpu_host_free(struct device *device, void *memory)
{
    (void)device;
    free(memory);
}

/* ---- session --------------------------------------------------------------------------------- */

/* The precision in effect, and why if it is not the one requested. */
static int settle_precision(struct session_caps *caps, const struct session_args *args,
                            const struct cpuid *cpu, struct err *err)
{
    if (args->precision != PRECISION_F32 && args->precision != PRECISION_BF16)
        return err_set(err, ERR_CONFIG, "cpu: precision %s is not built, only f32 and bf16",
                       precision_names[args->precision]);
    caps->precision = args->precision;
    if (args->precision == PRECISION_BF16 && !cpu->bf16_products &&
        !(args->linear && strcmp(args->linear, linear_plain.name) == 0)) {
        caps->precision = PRECISION_F32;
        snprintf(
            caps->note, sizeof(caps->note),
            "bf16 was requested, but this processor has neither AVX512-BF16 nor AMX-BF16: f32");
    }
    return 0;
}

/* The choice for this processor; if it cannot be opened, f32; if that fails too, plain C. The
 * note reports the fallback. */
static int open_chosen(struct session *session, const struct cpuid *cpu, struct err *err)
{
    struct session_caps *caps = &session->caps;
    const enum precision wanted = caps->precision;
    struct err first;

    session->linear = linear_choose("", cpu, wanted);
    if (session->linear->open(wanted, &session->provider, &first) == 0)
        return 0;
    if (first.code != ERR_UNAVAILABLE) {
        *err = first;
        return err_prefix(err, "cpu");
    }
    caps->precision = PRECISION_F32;
    if (wanted != PRECISION_F32) {
        snprintf(caps->note, sizeof(caps->note), "%.100s: f32 serves", first.text);
        return open_chosen(session, cpu, err);
    }
    session->linear = &linear_plain;
    snprintf(caps->note, sizeof(caps->note), "%.100s: plain C serves, slowly", first.text);
    return session->linear->open(PRECISION_F32, &session->provider, err);
}

static int open_provider(struct session *session, const struct session_args *args,
                         const struct cpuid *cpu, struct err *err)
{
    if (!args->linear || !*args->linear)
        return open_chosen(session, cpu, err);
    session->linear = linear_choose(args->linear, cpu, session->caps.precision);
    if (!session->linear)
        return err_set(err, ERR_CONFIG, "cpu: no provider \"%s\" of the linear layer: %s, %s",
                       args->linear, linear_onednn.name, linear_plain.name);
    if (session->linear->open(session->caps.precision, &session->provider, err))
        return err_prefix(err, "cpu");
    return 0;
}

static void cpu_session_close(struct session *session)
{
    if (session->provider)
        session->linear->close(session->provider);
    free(session);
}

static int cpu_session_open(struct device *device, const struct session_args *args,
                            struct session **out, struct err *err)
{
    struct session *session = calloc(1, sizeof(*session));
    struct session_caps *caps;

    if (!session)
        return err_set(err, ERR_NOMEM, "cpu: out of memory");
    caps = &session->caps;
    session->simd = device->simd;
    if (settle_precision(caps, args, &device->cpu, err) ||
        open_provider(session, args, &device->cpu, err)) {
        cpu_session_close(session);
        return -1;
    }
    name_with_provider(caps->device, sizeof(caps->device), &device->cpu, session->linear);
    caps->operand_bytes = operand_size(caps->precision, 1);
    caps->stream_bytes = sizeof(float);
    *out = session;
    return 0;
}

static const struct session_caps *cpu_session_caps(const struct session *session)
{
    return &session->caps;
}

static void *cpu_alloc(struct session *session, size_t bytes, struct err *err)
{
    (void)session;
    return cpu_host_alloc(NULL, bytes, err);
}

static void cpu_free(struct session *session, void *memory)
{
    (void)session;
    free(memory);
}

static int cpu_upload(struct session *session, void *to, const void *from, size_t bytes,
                      struct err *err)
{
    (void)session;
    (void)err;
    memcpy(to, from, bytes);
    return 0;
}

static int cpu_weight_new(struct session *session, const struct linear_spec *spec, int max_rows,
                          struct linear_weight **out, struct err *err)
{
    (void)max_rows; /* one ladder serves any number of rows */
    BUG_ON(spec->in < 1 || spec->out < 1);
    return session->linear->weight_new(session->provider, spec, out, err);
}

static int cpu_weight_step(struct session *session, struct linear_weight *weight, struct err *err)
{
    (void)session;
    (void)weight;
    (void)err;
    return 0; /* weight_new packed it */
}

static void cpu_weight_free(struct session *session, struct linear_weight *weight)
{
    session->linear->weight_free(session->provider, weight);
}

static int cpu_download(struct lane *lane, void *to, const void *from, size_t bytes,
                        struct err *err)
{
    (void)lane;
    (void)err;
    memcpy(to, from, bytes);
    return 0;
}

/* Operations are complete when they return. */
static int cpu_finish(struct lane *lane, struct err *err)
{
    (void)lane;
    (void)err;
    return 0;
}

static int cpu_query(struct lane *lane, struct err *err)
{
    (void)lane;
    (void)err;
    return 1;
}

const struct backend_ops backend_cpu = {
    .name = "cpu",
    .device_open = cpu_device_open,
    .device_close = cpu_device_close,
    .device_caps = cpu_device_caps,
    .device_readings = cpu_device_readings,
    .host_alloc = cpu_host_alloc,
    .host_free = cpu_host_free,
    .session_open = cpu_session_open,
    .session_close = cpu_session_close,
    .session_caps = cpu_session_caps,
    .alloc = cpu_alloc,
    .free = cpu_free,
    .upload = cpu_upload,
    .weight_new = cpu_weight_new,
    .weight_step = cpu_weight_step,
    .weight_free = cpu_weight_free,
    .lane_open = cpu_lane_open,
    .lane_close = cpu_lane_close,
    .begin = cpu_begin,
    .embed = cpu_embed,
    .linear = cpu_linear,
    .attention = cpu_attention,
    .residual_norm = cpu_residual_norm,
    .pool = cpu_pool,
    .head = cpu_head,
    .download = cpu_download,
    .finish = cpu_finish,
    .query = cpu_query,
};
