/* Opens backends for the operation tests; their tensors and passes. */
#include "tests/ops/rig.h"

#include "kernels/cpu/bf16.h"
#include "kernels/module.h"

void rig_open(struct rig *rig, const struct backend_ops *ops, enum precision precision,
              const char *linear)
{
    const struct session_args args = {.precision = precision, .linear = linear};
    struct rng rng;
    char rows[32];
    struct err err;

    *rig = (struct rig){.ops = ops, .like = rig};
    CHECK_OK(ops->device_open("", &rig->device, &err), err);
    CHECK_OK(ops->session_open(rig->device, &args, &rig->session, &err), err);
    rig->device_caps = ops->device_caps(rig->device);
    rig->caps = ops->session_caps(rig->session);
    rig->stream = rig->caps->stream_bytes == sizeof(float) ? PRECISION_F32 : rig->caps->precision;
    rng_init(&rng, 1);
    snprintf(rows, sizeof(rows), "%dx1", RIG_MAX_TOKENS);
    rig_slice_init(&rig->rows, rig, rows, NULL, &rng);
}

static void check_opened(void (*check)(struct rig *rig), const struct backend_ops *ops,
                         enum precision precision, const char *linear)
{
    struct rig rig;

    rig_open(&rig, ops, precision, linear);
    printf("     %s, %s\n", rig.caps->device, precision_names[rig.caps->precision]);
    check(&rig);
    rig_close(&rig);
}

static bool has(const struct backend_ops *ops, enum precision precision, struct err *err)
{
    const struct session_args args = {.precision = precision};
    struct device *device;
    struct session *session;
    bool found = false;

    if (ops->device_open("", &device, err))
        return false;
    if (ops->session_open(device, &args, &session, err) == 0) {
        found = ops->session_caps(session)->precision == precision;
        ops->session_close(session);
    }
    ops->device_close(device);
    return found;
}

/* Opens it in every precision that it has. Returns how many. */
static int check_named(void (*check)(struct rig *rig), const char *name)
{
    static const enum precision wanted[] = {PRECISION_F32, PRECISION_F16, PRECISION_BF16};
    const struct backend_ops *ops;
    struct err err = {0};
    int n = 0;

    if (backend_find(name, &ops, &err) == 0)
        for (int i = 0; i < COUNT(wanted); i++)
            if (has(ops, wanted[i], &err)) {
                check_opened(check, ops, wanted[i], "");
                n++;
            }
    if (n == 0)
        printf("     not here: %s\n", err.text);
    return n;
}

void rig_each(void (*check)(struct rig *rig))
{
    const char *named = getenv("ADRANK_OPS_BACKEND");

    if (named) {
        CHECK(check_named(check, named) > 0);
        return;
    }
    check_opened(check, &backend_cpu, PRECISION_F32, "onednn");
    check_opened(check, &backend_cpu, PRECISION_F32, "plain");
    check_opened(check, &backend_cpu, PRECISION_BF16, "plain");
    /* By processor: f32 if it has no bf16 products, as in production. */
    check_opened(check, &backend_cpu, PRECISION_BF16, "");
    check_named(check, "cuda");
}

void rig_lane(struct rig *rig)
{
    struct err err;

    CHECK_OK(rig->ops->lane_open(rig->session, rig_rung(rig, RIG_MAX_TOKENS), RIG_MAX_HIDDEN,
                                 &rig->lane, &err),
             err);
}

void rig_close(struct rig *rig)
{
    rig_free(rig, 0);
    rig_slice_release(&rig->rows, rig);
    if (rig->lane)
        rig->ops->lane_close(rig->lane);
    rig->ops->session_close(rig->session);
    rig->ops->device_close(rig->device);
}

/* ---- elements -------------------------------------------------------------------------------- */

/* To nearest, ties to even: a unit in the last place of 2^(e-1) <= |x| < 2^e is 2^(e-11). */
static uint16_t f16_from_f32(float x)
{
    const uint16_t sign = signbit(x) ? 0x8000 : 0;
    long bits;
    int e;

    if (x != x)
        return 0x7e00;
    if (isinf(x))
        return sign | 0x7c00;
    frexpf(x, &e);
    if (e < -13 || fpclassify(x) == FP_ZERO)
        e = -13;
    bits = ((long)(e + 13) << 10) + lrintf(ldexpf(fabsf(x), 11 - e));
    return (uint16_t)(sign | (bits < 0x7c00 ? bits : 0x7c00));
}

static float f16_to_f32(uint16_t half)
{
    const int exponent = half >> 10 & 31, fraction = half & 1023;
    float x;

    if (exponent == 31)
        x = fraction ? NAN : INFINITY;
    else if (exponent)
        x = ldexpf((float)(fraction + 1024), exponent - 25);
    else
        x = ldexpf((float)fraction, -24);
    return half & 0x8000 ? -x : x;
}

size_t rig_element_bytes(enum precision element)
{
    return element == PRECISION_F32 ? sizeof(float) : sizeof(uint16_t);
}

static void encode(enum precision element, const float *from, size_t n, void *to)
{
    if (element == PRECISION_F32) {
        memcpy(to, from, n * sizeof(*from));
        return;
    }
    for (size_t i = 0; i < n; i++)
        ((uint16_t *)to)[i] =
            element == PRECISION_BF16 ? bf16_from_f32(from[i]) : f16_from_f32(from[i]);
}

static void decode(enum precision element, const void *from, size_t n, float *to)
{
    const uint16_t *narrow = from;

    if (element == PRECISION_F32)
        memcpy(to, from, n * sizeof(*to));
    for (size_t i = 0; i < n && element != PRECISION_F32; i++)
        to[i] = element == PRECISION_BF16 ? bf16_to_f32(narrow[i]) : f16_to_f32(narrow[i]);
}

float *rig_random(const struct rig *rig, struct rng *rng, size_t n, double deviation, bool rounded)
{
    float *out = malloc(n * sizeof(*out) + 1);
    uint32_t narrow;

    CHECK(out != NULL);
    for (size_t i = 0; i < n; i++) {
        out[i] = (float)(rng_normal(rng) * deviation);
        if (!rounded)
            continue;
        encode(rig->like->caps->precision, &out[i], 1, &narrow);
        decode(rig->like->caps->precision, &narrow, 1, &out[i]);
    }
    return out;
}

/* ---- tensors --------------------------------------------------------------------------------- */

int rig_rung(const struct rig *rig, int rows)
{
    return ladder_rung(&rig->device_caps->ladder, rows);
}

bool rig_takes_width(const struct rig *rig, int width)
{
    const int multiple = rig->device_caps->width_multiple;

    return multiple == 0 || width % multiple == 0;
}

static void *tensor(struct rig *rig, enum precision element, const float *from, size_t n,
                    size_t padded)
{
    const size_t bytes = padded * rig_element_bytes(element);
    void *host = malloc(bytes + 1), *memory;
    struct err err;

    CHECK(host != NULL && rig->n_tensors < COUNT(rig->tensors));
    memset(host, RIG_FILLED, bytes);
    if (from)
        encode(element, from, n, host);
    memory = rig->ops->alloc(rig->session, bytes, &err);
    CHECK_OK(memory ? 0 : -1, err);
    CHECK_OK(rig->ops->upload(rig->session, memory, host, bytes, &err), err);
    free(host);
    rig->tensors[rig->n_tensors++] = memory;
    return memory;
}

static void *rows_of(struct rig *rig, enum precision element, const float *from, int rows,
                     int width)
{
    return tensor(rig, element, from, (size_t)rows * (size_t)width,
                  (size_t)rig_rung(rig, rows) * (size_t)width);
}

void *rig_floats(struct rig *rig, const float *from, int rows, int width)
{
    return rows_of(rig, PRECISION_F32, from, rows, width);
}

void *rig_operands(struct rig *rig, const float *from, int rows, int width)
{
    return rows_of(rig, rig->caps->precision, from, rows, width);
}

void *rig_stream(struct rig *rig, const float *from, int rows, int width)
{
    return rows_of(rig, rig->stream, from, rows, width);
}

float *rig_random_floats(struct rig *rig, struct rng *rng, size_t n, double deviation)
{
    float *host = rig_random(rig, rng, n, deviation, false);
    float *memory = tensor(rig, PRECISION_F32, host, n, n);

    free(host);
    return memory;
}

void rig_fill(struct rig *rig, struct linear_weight *weight)
{
    struct err err;
    int rc = 1;

    while (rc > 0)
        rc = rig->ops->weight_step(rig->session, weight, &err);
    CHECK_OK(rc, err);
}

struct linear_weight *rig_weight(struct rig *rig, const struct linear_spec *spec, int rows)
{
    struct linear_weight *weight;
    struct err err;

    CHECK_OK(rig->ops->weight_new(rig->session, spec, rig_rung(rig, rows), &weight, &err), err);
    rig_fill(rig, weight);
    return weight;
}

void rig_free(struct rig *rig, int kept)
{
    while (rig->n_tensors > kept)
        rig->ops->free(rig->session, rig->tensors[--rig->n_tensors]);
}

void *rig_read_bytes(struct rig *rig, struct lane *lane, const void *from, int rows,
                     size_t row_bytes)
{
    const size_t bytes = (size_t)rows * row_bytes;
    void *out = malloc(bytes + 1), *host;
    struct err err;

    CHECK(out != NULL);
    if (rows == 0)
        return out;
    host = rig->ops->host_alloc(rig->device, (size_t)rig_rung(rig, rows) * row_bytes, &err);
    CHECK_OK(host ? 0 : -1, err);
    rig_begin_rows(rig, lane, rows);
    CHECK_OK(rig->ops->download(lane, host, from, bytes, &err), err);
    rig_wait(rig, lane);
    memcpy(out, host, bytes);
    rig->ops->host_free(rig->device, host);
    return out;
}

float *rig_read(struct rig *rig, enum precision element, const void *from, int rows, int width)
{
    const size_t n = (size_t)rows * (size_t)width;
    void *encoded =
        rig_read_bytes(rig, rig->lane, from, rows, (size_t)width * rig_element_bytes(element));
    float *out = malloc(n * sizeof(*out) + 1);

    CHECK(out != NULL);
    decode(element, encoded, n, out);
    free(encoded);
    return out;
}

/* ---- passes ---------------------------------------------------------------------------------- */

void rig_begin(struct rig *rig, struct lane *lane, const struct slice *slice)
{
    const struct pass pass = {.network = (const char *)rig + ++rig->n_passes, .n_layers = 1};
    struct err err;

    CHECK_OK(rig->ops->begin(lane, slice, &pass, &err), err);
}

void rig_begin_rows(struct rig *rig, struct lane *lane, int rows)
{
    rig->begun = rig->rows.slice;
    rig->begun.n_tokens = rig->begun.n_segments = rig->begun.n_read = rows ? rows : 1;
    rig_begin(rig, lane, &rig->begun);
}

void rig_wait(struct rig *rig, struct lane *lane)
{
    struct err err;
    int done;

    CHECK_OK(rig->ops->finish(lane, &err), err);
    while ((done = rig->ops->query(lane, &err)) == 0)
        ;
    CHECK_OK(done < 0 ? -1 : 0, err);
}
