/* Tests of model/platt.c. */
#include "model/platt.h"

#include "base/rng.h"
#include "tests/test.h"

#define N 20000

static struct labelled examples[N];

/* Clicks drawn with the probability that a and b give. */
static void draw(double a, double b, double scale)
{
    struct rng rng;

    rng_init(&rng, 11);
    for (int i = 0; i < N; i++) {
        double logit = (rng_double(&rng) * 8 - 4) * scale;
        double p = 1 / (1 + exp(-(a * logit + b)));
        examples[i] = (struct labelled){logit, rng_double(&rng) < p};
    }
}

TEST(platt__finds_what_clicks_were_drawn_with)
{
    static const struct {
        double a, b, scale;
    } rows[] = {{1, 0, 1}, {0.5, -2, 1}, {2.5, 1, 1}, {0.003, -1, 300}, {120, -3, 0.01}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct calibration none = {1, 0};
        struct calibration c;
        struct err err;
        test_row("a %g b %g", rows[i].a, rows[i].b);
        draw(rows[i].a, rows[i].b, rows[i].scale);
        CHECK_OK(platt_fit(examples, N, &c, &err), err);
        CHECK_NEAR(c.a / rows[i].a, 1, 0.06);
        CHECK_NEAR(c.b, rows[i].b, 0.12);
        CHECK(normalized_entropy(examples, N, &c) < 1);
        if (i)
            CHECK(normalized_entropy(examples, N, &c) < normalized_entropy(examples, N, &none));
    }
}

/* The gradient is 0 there: clicks are as many as their probabilities say. */
TEST(platt__is_calibrated_on_its_own_examples)
{
    struct calibration c;
    double sum = 0, clicks = 0;
    struct err err;

    draw(0.7, -1.5, 1);
    CHECK_OK(platt_fit(examples, N, &c, &err), err);
    for (int i = 0; i < N; i++) {
        sum += calibration_pctr(&c, examples[i].logit);
        clicks += examples[i].click;
    }
    CHECK_NEAR(sum, clicks, 1e-3);
}

TEST(platt__refuses_what_it_cannot_fit)
{
    struct calibration c;
    struct err err;

    draw(1, 0, 1);
    CHECK_ERR(platt_fit(examples, 39, &c, &err), err, "39 examples with ");
    for (int i = 0; i < 1000; i++)
        examples[i].click = i < 4;
    CHECK_ERR(platt_fit(examples, 1000, &c, &err), err,
              "1000 examples with 4 clicks, want at least");
    for (int i = 0; i < 1000; i++)
        examples[i].click = i >= 4;
    CHECK_ERR(platt_fit(examples, 1000, &c, &err), err, "996 clicks");
    draw(-1, 0, 1);
    CHECK_ERR(platt_fit(examples, 1000, &c, &err), err, "logits do not increase with clicks");
    for (int i = 0; i < 1000; i++)
        examples[i] = (struct labelled){i - 500, i >= 500};
    CHECK_ERR(platt_fit(examples, 1000, &c, &err), err, "the fit does not converge");
    for (int i = 0; i < 1000; i++)
        examples[i] = (struct labelled){2, i % 3 == 0};
    CHECK(platt_fit(examples, 1000, &c, &err) == -1); /* all alike */
}
