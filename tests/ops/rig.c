/* Opens a backend and runs an operation on it and on the reference. */
#include "tests/ops/rig.h"

#include <ctype.h>

#include "kernels/cpu/bf16.h"
#include "kernels/module.h"

const struct pass rig_pass = {.network = &rig_pass, .n_layers = 1};

void rig_open(struct rig *rig, const struct backend_ops *ops, enum precision precision,
              const char *linear)
{
    const struct session_args args = {.precision = precision, .linear = linear};
    struct err err;

    *rig = (struct rig){.ops = ops};
    CHECK_OK(ops->device_open("", &rig->device, &err), err);
    CHECK_OK(ops->session_open(rig->device, &args, &rig->session, &err), err);
    rig->caps = ops->session_caps(rig->session);
}

int rig_configs(struct rig_config out[RIG_MAX_CONFIGS])
{
    static const enum precision wanted[] = {PRECISION_F32, PRECISION_BF16};
    const struct backend_ops *cuda;
    struct device *device;
    struct session *session;
    struct err err;
    int n = 0;

    out[n++] = (struct rig_config){&backend_cpu, PRECISION_F32, "onednn"};
    out[n++] = (struct rig_config){&backend_cpu, PRECISION_F32, "plain"};
    out[n++] = (struct rig_config){&backend_cpu, PRECISION_BF16, "plain"};
    /* By processor: f32 where it has no bf16 products, as in production. */
    out[n++] = (struct rig_config){&backend_cpu, PRECISION_BF16, ""};
    if (backend_find("cuda", &cuda, &err) || cuda->device_open("", &device, &err)) {
        printf("     not here: %s\n", err.text);
        return n;
    }
    for (int i = 0; i < 2; i++) {
        const struct session_args args = {.precision = wanted[i]};
        if (cuda->session_open(device, &args, &session, &err))
            continue;
        cuda->session_close(session);
        out[n++] = (struct rig_config){cuda, wanted[i], ""};
    }
    cuda->device_close(device);
    return n;
}

void rig_open_config(struct rig *rig, const struct rig_config *config)
{
    rig_open(rig, config->ops, config->precision, config->linear);
    printf("     %s, %s\n", rig->caps->device, precision_names[rig->caps->precision]);
}

void rig_lane(struct rig *rig)
{
    struct err err;

    CHECK_OK(rig->ops->lane_open(rig->session, RIG_MAX_TOKENS, RIG_MAX_HIDDEN, &rig->lane, &err),
             err);
}

void rig_close(struct rig *rig)
{
    if (rig->lane)
        rig->ops->lane_close(rig->lane);
    rig->ops->session_close(rig->session);
    rig->ops->device_close(rig->device);
}

static bool is_bf16(const struct rig *rig)
{
    return rig->caps->precision == PRECISION_BF16;
}

float rig_round(const struct rig *rig, float x)
{
    return is_bf16(rig) ? bf16_to_f32(bf16_from_f32(x)) : x;
}

static void *store(struct rig *rig, const void *from, size_t bytes)
{
    struct err err;
    void *memory = rig->ops->alloc(rig->session, bytes, &err);

    CHECK(memory != NULL);
    if (from)
        CHECK_OK(rig->ops->upload(rig->session, memory, from, bytes, &err), err);
    return memory;
}

void *rig_floats(struct rig *rig, const float *from, size_t n)
{
    return store(rig, from, n * sizeof(float));
}

void *rig_operands(struct rig *rig, const float *from, size_t n)
{
    bf16 *narrow;
    void *memory;

    if (!is_bf16(rig) || !from)
        return store(rig, from, n * rig->caps->operand_bytes);
    narrow = malloc(n * sizeof(*narrow) + 1);
    CHECK(narrow != NULL);
    for (size_t i = 0; i < n; i++)
        narrow[i] = bf16_from_f32(from[i]);
    memory = store(rig, narrow, n * sizeof(*narrow));
    free(narrow);
    return memory;
}

void rig_free(struct rig *rig, void *memory)
{
    rig->ops->free(rig->session, memory);
}

void *rig_read_bytes(struct rig *rig, struct lane *lane, const void *from, size_t bytes)
{
    void *out = malloc(bytes + 1), *host;
    struct err err;
    int done;

    host = rig->ops->host_alloc(rig->device, bytes, &err);
    CHECK(out != NULL && host != NULL);
    CHECK_OK(rig->ops->download(lane, host, from, bytes, &err), err);
    CHECK_OK(rig->ops->finish(lane, &err), err);
    while ((done = rig->ops->query(lane, &err)) == 0)
        ;
    CHECK_OK(done < 0 ? -1 : 0, err);
    memcpy(out, host, bytes);
    rig->ops->host_free(rig->device, host);
    return out;
}

float *rig_read_floats(struct rig *rig, const void *from, size_t n)
{
    return rig_read_bytes(rig, rig->lane, from, n * sizeof(float));
}

float *rig_read_operands(struct rig *rig, const void *from, size_t n)
{
    float *out;
    bf16 *narrow;

    if (!is_bf16(rig))
        return rig_read_floats(rig, from, n);
    narrow = rig_read_bytes(rig, rig->lane, from, n * sizeof(*narrow));
    out = malloc(n * sizeof(*out) + 1);
    CHECK(out != NULL);
    for (size_t i = 0; i < n; i++)
        out[i] = bf16_to_f32(narrow[i]);
    free(narrow);
    return out;
}

float *rig_random(const struct rig *rig, struct rng *rng, size_t n, double deviation, bool rounded)
{
    float *out = malloc(n * sizeof(*out) + 1);

    CHECK(out != NULL);
    for (size_t i = 0; i < n; i++) {
        out[i] = (float)(rng_normal(rng) * deviation);
        if (rounded)
            out[i] = rig_round(rig, out[i]);
    }
    return out;
}

static int number(const char **text)
{
    char *end;
    const long n = strtol(*text, &end, 10);

    CHECK(end != *text);
    *text = end;
    return (int)n;
}

static void add_segment(struct slice_segment *segments, struct slice *slice, int len, char kind,
                        int of)
{
    segments[slice->n_segments++] = (struct slice_segment){
        .start = slice->n_tokens,
        .len = len,
        .parent = kind == 'p' ? of : -1,
        .outside_parent = kind == 'o' ? of : -1,
    };
    slice->n_tokens += len;
}

static void parse_segments(struct slice_segment *segments, struct slice *slice, const char *text)
{
    while (*text) {
        int times = 1, len = number(&text), of = -1;
        char kind = ' ';

        if (*text == 'x') {
            text++;
            times = len;
            len = number(&text);
        }
        if (*text == 'p' || *text == 'o') {
            kind = *text++;
            of = number(&text);
        }
        for (int i = 0; i < times; i++)
            add_segment(segments, slice, len, kind, of);
        while (isspace((unsigned char)*text))
            text++;
    }
}

static void read_childless(struct slice *slice, int32_t *read, int32_t *read_segments)
{
    for (int s = 0; s < slice->n_segments; s++) {
        bool is_parent = false;

        for (int c = s + 1; c < slice->n_segments && !is_parent; c++)
            is_parent = slice->segments[c].parent == s;
        if (is_parent)
            continue;
        read[slice->n_read] = slice->segments[s].start;
        read_segments[slice->n_read++] = s;
    }
}

static int32_t *below(struct rng *rng, int n, int limit)
{
    int32_t *out = calloc((size_t)n + 1, sizeof(*out));

    CHECK(out != NULL);
    for (int i = 0; i < n; i++)
        out[i] = (int32_t)rng_below(rng, (uint64_t)limit);
    return out;
}

void rig_slice_init(struct rig_slice *s, const char *segments, const char *outside, struct rng *rng)
{
    struct slice_segment *list = calloc(RIG_MAX_TOKENS, sizeof(*list));
    int32_t *read = calloc(RIG_MAX_TOKENS, sizeof(*read));
    int32_t *read_segments = calloc(RIG_MAX_TOKENS, sizeof(*read_segments));
    struct slice *slice = &s->slice;

    CHECK(list != NULL && read != NULL && read_segments != NULL);
    *slice = (struct slice){.segments = list, .read = read, .read_segments = read_segments};
    parse_segments(list, slice, segments);
    CHECK(slice->n_tokens <= RIG_MAX_TOKENS);
    read_childless(slice, read, read_segments);
    slice->ids = below(rng, slice->n_tokens, RIG_VOCABULARY);
    slice->types = below(rng, slice->n_tokens, RIG_TYPES);
    slice->positions = below(rng, slice->n_tokens, RIG_MAX_POSITION);
    s->outside_len = calloc(16, sizeof(int));
    CHECK(s->outside_len != NULL);
    for (const char *at = outside ? outside : ""; *at;) {
        s->outside_len[slice->n_outside++] = number(&at);
        while (isspace((unsigned char)*at))
            at++;
    }
}

void rig_slice_release(struct rig_slice *s)
{
    free((void *)(size_t)s->slice.segments);
    free((void *)(size_t)s->slice.read);
    free((void *)(size_t)s->slice.read_segments);
    free((void *)(size_t)s->slice.ids);
    free((void *)(size_t)s->slice.types);
    free((void *)(size_t)s->slice.positions);
    free(s->outside_len);
}
