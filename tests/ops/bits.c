/*
 * A row's bits depend only on its own segment and parent: not on the number of rows, its position,
 * its neighbours or the lane. Compared with memcmp, on every backend that opens here.
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
    struct matrix_shape shape;
    size_t row_bytes;    /* of y */
    void *x, *y;         /* (ROWS and as many as a rung adds, in), (ROWS, out) */
    unsigned char *seen; /* y, on the host */
};

enum { ROWS = 600 };

static void *result(struct rig *rig, const struct matrix_shape *shape, int rows)
{
    return shape->to_stream ? rig_stream(rig, NULL, rows, shape->out)
                            : rig_operands(rig, NULL, rows, shape->out);
}

static void matrix_init(struct matrix *m, struct rig *rig, const struct matrix_shape *shape)
{
    const size_t in = (size_t)shape->in, out = (size_t)shape->out;
    const int rows = ROWS + rig_rung(rig, ROWS);
    struct rng rng;
    float *w, *b, *x;

    rng_init(&rng, in * 10000 + out);
    w = rig_random(rig, &rng, in * out, 1 / sqrt(shape->in), true);
    b = rig_random(rig, &rng, out, 1, false);
    x = rig_random(rig, &rng, (size_t)rows * in, 1, true);
    const struct linear_spec spec = {.in = shape->in,
                                     .out = shape->out,
                                     .weight = w,
                                     .bias = b,
                                     .activation = shape->activation,
                                     .to_stream = shape->to_stream};
    *m = (struct matrix){.shape = *shape};
    m->weight = rig_weight(rig, &spec, ROWS);
    m->x = rig_operands(rig, x, rows, shape->in);
    m->y = result(rig, shape, ROWS);
    m->row_bytes = out * (shape->to_stream ? rig->caps->stream_bytes : rig->caps->operand_bytes);
    free(w);
    free(b);
    free(x);
}

static void matrix_release(struct matrix *m, struct rig *rig)
{
    free(m->seen);
    rig->ops->weight_free(rig->session, m->weight);
    rig_free(rig, 0);
}

static int multiply(struct rig *rig, struct lane *lane, const struct matrix *m, int first, int n,
                    void *y)
{
    const size_t at = (size_t)(first * m->shape.in) * rig->caps->operand_bytes;
    const struct linear_args args = {
        .weight = m->weight, .n_rows = n, .in = (const char *)m->x + at, .out = y};
    struct err err;

    return rig->ops->linear(lane, &args, &err);
}

static unsigned char *rows_of(struct rig *rig, struct lane *lane, const struct matrix *m, int first,
                              int n, void *y, int n_read)
{
    rig_begin_rows(rig, lane, n);
    CHECK_INT(multiply(rig, lane, m, first, n, y), 0);
    rig_wait(rig, lane);
    return rig_read_bytes(rig, lane, y, n_read, m->row_bytes);
}

/* Compares rows [first, first + n) computed alone with the same rows of the whole; nothing may be
 * written after them, or after their rung. */
static void check_rows(struct rig *rig, struct lane *lane, const struct matrix *m, int first, int n)
{
    const int in = m->shape.in, out = m->shape.out, end = rig_rung(rig, n), kept = rig->n_tensors;
    const size_t row = m->row_bytes;
    void *y = result(rig, &m->shape, end + 1);
    unsigned char *got = rows_of(rig, lane, m, first, n, y, end + 1);

    if (memcmp(got, m->seen + (size_t)first * row, (size_t)n * row) != 0)
        FAIL("%d x %d: rows from %d, %d of them, differ", in, out, first, n);
    for (size_t i = 0; i < row; i++)
        if (got[(size_t)end * row + i] != RIG_FILLED)
            FAIL("%d x %d: wrote after %d rows", in, out, n);
    free(got);
    rig_free(rig, kept);
}

/* Shapes of MiniLM, the demo and BERT-base, and odd ones. */
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

static void check_shape(struct rig *rig, const struct matrix_shape *shape)
{
    static const int counts[] = {1,  2,  3,  7,  15, 16,  17,  31,  32,  33,
                                 47, 48, 49, 64, 80, 100, 128, 255, 256, 257};
    struct rng rng;
    struct matrix m;
    struct lane *other;
    struct err err;

    matrix_init(&m, rig, shape);
    CHECK_OK(rig->ops->lane_open(rig->session, rig_rung(rig, ROWS), RIG_MAX_HIDDEN, &other, &err),
             err);
    rng_init(&rng, 3);
    m.seen = rows_of(rig, rig->lane, &m, 0, ROWS, m.y, ROWS);
    for (int i = 0; i < COUNT(counts); i++) {
        check_rows(rig, rig->lane, &m, (int)rng_below(&rng, (uint64_t)(ROWS - counts[i])),
                   counts[i]);
        check_rows(rig, other, &m, ROWS - counts[i], counts[i]);
    }
    rig->ops->lane_close(other);
    matrix_release(&m, rig);
}

static void linear_bits(struct rig *rig)
{
    rig_lane(rig);
    for (int s = 0; s < COUNT(shapes); s++) {
        if (strstr(rig->caps->device, "plain") && shapes[s].in * shapes[s].out > 512 * 128)
            continue; /* the same loops at any size, and slow */
        if (!rig_takes_width(rig, shapes[s].in) || !rig_takes_width(rig, shapes[s].out))
            continue;
        test_row("%s %s: %d x %d%s", rig->caps->device, precision_names[rig->caps->precision],
                 shapes[s].in, shapes[s].out, shapes[s].to_stream ? " to the stream" : "");
        check_shape(rig, &shapes[s]); /* weights newer than the lane work too */
    }
}

TEST(linear__keeps_the_bits_of_a_row)
{
    rig_each(linear_bits);
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

/* Two threads on two lanes get the same bits concurrently, and no library starts threads for
 * them. */
TEST(linear__serves_two_lanes_concurrently_without_threads_of_its_own)
{
    struct rig rig;
    struct matrix m;
    struct worker workers[2];
    pthread_t threads[2];
    struct err err;
    int before;

    /* The first thread may start another one, that of ThreadSanitizer. */
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

enum { HIDDEN = 384, HEADS = 12, SEGMENTS = 8, WIDTH = 3 * HIDDEN };

static const int segment_len[SEGMENTS] = {64, 16, 9, 1, 33, 41, 7, 20};
static const int segment_parent[SEGMENTS] = {-1, 0, 0, 0, -1, -1, 5, 5};

/* A segment has the same q, k and v wherever a layout places it. */
struct family {
    float *host[SEGMENTS]; /* (len, 3H) */
    void *qkv[SEGMENTS];   /* as operands, for outside parents */
    void *bias;            /* (3H) that attention adds; NULL: it does not */
};

/* Segments of the family in this order; a parent left out is an outside parent. */
struct layout {
    int n;
    int order[SEGMENTS];
};

struct attention_kind {
    bool causal, read_only;
};

/* Lays the segments out in *s. Returns the index of segment `want`; parents[k] is outside parent
 * k. */
static int lay_out(struct rig_slice *s, struct rig *rig, const struct layout *layout, int want,
                   int parents[SEGMENTS])
{
    char segments[256] = "", outside[64] = "";
    int at[SEGMENTS], n_outside = 0;
    struct rng rng;

    memset(at, -1, sizeof(at));
    for (int i = 0; i < layout->n; i++) {
        const int segment = layout->order[i], parent = segment_parent[segment];
        const size_t n = strlen(segments), m = strlen(outside);

        at[segment] = i;
        if (parent < 0)
            snprintf(segments + n, sizeof(segments) - n, "%d ", segment_len[segment]);
        else if (at[parent] >= 0)
            snprintf(segments + n, sizeof(segments) - n, "%dp%d ", segment_len[segment],
                     at[parent]);
        else {
            snprintf(segments + n, sizeof(segments) - n, "%do%d ", segment_len[segment], n_outside);
            snprintf(outside + m, sizeof(outside) - m, "%d ", segment_len[parent]);
            parents[n_outside++] = parent;
        }
    }
    rng_init(&rng, 1);
    rig_slice_init(s, rig, segments, outside, &rng);
    rig_slice_read_all(s);
    return at[want];
}

/* Result of a segment under a layout: rows of operands, of read_only one. */
struct attended {
    unsigned char *memory; /* of all segments, heap */
    const unsigned char *rows;
};

static struct attended attend_layout(struct rig *rig, struct lane *lane, const struct family *f,
                                     const struct layout *layout, struct attention_kind kind,
                                     int want)
{
    struct outside_parent outside[SEGMENTS];
    const size_t row = HIDDEN * rig->caps->operand_bytes;
    const int kept = rig->n_tensors;
    int parents[SEGMENTS], at, n_rows;
    struct attended got;
    struct rig_slice s;
    struct err err;
    float *host;

    at = lay_out(&s, rig, layout, want, parents);
    n_rows = kind.read_only ? s.slice.n_read : s.slice.n_tokens;
    host = malloc((size_t)s.slice.n_tokens * WIDTH * sizeof(*host));
    CHECK(host != NULL);
    for (int i = 0; i < layout->n; i++)
        memcpy(host + (size_t)s.segments[i].start * WIDTH, f->host[layout->order[i]],
               (size_t)s.segments[i].len * WIDTH * sizeof(*host));
    for (int i = 0; i < s.slice.n_outside; i++)
        outside[i] = (struct outside_parent){segment_len[parents[i]], f->qkv[parents[i]]};
    const struct attention_args args = {.hidden = HIDDEN,
                                        .heads = HEADS,
                                        .qkv = rig_operands(rig, host, s.slice.n_tokens, WIDTH),
                                        .qkv_bias = f->bias,
                                        .outside = outside,
                                        .causal = kind.causal,
                                        .read_only = kind.read_only,
                                        .out = rig_operands(rig, NULL, s.slice.n_tokens, HIDDEN)};
    free(host);
    rig_begin(rig, lane, &s.slice);
    CHECK_OK(rig->ops->attention(lane, &args, &err), err);
    rig_wait(rig, lane);
    got.memory = rig_read_bytes(rig, lane, args.out, n_rows, row);
    got.rows = got.memory + (size_t)(kind.read_only ? at : s.segments[at].start) * row;
    rig_free(rig, kept);
    rig_slice_release(&s, rig);
    return got;
}

static const struct layout layouts[] = {
    {8, {0, 1, 2, 3, 4, 5, 6, 7}},
    {8, {5, 7, 4, 6, 0, 3, 2, 1}},
    {8, {0, 1, 5, 6, 2, 7, 3, 4}},
    {6, {7, 3, 1, 4, 6, 2}}, /* without the parents */
};

static bool has(const struct layout *layout, int segment)
{
    for (int i = 0; i < layout->n; i++)
        if (layout->order[i] == segment)
            return true;
    return false;
}

/* Compared with the segment alone with its parent. A read-only row is the row of a full attention
 * in f32; in 16 bits a device may compute the two in different order. */
static void check_segment(struct rig *rig, struct lane *other, const struct family *f, bool causal,
                          int segment)
{
    const bool outside = rig->device_caps->outside_parents;
    const int parent = segment_parent[segment];
    const struct layout alone = outside || parent < 0 ? (struct layout){1, {segment}}
                                                      : (struct layout){2, {parent, segment}};
    const bool same = rig->caps->precision == PRECISION_F32;
    const struct attended wants[2] = {
        attend_layout(rig, rig->lane, f, &alone, (struct attention_kind){causal, false}, segment),
        attend_layout(rig, rig->lane, f, &alone, (struct attention_kind){causal, !same}, segment)};

    for (int i = 0; i < COUNT(layouts); i++)
        for (int read_only = 0; read_only < 2; read_only++) {
            const size_t rows = read_only ? 1 : (size_t)segment_len[segment];
            struct attended got;

            if (!has(&layouts[i], segment) || (layouts[i].n < SEGMENTS && !outside))
                continue;
            got = attend_layout(rig, i % 2 ? other : rig->lane, f, &layouts[i],
                                (struct attention_kind){causal, read_only}, segment);
            if (memcmp(got.rows, wants[read_only].rows, rows * HIDDEN * rig->caps->operand_bytes) !=
                0)
                FAIL("segment %d differs in layout %d (causal %d, read only %d)", segment, i,
                     causal, read_only);
            free(got.memory);
        }
    free(wants[0].memory);
    free(wants[1].memory);
}

static void attention_bits(struct rig *rig)
{
    struct family f;
    struct lane *other;
    struct rng rng;
    struct err err;

    rig_lane(rig);
    rng_init(&rng, 5);
    for (int s = 0; s < SEGMENTS; s++) {
        f.host[s] = rig_random(rig, &rng, (size_t)segment_len[s] * WIDTH, 1, true);
        f.qkv[s] = rig_operands(rig, f.host[s], segment_len[s], WIDTH);
    }
    f.bias = rig->caps->adds_qkv_bias ? rig_random_floats(rig, &rng, WIDTH, 1) : NULL;
    CHECK_OK(rig->ops->lane_open(rig->session, rig_rung(rig, 512), HIDDEN, &other, &err), err);
    for (int s = 0; s < SEGMENTS; s++) {
        check_segment(rig, other, &f, false, s);
        check_segment(rig, other, &f, true, s);
    }
    rig->ops->lane_close(other);
    for (int s = 0; s < SEGMENTS; s++)
        free(f.host[s]);
}

TEST(attention__keeps_the_bits_of_a_segment)
{
    rig_each(attention_bits);
}

/* The norm of n rows and then the head on them. */
static void norm_and_head(struct rig *rig, const struct residual_norm_args *norm, float *logits)
{
    const struct head_args head = {.n_rows = norm->n_rows,
                                   .hidden = norm->hidden,
                                   .labels = 1,
                                   .operand = norm->operand,
                                   .weight = norm->gamma,
                                   .bias = norm->gamma,
                                   .logits = logits};
    struct err err;

    rig_begin_rows(rig, rig->lane, norm->n_rows);
    CHECK_OK(rig->ops->residual_norm(rig->lane, norm, &err), err);
    CHECK_OK(rig->ops->head(rig->lane, &head, &err), err);
    rig_wait(rig, rig->lane);
}

/* The row alone is the last of n. */
static void check_last(struct rig *rig, const void *alone, const void *rows, int n, size_t bytes)
{
    char *one = rig_read_bytes(rig, rig->lane, alone, 1, bytes);
    char *all = rig_read_bytes(rig, rig->lane, rows, n, bytes);

    CHECK_INT(memcmp(one, all + (size_t)(n - 1) * bytes, bytes), 0);
    free(one);
    free(all);
}

/* One row through residual_norm and head, alone and as the last of 37. */
static void norm_and_head_bits(struct rig *rig)
{
    enum { N = 37 };
    const int H = rig_takes_width(rig, 77) ? 77 : 72;
    struct rng rng;

    rig_lane(rig);
    rng_init(&rng, 9);
    float *x = rig_random(rig, &rng, (size_t)(N * H), 1, false);
    float *scale = rig_random_floats(rig, &rng, (size_t)H, 1);
    float *logits = rig_floats(rig, NULL, N, 1), *logit = rig_floats(rig, NULL, 1, 1);
    struct residual_norm_args all = {.n_rows = N,
                                     .hidden = H,
                                     .stream = rig_stream(rig, x, N, H),
                                     .gamma = scale,
                                     .beta = scale,
                                     .eps = 1e-12F,
                                     .operand = rig_operands(rig, NULL, N, H)};
    struct residual_norm_args one = all;

    one.n_rows = 1;
    one.stream = rig_stream(rig, x + (N - 1) * H, 1, H);
    one.operand = rig_operands(rig, NULL, 1, H);
    norm_and_head(rig, &all, logits);
    norm_and_head(rig, &one, logit);
    check_last(rig, one.operand, all.operand, N, (size_t)H * rig->caps->operand_bytes);
    check_last(rig, logit, logits, N, sizeof(*logit));
    free(x);
}

TEST(norm_and_head__keep_the_bits_of_a_row)
{
    rig_each(norm_and_head_bits);
}
