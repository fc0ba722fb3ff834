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

/* f32 keeps some 24 bits; sums of 3072 products lose a few. bf16 keeps 8: half a unit in the
 * last place is 2^-9 of a value that may be 20 times the root mean square. */
static const struct distance f32_bound = {2e-12, 2e-5}, bf16_bound = {6e-6, 4e-2};
/* Where an activation is applied to a rounded pre-activation. */
static const struct distance bf16_twice = {24e-6, 8e-2};

static void check(const char *what, const char *name, struct distance d, struct distance bound)
{
    printf("     %-8s %-28s nmse %.1e (%.0e)  max %.1e (%.0e)\n", what, name, d.nmse, bound.nmse,
           d.max, bound.max);
    if (!(d.nmse <= bound.nmse && d.max <= bound.max))
        FAIL("%s: %s is off", name, what);
}

static void run_table(const struct rig_config *config)
{
    struct rig rig, reference;
    struct distance bound;

    rig_open_config(&rig, config);
    rig_open(&reference, &backend_reference, PRECISION_F32, "");
    rig_lane(&rig);
    rig_lane(&reference);
    bound = rig.caps->precision == PRECISION_BF16 ? bf16_bound : f32_bound;
    for (size_t i = 0; i < n_op_cases; i++) {
        const struct op_case *c = &op_cases[i];
        struct outcome got = {0}, want = {0};

        test_row("%s %s: %s", rig.caps->device, precision_names[rig.caps->precision], c->name);
        c->run(c, &rig, &rig, &got);
        c->run(c, &reference, &rig, &want);
        CHECK_INT(got.n_stream, want.n_stream);
        CHECK_INT(got.n_operand, want.n_operand);
        CHECK_INT(got.n_saved, want.n_saved);
        if (got.n_stream)
            check("stream", c->name, distance(got.stream, want.stream, got.n_stream), f32_bound);
        if (got.n_operand)
            check("operand", c->name, distance(got.operand, want.operand, got.n_operand),
                  c->saves && bound.max > f32_bound.max ? bf16_twice : bound);
        if (got.n_saved)
            check("saved", c->name, distance(got.saved, want.saved, got.n_saved), bound);
        outcome_release(&got);
        outcome_release(&want);
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
    CHECK_OK(rig.ops->weight_new(rig.session, &spec, ROWS, &weight, &err), err);
    rig_lane(&rig);
    args.weight = weight;
    args.in = rig_operands(&rig, x, N * ROWS);
    args.out = rig_operands(&rig, NULL, N * ROWS);
    CHECK_OK(rig.ops->linear(rig.lane, &args, &err), err);
    y = rig_read_operands(&rig, args.out, N * ROWS);
    /* f32 keeps 6e-8 of a large value, and oneDNN 3.7 has an erf of 9e-7 on AVX-512; erf and
     * tanh differ by 5e-4. */
    for (int i = 0; i < N * ROWS; i++) {
        const double want = exact((double)x[i]);

        max = fmax(max, fabs((double)y[i] - want) / fmax(1, fabs(want)));
    }
    printf("     activation %d: max error %.2e\n", (int)activation, max);
    CHECK(max <= 2e-6);
    free(y);
    rig_free(&rig, (void *)(size_t)args.in);
    rig_free(&rig, args.out);
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

TEST_MAIN
