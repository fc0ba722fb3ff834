/* Both attention kernels on random layouts, against sums in f64; isolation and bits of rows. */
#include "tests/cuda/tensor.h"

struct shape {
    enum cuda_type type;
    int heads, d;
    bool causal, read_only, simple, biased;
};

struct run {
    struct tensor qkv, bias, out, lse;
};

static int n_out(const struct layout *layout, const struct shape *shape)
{
    return shape->read_only ? layout->n_read : layout->n_tokens;
}

/* qkv has (n_tokens + 37) rows; those past n_tokens are NaN, like all of out and lse before. */
static struct run run(const struct layout *layout, const struct shape *shape, struct rng *rng,
                      const float *qkv)
{
    const int hidden = shape->heads * shape->d;
    const size_t used = (size_t)layout->n_tokens * 3 * (size_t)hidden;
    const size_t rows = (size_t)n_out(layout, shape) + (shape->read_only ? 5 : 37);
    int32_t *ids[3];
    struct batch batch = batch_upload(layout, rng, ids);
    struct run r = {.qkv = tensor_random(rng, shape->type, used + 37 * 3 * (size_t)hidden, 1),
                    .bias = tensor_random(rng, CUDA_TYPE_F32, 3 * (size_t)hidden, 1),
                    .out = tensor_nan(shape->type, rows * (size_t)hidden),
                    .lse = tensor_nan(CUDA_TYPE_F32, rows * (size_t)shape->heads)};

    if (qkv)
        memcpy(r.qkv.host, qkv, used * sizeof(*qkv));
    for (size_t i = used; i < r.qkv.n; i++)
        r.qkv.host[i] = NAN;
    tensor_upload(&r.qkv);
    const struct cuda_attention_launch args = {.type = shape->type,
                                               .hidden = hidden,
                                               .heads = shape->heads,
                                               .qkv = r.qkv.device,
                                               .bias = shape->biased ? r.bias.device : NULL,
                                               .causal = shape->causal,
                                               .read_only = shape->read_only,
                                               .out = r.out.device,
                                               .lse = r.lse.device,
                                               .simple = shape->simple};
    CHECK_CUDA(cuda_attention(&batch.device, &args, NULL));
    tensor_read(&r.out);
    tensor_read(&r.lse);
    for (size_t i = (size_t)n_out(layout, shape) * (size_t)hidden; i < r.out.n; i++)
        CHECK(isnan(r.out.host[i]));
    batch_free(&batch);
    for (int i = 0; i < 3; i++)
        free(ids[i]);
    return r;
}

static void run_free(struct run *r)
{
    tensor_free(&r->qkv);
    tensor_free(&r->bias);
    tensor_free(&r->out);
    tensor_free(&r->lse);
}

/* An element of q (0), k or v of a row, with its bias. */
static double element(const struct shape *shape, const struct run *r, int row, int of, int at)
{
    const size_t hidden = (size_t)(shape->heads * shape->d);
    const size_t column = (size_t)of * hidden + (size_t)at;

    return (double)r->qkv.host[(size_t)row * 3 * hidden + column] +
           (shape->biased ? (double)r->bias.host[column] : 0);
}

/* One row and head in f64. Returns the log of the sum, without what k's bias adds. */
static double attend(const struct layout *layout, const struct shape *shape, const struct run *r,
                     int row, int head, double *out)
{
    const int s = layout->segment_of[row], parent = layout->parent[s], d = shape->d;
    const int hidden = shape->heads * d, at = head * d;
    const int n_parent = parent < 0 ? 0 : layout->len[parent];
    const int n = n_parent + (shape->causal ? row - layout->start[s] + 1 : layout->len[s]);
    double scores[2048], top = -INFINITY, sum = 0, of_bias = 0;

    CHECK(n <= COUNT(scores));
    memset(out, 0, (size_t)d * sizeof(*out));
    for (int j = 0; j < n; j++) {
        const int key = j < n_parent ? layout->start[parent] + j : layout->start[s] + j - n_parent;

        scores[j] = 0;
        for (int i = 0; i < d; i++)
            scores[j] +=
                element(shape, r, row, 0, at + i) * element(shape, r, key, 1, at + i) / sqrt(d);
        top = fmax(top, scores[j]);
    }
    for (int j = 0; j < n; j++)
        sum += exp(scores[j] - top);
    for (int j = 0; j < n; j++) {
        const int key = j < n_parent ? layout->start[parent] + j : layout->start[s] + j - n_parent;

        for (int i = 0; i < d; i++)
            out[i] += exp(scores[j] - top) / sum * element(shape, r, key, 2, at + i);
    }
    for (int i = 0; i < d && shape->biased; i++)
        of_bias +=
            element(shape, r, row, 0, at + i) * (double)r->bias.host[hidden + at + i] / sqrt(d);
    return top + log(sum) - of_bias;
}

static void check(const struct layout *layout, const struct shape *shape, struct rng *rng)
{
    struct run r = run(layout, shape, rng, NULL);
    const int rows = n_out(layout, shape), hidden = shape->heads * shape->d;
    double *want = malloc((size_t)(rows * hidden + 1) * sizeof(*want));
    double *lse = malloc((size_t)(rows * shape->heads + 1) * sizeof(*lse));

    CHECK(want != NULL && lse != NULL);
    for (int o = 0; o < rows; o++)
        for (int head = 0; head < shape->heads; head++)
            lse[o * shape->heads + head] =
                attend(layout, shape, &r, shape->read_only ? layout->read[o] : o, head,
                       want + o * hidden + head * shape->d);
    check_close("out", r.out.host, want, (size_t)(rows * hidden), shape->type);
    check_close("lse", r.lse.host, lse, (size_t)(rows * shape->heads), shape->type);
    free(want);
    free(lse);
    run_free(&r);
}

static int random_len(struct rng *rng, int limit)
{
    switch (rng_below(rng, 4)) {
    case 0:
        return 1;
    case 1:
        return 1 + (int)rng_below(rng, 17);
    case 2:
        return 1 + (int)rng_below(rng, 100);
    default:
        return 1 + (int)rng_below(rng, (uint64_t)limit);
    }
}

/* Two parents of a length, and then children of either. */
static void add_twins(struct layout *layout, struct rng *rng)
{
    const int first = layout->n_segments, len = random_len(rng, 40);

    layout_add(layout, len, -1);
    layout_add(layout, len, -1);
    for (int n = (int)rng_below(rng, 8); n > 0; n--)
        layout_add(layout, rng_below(rng, 3) == 0 ? 1 : random_len(rng, 30),
                   first + (int)rng_below(rng, 2));
}

/* Lone segments, families with short or long parents, one-token children by the dozen. */
static void random_layout(struct layout *layout, struct rng *rng, int limit)
{
    memset(layout, 0, sizeof(*layout));
    while (layout->n_tokens < limit) {
        if (rng_below(rng, 4) == 0)
            add_twins(layout, rng);
        const int first = layout->n_segments;

        layout_add(layout, random_len(rng, limit), -1);
        if (rng_below(rng, 2) == 0)
            continue;
        for (int n = (int)rng_below(rng, 8); n > 0; n--)
            layout_add(layout, random_len(rng, 30), first);
        for (int n = (int)rng_below(rng, 40); n > 0 && rng_below(rng, 2); n--)
            layout_add(layout, 1, first);
    }
    layout_read(layout);
}

static struct shape random_shape(struct rng *rng)
{
    static const int sizes[] = {32, 64, 128, 32, 64, 40};

    return (struct shape){.type = (enum cuda_type)rng_below(rng, 3),
                          .heads = 1 + (int)rng_below(rng, 3),
                          .d = sizes[rng_below(rng, COUNT(sizes))],
                          .causal = rng_below(rng, 4) == 0,
                          .read_only = rng_below(rng, 4) == 0,
                          .simple = rng_below(rng, 4) == 0,
                          .biased = rng_below(rng, 2) == 0};
}

TEST(attention__matches_f64_on_random_layouts)
{
    static struct layout layout;
    const char *cases = getenv("ADRANK_CUDA_CASES");

    need_device();
    for (int i = 0; i < (cases ? atoi(cases) : 24); i++) {
        struct rng rng;

        rng_init(&rng, (uint64_t)i);
        const struct shape shape = random_shape(&rng);
        random_layout(&layout, &rng, 20 + (int)rng_below(&rng, 300));
        test_row("%d: %s, %d heads of %d%s%s%s%s, %d tokens in %d segments", i,
                 type_names[shape.type], shape.heads, shape.d, shape.causal ? ", causal" : "",
                 shape.read_only ? ", read only" : "", shape.simple ? ", simple" : "",
                 shape.biased ? ", biased" : "", layout.n_tokens, layout.n_segments);
        check(&layout, &shape, &rng);
    }
}

/* As lists of lengths; what follows a 0 are children of what precedes it. */
static const int layouts[][24] = {
    {1},
    {16},
    {17, 33, 96, 97},
    {160},
    {161, 0, 7},
    {512},
    {512, 0, 16, 1, 1, 9},
    {64, 0, 8, 24, 16, 9, 12, 17, 23, 8, 1, 1, 1, 20},
    {112, 0, 48, 2, 49, 47, 3},
    {113, 0, 20, 30},
    {30, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 1},
    {1, 0, 1, 1, 96, 97, 130},
};

static void listed_layout(struct layout *layout, const int *lens)
{
    memset(layout, 0, sizeof(*layout));
    for (int i = 0, parent = -1; i < 24; i++) {
        if (lens[i] > 0)
            layout_add(layout, lens[i], parent);
        else if (parent < 0)
            parent = layout->n_segments - 1;
        else
            break;
    }
    layout_read(layout);
}

TEST(attention__matches_f64_at_every_head_size)
{
    static struct layout layout;
    static const int sizes[] = {32, 64, 128, 8, 24, 96, 256, 300, 7, 1};

    need_device();
    for (int i = 0; i < COUNT(layouts); i++)
        for (int s = 0; s < COUNT(sizes); s++) {
            struct rng rng;
            struct shape shape = {
                .type = s % 2 ? CUDA_TYPE_BF16 : CUDA_TYPE_F16, .heads = 2, .d = sizes[s]};

            rng_init(&rng, (uint64_t)(i * 100 + s));
            listed_layout(&layout, layouts[i]);
            if (s > 2 && i > 3 && i != 7)
                continue;
            shape.biased = i % 2;
            test_row("layout %d, heads of %d", i, shape.d);
            check(&layout, &shape, &rng);
            shape.causal = true;
            if (s < 3)
                check(&layout, &shape, &rng);
        }
}

/* The rows of a family are bit-equal in any company, and NaN elsewhere stays there. */
static void check_company(const struct shape *shape, const int *lens, struct rng *rng)
{
    static struct layout alone, company;
    const size_t width = 3 * (size_t)(shape->heads * shape->d);
    struct run a, b;
    float *qkv;

    listed_layout(&alone, lens);
    a = run(&alone, shape, rng, NULL);
    memset(&company, 0, sizeof(company));
    for (int n = 1 + (int)rng_below(rng, 4); n > 0; n--)
        layout_add(&company, random_len(rng, 40), -1);
    const int at = company.n_tokens, base = company.n_segments;
    for (int s = 0; s < alone.n_segments; s++)
        layout_add(&company, alone.len[s], alone.parent[s] < 0 ? -1 : base + alone.parent[s]);
    const int end = company.n_tokens;
    for (int n = (int)rng_below(rng, 4); n > 0; n--)
        layout_add(&company, random_len(rng, 40), rng_below(rng, 2) ? base : -1);
    layout_read(&company);
    qkv = malloc((size_t)company.n_tokens * width * sizeof(*qkv));
    CHECK(qkv != NULL);
    for (size_t i = 0; i < (size_t)company.n_tokens * width; i++)
        qkv[i] = NAN;
    memcpy(qkv + (size_t)at * width, a.qkv.host, (size_t)(end - at) * width * sizeof(*qkv));
    b = run(&company, shape, rng, qkv);
    CHECK(memcmp(b.out.host + (size_t)at * width / 3, a.out.host,
                 (size_t)(end - at) * width / 3 * sizeof(float)) == 0);
    free(qkv);
    run_free(&a);
    run_free(&b);
}

TEST(attention__keeps_the_bits_of_a_row_and_rejects_neighbours)
{
    need_device();
    for (int i = 0; i < COUNT(layouts); i++)
        for (int d = 32; d <= 128; d *= 2) {
            const struct shape shape = {.type = CUDA_TYPE_F16, .heads = 1, .d = d};
            struct rng rng;

            rng_init(&rng, (uint64_t)(i * 1000 + d));
            test_row("layout %d, heads of %d", i, d);
            check_company(&shape, layouts[i], &rng);
        }
}
