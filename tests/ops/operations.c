/* The table of cases on every backend that opens here, against the reference. */
#include "tests/ops/cases.h"
#include "tests/ops/reference.h"

/* NMSE: sum of squared errors over sum of squares. max: largest error over the root mean square. */
struct distance {
    double nmse, max;
};

static struct distance distance(const struct values *got, const struct values *want)
{
    double errors = 0, squares = 0, max = 0;

    for (size_t i = 0; i < want->n; i++) {
        const double off = (double)got->at[i] - (double)want->at[i];

        errors += off * off;
        squares += (double)want->at[i] * (double)want->at[i];
        max = fabs(off) > max || off != off ? fabs(off) : max;
    }
    if (squares <= 0)
        return (struct distance){errors, max};
    return (struct distance){errors / squares, max / sqrt(squares / (double)want->n)};
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

/* An activation of a rounded pre-activation doubles the error. */
static struct distance twice(struct distance bound)
{
    return (struct distance){4 * bound.nmse, 2 * bound.max};
}

static void check_outcome(const struct op_case *c, const struct rig *rig, const struct outcome *got,
                          const struct outcome *want)
{
    const struct distance bound = bounds[rig->caps->precision];
    const bool rounds = rig->caps->precision != PRECISION_F32;
    const bool activates = c->saves || c->activation != ACTIVATION_NONE;
    const bool saves = rig->device_caps->saves;
    const struct {
        const char *what;
        const struct values *got, *want;
        struct distance bound;
        bool left_out;
    } outputs[] = {
        {"stream", &got->stream, &want->stream, bounds[rig->stream], false},
        {"operand", &got->operand, &want->operand, activates && rounds ? twice(bound) : bound,
         false},
        {"saved", &got->saved, &want->saved, bound, !saves},
        {"rstd", &got->saved_rstd, &want->saved_rstd, bound, !saves},
        {"logits", &got->logits, &want->logits, bounds[PRECISION_F32], false},
    };

    for (int i = 0; i < COUNT(outputs); i++) {
        struct distance d;

        CHECK_INT(outputs[i].got->n, outputs[i].want->n);
        if (outputs[i].want->n == 0 || outputs[i].left_out)
            continue;
        d = distance(outputs[i].got, outputs[i].want);
        printf("     %-8s %-28s nmse %.1e (%.0e)  max %.1e (%.0e)\n", outputs[i].what, c->name,
               d.nmse, outputs[i].bound.nmse, d.max, outputs[i].bound.max);
        if (!(d.nmse <= outputs[i].bound.nmse && d.max <= outputs[i].bound.max))
            FAIL("%s: %s is inaccurate", c->name, outputs[i].what);
    }
}

static bool supported(const struct rig *rig, const struct op_case *c)
{
    return (!c->outside || rig->device_caps->outside_parents) &&
           (!c->late_bias || rig->caps->adds_qkv_bias) && rig_takes_width(rig, c->in) &&
           rig_takes_width(rig, c->out) && rig_takes_width(rig, c->hidden);
}

static void agrees(struct rig *rig)
{
    struct rig reference;

    rig_open(&reference, &backend_reference, PRECISION_F32, "");
    reference.like = rig;
    rig_lane(rig);
    rig_lane(&reference);
    for (size_t i = 0; i < n_op_cases; i++) {
        const struct op_case *c = &op_cases[i];
        struct outcome got AT_END(outcome_release) = {0}, want AT_END(outcome_release) = {0};

        if (!supported(rig, c))
            continue;
        test_row("%s %s: %s", rig->caps->device, precision_names[rig->caps->precision], c->name);
        c->run(c, rig, &got);
        c->run(c, &reference, &want);
        check_outcome(c, rig, &got, &want);
        rig_free(rig, 0);
        rig_free(&reference, 0);
    }
    rig_close(&reference);
}

TEST(operations__agree_with_the_reference)
{
    rig_each(agrees);
}

/* An activation alone: the product is with the identity, so y = act(x) for x from -12 to 12. */
static void check_activation(struct rig *rig, enum activation activation)
{
    enum { N = 64, ROWS = 300 };
    static float identity[N * N], x[ROWS * N];
    const struct linear_spec spec = {
        .in = N, .out = N, .weight = identity, .activation = activation};
    struct linear_args args = {.n_rows = ROWS};
    struct linear_weight *weight;
    struct err err;
    double max = 0;
    float *y;

    for (int i = 0; i < N; i++)
        identity[i * N + i] = 1;
    for (int i = 0; i < N * ROWS; i++)
        x[i] = (float)(24.0 * i / (N * ROWS) - 12);
    weight = rig_weight(rig, &spec, ROWS);
    args.weight = weight;
    args.in = rig_operands(rig, x, ROWS, N);
    args.out = rig_operands(rig, NULL, ROWS, N);
    rig_begin_rows(rig, rig->lane, ROWS);
    CHECK_OK(rig->ops->linear(rig->lane, &args, &err), err);
    rig_wait(rig, rig->lane);
    y = rig_read(rig, PRECISION_F32, args.out, ROWS, N);
    /* f32 keeps 6e-8 of a large value, and oneDNN 3.7 has an erf of 9e-7 on AVX-512; erf and
     * tanh differ by 5e-4. */
    for (int i = 0; i < N * ROWS; i++) {
        const double want = reference_activation(activation, (double)x[i]);

        max = fmax(max, fabs((double)y[i] - want) / fmax(1, fabs(want)));
    }
    printf("     activation %d: max error %.2e\n", (int)activation, max);
    CHECK(max <= 2e-6);
    free(y);
    rig->ops->weight_free(rig->session, weight);
}

static void activations(struct rig *rig)
{
    if (rig->caps->precision != PRECISION_F32)
        return;
    rig_lane(rig);
    for (int a = ACTIVATION_NONE; a < ACTIVATIONS; a++)
        check_activation(rig, (enum activation)a);
}

TEST(operations__activations_are_exact)
{
    rig_each(activations);
}
