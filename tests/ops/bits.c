/*
 * A row's bits depend on its own segment and parent alone: not on how many rows there are, where it
 * stands, what is beside it, nor on the lane. Compared with memcmp, on every backend that opens
 * here.
 */
#include <pthread.h>

#include "tests/ops/rig.h"

struct matrix_shape {
    int in, out;
    enum activation activation;
    bool to_stream;
};

struct matrix {
    struct linear_weight *weight;
    int in, out;
    size_t y_bytes; /* of one element */
    void *x, *y;    /* (ROWS, in), (ROWS, out): all rows at once */
    void *seen;     /* y, on the host */
};

enum { ROWS = 600 };

static void matrix_init(struct matrix *m, struct rig *rig, const struct matrix_shape *shape)
{
    const int in = shape->in, out = shape->out;
    struct rng rng;
    struct err err;
    float *w, *b, *x;

    rng_init(&rng, (uint64_t)(in * 10000 + out));
    w = rig_random(rig, &rng, (size_t)in * (size_t)out, 1 / sqrt(in), true);
    b = rig_random(rig, &rng, (size_t)out, 1, false);
    x = rig_random(rig, &rng, (size_t)ROWS * (size_t)in, 1, true);
    const struct linear_spec spec = {.in = in,
                                     .out = out,
                                     .weight = w,
                                     .bias = b,
                                     .activation = shape->activation,
                                     .to_stream = shape->to_stream};
    CHECK_OK(rig->ops->weight_new(rig->session, &spec, ROWS, &m->weight, &err), err);
    m->in = in;
    m->out = out;
    m->x = rig_operands(rig, x, (size_t)ROWS * (size_t)in);
    m->y_bytes = shape->to_stream ? rig->caps->stream_bytes : rig->caps->operand_bytes;
    m->y = rig_floats(rig, NULL, (size_t)ROWS * (size_t)out); /* no element is larger */
    free(w);
    free(b);
    free(x);
    m->seen = NULL;
}

static void matrix_release(struct matrix *m, struct rig *rig)
{
    free(m->seen);
    rig_free(rig, m->x);
    rig_free(rig, m->y);
    rig->ops->weight_free(rig->session, m->weight);
}

static int multiply(struct rig *rig, struct lane *lane, const struct matrix *m, int first, int n,
                    void *y)
{
    const size_t bytes = rig->caps->operand_bytes;
    const struct linear_args args = {.weight = m->weight,
                                     .n_rows = n,
                                     .in = (const char *)m->x + (size_t)(first * m->in) * bytes,
                                     .out = y};
    struct err err;

    return rig->ops->linear(lane, &args, &err);
}

/* Rows [first, first + n) alone against the same rows of the whole; nothing is written behind
 * them. */
static void check_rows(struct rig *rig, struct lane *lane, const struct matrix *m, int first, int n)
{
    const size_t row = (size_t)m->out * m->y_bytes, bytes = (size_t)(n + 1) * row;
    unsigned char *filled = malloc(bytes), *got;
    struct err err;
    void *y = rig->ops->alloc(rig->session, bytes, &err);

    CHECK(filled != NULL && y != NULL);
    memset(filled, 0xa5, bytes);
    CHECK_OK(rig->ops->upload(rig->session, y, filled, bytes, &err), err);
    free(filled);
    CHECK_INT(multiply(rig, lane, m, first, n, y), 0);
    got = rig_read_bytes(rig, lane, y, bytes);
    if (memcmp(got, (const char *)m->seen + (size_t)first * row, (size_t)n * row) != 0)
        FAIL("%d x %d: rows from %d, %d of them, differ", m->in, m->out, first, n);
    for (size_t i = 0; i < row && rig->ops->device_caps(rig->device)->ladder.n == 0; i++)
        if (got[(size_t)n * row + i] != 0xa5)
            FAIL("%d x %d: wrote behind %d rows", m->in, m->out, n);
    free(got);
    rig_free(rig, y);
}

/* Those of MiniLM, the demo and BERT-base as the network uses them, and odd ones. */
static const struct matrix_shape shapes[] = {
    {384, 1152, ACTIVATION_NONE, false},     {384, 384, ACTIVATION_NONE, true},
    {384, 1536, ACTIVATION_GELU_ERF, false}, {1536, 384, ACTIVATION_NONE, true},
    {128, 384, ACTIVATION_NONE, false},      {128, 512, ACTIVATION_GELU_ERF, false},
    {512, 128, ACTIVATION_NONE, true},       {512, 128, ACTIVATION_GELU_TANH, false},
    {768, 768, ACTIVATION_TANH, false},      {768, 2304, ACTIVATION_NONE, false},
    {768, 3072, ACTIVATION_GELU_ERF, false}, {3072, 768, ACTIVATION_NONE, false},
    {3072, 768, ACTIVATION_NONE, true},      {37, 53, ACTIVATION_RELU, false},
    {61, 1, ACTIVATION_NONE, true},          {1, 61, ACTIVATION_NONE, false},
};

static void check_shape(struct rig *rig, size_t shape)
{
    static const int counts[] = {1,  2,  3,  7,  15, 16,  17,  31,  32,  33,
                                 47, 48, 49, 64, 80, 100, 128, 255, 256, 257};
    struct rng rng;
    struct matrix m;
    struct lane *other;
    struct err err;

    matrix_init(&m, rig, &shapes[shape]);
    CHECK_OK(rig->ops->lane_open(rig->session, 16, 16, &other, &err), err);
    rng_init(&rng, 3);
    CHECK_INT(multiply(rig, rig->lane, &m, 0, ROWS, m.y), 0);
    m.seen = rig_read_bytes(rig, rig->lane, m.y, (size_t)ROWS * (size_t)m.out * m.y_bytes);
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        check_rows(rig, rig->lane, &m, (int)rng_below(&rng, (uint64_t)(ROWS - counts[i])),
                   counts[i]);
        check_rows(rig, other, &m, ROWS - counts[i], counts[i]);
    }
    rig->ops->lane_close(other);
    matrix_release(&m, rig);
}

TEST(linear__keeps_the_bits_of_a_row)
{
    struct rig_config configs[RIG_MAX_CONFIGS];
    int n_configs = rig_configs(configs);

    for (int i = 0; i < n_configs; i++) {
        struct rig rig;

        rig_open_config(&rig, &configs[i]);
        rig_lane(&rig); /* before the weights: they are served all the same */
        for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
            if (strstr(rig.caps->device, "plain") && shapes[s].in * shapes[s].out > 512 * 128)
                continue; /* the same loops at any size, and slow ones */
            test_row("%s %s: %d x %d%s", rig.caps->device, precision_names[rig.caps->precision],
                     shapes[s].in, shapes[s].out, shapes[s].to_stream ? " to the stream" : "");
            check_shape(&rig, s);
        }
        rig_close(&rig);
    }
}

static int n_threads(void)
{
    FILE *file = fopen("/proc/self/status", "re");
    char line[256];
    int n = 0;

    CHECK(file != NULL);
    while (!n && fgets(line, sizeof(line), file))
        if (sscanf(line, "Threads: %d", &n) != 1)
            n = 0;
    fclose(file);
    return n;
}

struct worker {
    struct rig *rig;
    struct lane *lane;
    struct matrix *m;
    void *y;
    int failed, n_threads;
};

static void *work(void *arg)
{
    struct worker *w = arg;

    for (int i = 0; i < 5; i++)
        w->failed |= multiply(w->rig, w->lane, w->m, 0, ROWS, w->y);
    w->n_threads = n_threads();
    return NULL;
}

static void *nothing(void *arg)
{
    return arg;
}

/* Two threads on two lanes at once get the same bits, and no library starts threads of its own
 * for them. */
TEST(linear__serves_two_lanes_at_once_with_no_more_threads)
{
    struct rig rig;
    struct matrix m;
    struct worker workers[2];
    pthread_t threads[2];
    struct err err;
    int before;

    /* The first thread of all may bring one more along: the thread sanitizer's own. */
    CHECK_INT(pthread_create(&threads[0], NULL, nothing, NULL), 0);
    CHECK_INT(pthread_join(threads[0], NULL), 0);
    before = n_threads();
    rig_open(&rig, &backend_cpu, PRECISION_F32, "onednn");
    matrix_init(&m, &rig, &(struct matrix_shape){384, 1536, ACTIVATION_GELU_ERF, false});
    const size_t bytes = (size_t)ROWS * 1536 * rig.caps->operand_bytes;
    rig_lane(&rig);
    CHECK_INT(multiply(&rig, rig.lane, &m, 0, ROWS, m.y), 0);
    CHECK_INT(n_threads(), before);
    for (int i = 0; i < 2; i++) {
        workers[i] = (struct worker){.rig = &rig, .m = &m, .y = malloc(bytes)};
        CHECK(workers[i].y != NULL);
        CHECK_OK(rig.ops->lane_open(rig.session, 16, 16, &workers[i].lane, &err), err);
        CHECK_INT(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        CHECK_INT(pthread_join(threads[i], NULL), 0);
        CHECK_INT(workers[i].failed, 0);
        CHECK(workers[i].n_threads <= before + 2);
        CHECK_INT(memcmp(workers[i].y, m.y, bytes), 0);
        rig.ops->lane_close(workers[i].lane);
        free(workers[i].y);
    }
    CHECK_INT(n_threads(), before);
    matrix_release(&m, &rig);
    rig_close(&rig);
}

enum { HIDDEN = 384, HEADS = 12 };

/* Rows of qkv for every segment that the tests below lay out: segment s always has rows pool[s]. */
struct family {
    int n;
    int len[8];
    int parent[8];  /* -1: none */
    float *host[8]; /* (len, 3H) what operands are made of */
    void *qkv[8];   /* the same as operands, for outside parents */
};

static void family_init(struct family *f, struct rig *rig)
{
    static const int len[] = {64, 16, 9, 1, 33, 41, 7, 20}, parent[] = {-1, 0, 0, 0, -1, -1, 5, 5};
    struct rng rng;

    rng_init(&rng, 5);
    f->n = 8;
    for (int s = 0; s < f->n; s++) {
        const size_t n = (size_t)len[s] * 3 * HIDDEN;
        float *host = rig_random(rig, &rng, n, 1, true);

        f->len[s] = len[s];
        f->parent[s] = parent[s];
        f->qkv[s] = rig_operands(rig, host, n);
        f->host[s] = host;
    }
}

static void family_release(struct family *f, struct rig *rig)
{
    for (int s = 0; s < f->n; s++)
        rig_free(rig, f->qkv[s]), free(f->host[s]);
}

struct layout {
    /* Segments of the family, in this order; a parent left out is an outside parent. */
    const int *order;
    int n;
    bool causal, read_only;
};

/* Result of segment `want` under a layout: (len, H) operands, or (1, H) for read_only. Heap. */
static unsigned char *attend_layout(struct rig *rig, struct lane *lane, const struct family *f,
                                    struct layout layout, int want, size_t *bytes)
{
    struct slice_segment segments[8];
    struct outside_parent outside[8];
    int32_t read[8], read_segments[8];
    int at[8], n_tokens = 0, n_outside = 0;
    const size_t row = HIDDEN * rig->caps->operand_bytes;
    unsigned char *result;
    struct err err;
    float *host;
    void *qkv, *out;
    int wanted = 0;

    memset(at, -1, sizeof(at));
    for (int i = 0; i < layout.n; i++) {
        const int s = layout.order[i], parent = f->parent[s];

        at[s] = i;
        segments[i] = (struct slice_segment){n_tokens, f->len[s], -1, -1};
        if (parent >= 0 && at[parent] >= 0)
            segments[i].parent = at[parent];
        else if (parent >= 0) {
            outside[n_outside] = (struct outside_parent){f->len[parent], f->qkv[parent]};
            segments[i].outside_parent = n_outside++;
        }
        read[i] = n_tokens;
        read_segments[i] = i;
        n_tokens += f->len[s];
        if (s == want)
            wanted = i;
    }
    const struct slice slice = {.n_tokens = n_tokens,
                                .n_segments = layout.n,
                                .n_read = layout.n,
                                .n_outside = n_outside,
                                .segments = segments,
                                .read = read,
                                .read_segments = read_segments};
    host = malloc((size_t)n_tokens * 3 * HIDDEN * sizeof(*host));
    CHECK(host != NULL);
    for (int i = 0; i < layout.n; i++)
        memcpy(host + (size_t)segments[i].start * 3 * HIDDEN, f->host[layout.order[i]],
               (size_t)segments[i].len * 3 * HIDDEN * sizeof(*host));
    qkv = rig_operands(rig, host, (size_t)n_tokens * 3 * HIDDEN);
    out = rig_operands(rig, NULL, (size_t)n_tokens * HIDDEN);
    free(host);
    const struct attention_args args = {.hidden = HIDDEN,
                                        .heads = HEADS,
                                        .qkv = qkv,
                                        .outside = outside,
                                        .causal = layout.causal,
                                        .read_only = layout.read_only,
                                        .out = out};
    CHECK_OK(rig->ops->begin(lane, &slice, &rig_pass, &err), err);
    CHECK_OK(rig->ops->attention(lane, &args, &err), err);
    *bytes = (layout.read_only ? 1 : (size_t)f->len[want]) * row;
    result = rig_read_bytes(
        rig, lane, (char *)out + (size_t)(layout.read_only ? wanted : segments[wanted].start) * row,
        *bytes);
    rig_free(rig, qkv);
    rig_free(rig, out);
    return result;
}

static void check_layouts(struct rig *rig, const struct family *f, bool causal)
{
    static const int whole[] = {0, 1, 2, 3, 4, 5, 6, 7}, turned[] = {5, 7, 4, 6, 0, 3, 2, 1};
    static const int mixed[] = {0, 1, 5, 6, 2, 7, 3, 4}, no_parents[] = {7, 3, 1, 4, 6, 2};
    const struct layout layouts[] = {{.order = whole, .n = 8},
                                     {.order = turned, .n = 8},
                                     {.order = mixed, .n = 8},
                                     {.order = no_parents, .n = 6}};
    struct lane *other;
    struct err err;

    CHECK_OK(rig->ops->lane_open(rig->session, 512, HIDDEN, &other, &err), err);
    for (int s = 1; s < f->n; s++) {
        const struct layout alone = {.order = &s, .n = 1, .causal = causal};
        size_t n_want, n_got;
        unsigned char *want = attend_layout(rig, rig->lane, f, alone, s, &n_want);

        for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
            for (int read_only = 0; read_only < 2; read_only++) {
                struct layout layout = layouts[i];
                unsigned char *got;

                if (s == 5 && layout.n < f->n)
                    continue; /* left out there */
                layout.causal = causal;
                layout.read_only = read_only;
                got = attend_layout(rig, i % 2 ? other : rig->lane, f, layout, s, &n_got);
                if (memcmp(got, want, n_got) != 0)
                    FAIL("segment %d differs in layout %zu (causal %d, read only %d)", s, i, causal,
                         read_only);
                free(got);
            }
        free(want);
    }
    rig->ops->lane_close(other);
}

TEST(attention__keeps_the_bits_of_a_segment)
{
    struct rig_config configs[RIG_MAX_CONFIGS];
    int n_configs = rig_configs(configs);

    for (int i = 0; i < n_configs; i++) {
        struct rig rig;
        struct family f;

        rig_open_config(&rig, &configs[i]);
        rig_lane(&rig);
        family_init(&f, &rig);
        check_layouts(&rig, &f, false);
        check_layouts(&rig, &f, true);
        family_release(&f, &rig);
        rig_close(&rig);
    }
}

static void check_same(struct rig *rig, const void *a, const void *b, size_t bytes)
{
    void *one = rig_read_bytes(rig, rig->lane, a, bytes);
    void *other = rig_read_bytes(rig, rig->lane, b, bytes);

    CHECK_INT(memcmp(one, other, bytes), 0);
    free(one);
    free(other);
}

/* One row through residual_norm and head, alone and as the last of 37. */
TEST(norm_and_head__keep_the_bits_of_a_row)
{
    enum { N = 37, H = 77 };
    struct rig_config configs[RIG_MAX_CONFIGS];
    int n_configs = rig_configs(configs);

    for (int i = 0; i < n_configs; i++) {
        struct rig rig;
        struct rng rng;
        struct err err;

        rig_open_config(&rig, &configs[i]);
        rig_lane(&rig);
        rng_init(&rng, 9);
        float *x = rig_random(&rig, &rng, N * H, 1, false),
              *gamma = rig_random(&rig, &rng, H, 1, false);
        float *all = rig_floats(&rig, x, N * H), *one = rig_floats(&rig, x + (N - 1) * H, H);
        float *scale = rig_floats(&rig, gamma, H);
        float *logits = rig_floats(&rig, NULL, N), *logit = rig_floats(&rig, NULL, 1);
        char *all_out = rig_operands(&rig, NULL, N * H), *one_out = rig_operands(&rig, NULL, H);
        struct residual_norm_args args = {.kind = NORM_PRE,
                                          .n_rows = N,
                                          .hidden = H,
                                          .stream = all,
                                          .gamma = scale,
                                          .beta = scale,
                                          .eps = 1e-12F,
                                          .operand = all_out};
        const size_t row = H * rig.caps->operand_bytes;

        CHECK_OK(rig.ops->residual_norm(rig.lane, &args, &err), err);
        args.n_rows = 1;
        args.stream = one;
        args.operand = one_out;
        CHECK_OK(rig.ops->residual_norm(rig.lane, &args, &err), err);
        check_same(&rig, one_out, all_out + (N - 1) * row, row);
        const struct head_args heads = {.n_rows = N,
                                        .hidden = H,
                                        .labels = 1,
                                        .operand = all_out,
                                        .weight = scale,
                                        .bias = scale,
                                        .logits = logits};
        const struct head_args head = {.n_rows = 1,
                                       .hidden = H,
                                       .labels = 1,
                                       .operand = one_out,
                                       .weight = scale,
                                       .bias = scale,
                                       .logits = logit};
        CHECK_OK(rig.ops->head(rig.lane, &heads, &err), err);
        CHECK_OK(rig.ops->head(rig.lane, &head, &err), err);
        check_same(&rig, logit, &logits[N - 1], sizeof(*logit));
        rig_free(&rig, logits);
        rig_free(&rig, logit);
        rig_free(&rig, all);
        rig_free(&rig, one);
        rig_free(&rig, scale);
        rig_free(&rig, all_out);
        rig_free(&rig, one_out);
        free(x);
        free(gamma);
        rig_close(&rig);
    }
}

TEST_MAIN
