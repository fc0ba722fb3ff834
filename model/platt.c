/* Newton's method with a line search. */
#include "model/platt.h"

#include <math.h>

#define MAX_ROUNDS 200
#define MIN_STEP 1e-10
#define RIDGE 1e-12 /* keeps the Hessian positive where all logits are alike */

/* log(1 + exp(x)) without overflow. */
static double softplus(double x)
{
    return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

static double loss(const struct labelled *examples, size_t n, const struct calibration *c)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++) {
        double x = c->a * examples[i].logit + c->b;
        sum += softplus(examples[i].click ? -x : x);
    }
    return sum;
}

struct step {
    double a, b, slope; /* slope: of the loss along it, below 0 */
};

/* Newton's, from gradient and Hessian of the loss. */
static struct step newton(const struct labelled *examples, size_t n, const struct calibration *c)
{
    double ga = 0, gb = 0, haa = RIDGE, hbb = RIDGE, hab = 0, det;
    struct step step;

    for (size_t i = 0; i < n; i++) {
        double f = examples[i].logit;
        double p = 1 / (1 + exp(-(c->a * f + c->b)));
        double g = p - (examples[i].click ? 1 : 0), h = p * (1 - p);
        ga += g * f;
        gb += g;
        haa += h * f * f;
        hab += h * f;
        hbb += h;
    }
    det = haa * hbb - hab * hab;
    step.a = -(hbb * ga - hab * gb) / det;
    step.b = -(haa * gb - hab * ga) / det;
    step.slope = ga * step.a + gb * step.b;
    return step;
}

size_t labelled_clicks(const struct labelled *examples, size_t n)
{
    size_t clicks = 0;

    for (size_t i = 0; i < n; i++)
        clicks += examples[i].click;
    return clicks;
}

/* Then no slope is steep enough. */
static bool separated(const struct labelled *examples, size_t n)
{
    double lowest_click = INFINITY, highest_other = -INFINITY;

    for (size_t i = 0; i < n; i++) {
        if (examples[i].click)
            lowest_click = fmin(lowest_click, examples[i].logit);
        else
            highest_other = fmax(highest_other, examples[i].logit);
    }
    return highest_other < lowest_click;
}

static int fit(const struct labelled *examples, size_t n, struct calibration *c)
{
    double now = loss(examples, n, c);

    for (int round = 0; round < MAX_ROUNDS; round++) {
        struct step step = newton(examples, n, c);
        double size = 1;

        if (!isfinite(step.a) || !isfinite(step.b))
            return -1;
        if (-step.slope < 1e-12 * (double)n)
            return 0;
        for (; size >= MIN_STEP; size /= 2) {
            struct calibration next = {c->a + size * step.a, c->b + size * step.b};
            double then = loss(examples, n, &next);
            if (then > now + 1e-4 * size * step.slope)
                continue;
            *c = next;
            now = then;
            break;
        }
        if (size < MIN_STEP)
            return 0; /* as low as rounding allows */
    }
    return -1;
}

int platt_fit(const struct labelled *examples, size_t n, struct calibration *out, struct err *err)
{
    size_t clicks = labelled_clicks(examples, n);

    if (n < PLATT_MIN_EXAMPLES || clicks < PLATT_MIN_EACH || n - clicks < PLATT_MIN_EACH)
        return err_set(err, ERR_DATA,
                       "%zu examples with %zu clicks, want at least %d with %d clicks and as many "
                       "without",
                       n, clicks, PLATT_MIN_EXAMPLES, PLATT_MIN_EACH);
    *out =
        (struct calibration){.a = 0, .b = log(((double)clicks + 1) / ((double)(n - clicks) + 1))};
    if (separated(examples, n) || fit(examples, n, out) || !(out->a < 1e6) || !(fabs(out->b) < 1e6))
        return err_set(err, ERR_DATA, "the fit does not converge: logits separate clicks exactly");
    if (!(out->a >= 1e-6))
        return err_set(err, ERR_DATA, "logits do not increase with clicks (slope %.3g)", out->a);
    return 0;
}

double normalized_entropy(const struct labelled *examples, size_t n,
                          const struct calibration *calibration)
{
    double rate = (double)labelled_clicks(examples, n) / (double)n;
    double entropy = -(rate * log(rate) + (1 - rate) * log(1 - rate));

    return loss(examples, n, calibration) / (double)n / entropy;
}
