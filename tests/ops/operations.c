/* The table of cases on every backend that opens here, against the reference. */
#include "tests/ops/cases.h"
#include "tests/ops/reference.h"

/* NMSE: sum of squared errors over sum of squares. max: largest error over the root mean square. */
struct distance {
    double nmse, max;
};

static struct distance distance(const float *got, const float *want, size_t n)
{
    double errors = 0, squares = 0, max = 0;

    for (size_t i = 0; i < n; i++) {
        const double off = (double)got[i] - (double)want[i];

        errors += off * off;
        squares += (double)want[i] * (double)want[i];
        max = fabs(off) > max || off != off ? fabs(off) : max;
    }
    if (n == 0 || squares <= 0)
        return (struct distance){errors, max};
    return (struct distance){errors / squares, max / sqrt(squares / (double)n)};
}

/*
 * f32 keeps some 24 bits; sums of 3072 products lose a few. f16 keeps 11 and bf16 8: half a unit in
 * the last place is 2^-12 and 2^-9 of a value that may be 20 times the root mean square.
 */
static const struct distance bounds[PRECISIONS] = {
    [PRECISION_F32] = {2e-12, 2e-5},
    [PRECISION_F16] = {1e-7, 5e-3},
    [PRECISION_BF16] = {6e-6, 4e-2},
};

/* After an activation of a rounded pre-activation the error is twice as large. */
static struct distance twice(struct distance bound)
{
    return (struct distance){4 * bound.nmse, 2 * bound.max};
}

static void check(const char *what, const char *name, struct distance d, struct distance bound)
{
    printf("     %-8s %-28s nmse %.1e (%.0e)  max %.1e (%.0e)\n", what, name, d.nmse, bound.nmse,
           d.max, bound.max);
    if (!(d.nmse <= bound.nmse && d.max <= bound.max))
        FAIL("%s: %s is off", name, what);
}

static void check_outcome(const struct op_case *c, const struct rig *rig, const struct outcome *got,
                          const struct outcome *want)
{
    const struct distance bound = bounds[rig->caps->precision];
    const struct distance stream = bounds[rig->stream], f32 = bounds[PRECISION_F32];
    const bool saves = rig->device_caps->saves, rounds = rig->caps->precision != PRECISION_F32;

    CHECK_INT(got->n_stream, want->n_stream);
    CHECK_INT(got->n_operand, want->n_operand);
    CHECK_INT(got->n_saved, want->n_saved);
    CHECK_INT(got->n_logits, want->n_logits);
    if (got->n_stream)
        check("stream", c->name, distance(got->stream, want->stream, got->n_stream), stream);
    if (got->n_operand)
        check("operand", c->name, distance(got->operand, want->operand, got->n_operand),
              c->saves && rounds ? twice(bound) : bound);
    if (got->n_saved && saves)
        check("saved", c->name, distance(got->saved, want->saved, got->n_saved), bound);
    if (got->n_logits)
        check("logits", c->name, distance(got->logits, want->logits, got->n_logits), f32);
}

static void run_table(const struct rig_config *config)
{
    struct rig rig, reference;

    rig_open_config(&rig, config);
    rig_open(&reference, &backend_reference, PRECISION_F32, "");
    rig_lane(&rig);
    rig_lane(&reference);
    for (size_t i = 0; i < n_op_cases; i++) {
        const struct op_case *c = &op_cases[i];
        struct outcome got = {0}, want = {0};

        if (c->outside && !rig.device_caps->outside_parents)
            continue;
        test_row("%s %s: %s", rig.caps->device, precision_names[rig.caps->precision], c->name);
        c->run(c, &rig, &rig, &got);
        c->run(c, &reference, &rig, &want);
        check_outcome(c, &rig, &got, &want);
        outcome_release(&got);
        outcome_release(&want);
        rig_free(&rig, 0);
        rig_free(&reference, 0);
    }
    rig_close(&rig);
    rig_close(&reference);
}

TEST(operations__agree_with_the_reference)
{
    struct rig_config configs[RIG_MAX_CONFIGS];
    int n = rig_configs(configs);

    for (int i = 0; i < n; i++)
        run_table(&configs[i]);
}

/* An activation alone: the product is with the identity, so y = act(x) for x from -12 to 12. */
static void check_activation(const struct rig_config *config, enum activation activation,
                             double (*exact)(double))
{
    enum { N = 64, ROWS = 300 };
    struct rig rig;
    struct err err;
    struct linear_weight *weight;
    float *identity = calloc(N * N, sizeof(float)), *x = malloc(N * ROWS * sizeof(float)), *y;
    const struct linear_spec spec = {
        .in = N, .out = N, .weight = identity, .activation = activation};
    struct linear_args args = {.n_rows = ROWS};
    double max = 0;

    rig_open_config(&rig, config);
    CHECK(identity && x);
    for (int i = 0; i < N; i++)
        identity[i * N + i] = 1;
    for (int i = 0; i < N * ROWS; i++)
        x[i] = (float)(24.0 * i / (N * ROWS) - 12);
    CHECK_OK(rig.ops->weight_new(rig.session, &spec, rig_rung(&rig, ROWS), &weight, &err), err);
    rig_lane(&rig);
    args.weight = weight;
    args.in = rig_operands(&rig, x, ROWS, N);
    args.out = rig_operands(&rig, NULL, ROWS, N);
    rig_begin_rows(&rig, rig.lane, ROWS);
    CHECK_OK(rig.ops->linear(rig.lane, &args, &err), err);
    rig_wait(&rig, rig.lane);
    y = rig_read(&rig, PRECISION_F32, args.out, ROWS, N);
    /* f32 keeps 6e-8 of a large value, and oneDNN 3.7 has an erf of 9e-7 on AVX-512; erf and
     * tanh differ by 5e-4. */
    for (int i = 0; i < N * ROWS; i++) {
        const double want = exact((double)x[i]);

        max = fmax(max, fabs((double)y[i] - want) / fmax(1, fabs(want)));
    }
    printf("     activation %d: max error %.2e\n", (int)activation, max);
    CHECK(max <= 2e-6);
    free(y);
    rig.ops->weight_free(rig.session, weight);
    rig_close(&rig);
    free(x);
    free(identity);
}

static double gelu_erf(double x)
{
    return 0.5 * x * erfc(-x / sqrt(2));
}

static double gelu_tanh(double x)
{
    return 0.5 * x * (1 + tanh(sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x)));
}

static double relu(double x)
{
    return x > 0 ? x : 0;
}

TEST(operations__activations_are_exact)
{
    struct rig_config configs[RIG_MAX_CONFIGS];
    int n = rig_configs(configs);

    for (int i = 0; i < n; i++) {
        if (configs[i].precision != PRECISION_F32)
            continue;
        check_activation(&configs[i], ACTIVATION_GELU_ERF, gelu_erf);
        check_activation(&configs[i], ACTIVATION_GELU_TANH, gelu_tanh);
        check_activation(&configs[i], ACTIVATION_RELU, relu);
        check_activation(&configs[i], ACTIVATION_TANH, tanh);
    }
}
