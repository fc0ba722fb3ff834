/* Whole requests through templates, behaviours and kinds: logits equal what transformers made of
 * the same segments. */
#include <jansson.h>

#include "model/model_struct.h"
#include "model/request_input.h"
#include "tests/golden/golden_engine.h"
#include "tests/js.h"

#define FOLDER "tests/golden/requests"
#define MAX_REQUESTS 64
#define MAX_ADS 16
#define MAX_LABELS 2

struct requests {
    const struct golden *golden; /* the model's own */
    int n;
    struct input inputs[MAX_REQUESTS];
    float logits[MAX_REQUESTS][MAX_ADS * MAX_LABELS];
};

static void requests_open(struct requests *r, const struct model *m)
{
    struct request_input builder;
    struct err err;

    *r = (struct requests){.golden = &m->adrank.golden, .n = m->adrank.golden.n_requests};
    CHECK(r->n > 10 && r->n <= MAX_REQUESTS);
    request_input_init(&builder);
    for (int i = 0; i < r->n; i++) {
        const struct golden_request *request = &r->golden->requests[i];
        CHECK_OK(
            request_input_build(&builder, m, request->body, request->now_ms, &r->inputs[i], &err),
            err);
        CHECK_INT(r->inputs[i].n_read, request->n_logits);
        CHECK(request->n_logits <= MAX_ADS);
    }
    request_input_release(&builder);
}

static void requests_close(struct requests *r)
{
    for (int i = 0; i < r->n; i++)
        input_release(&r->inputs[i]);
}

/* In the order given, so many to a batch. */
static void requests_score(struct requests *r, struct golden_engine *g, const int *order,
                           int per_batch)
{
    for (int from = 0; from < r->n; from += per_batch) {
        const struct input *inputs[MAX_REQUESTS];
        float *logits[MAX_REQUESTS];
        int n = 0;
        for (; n < per_batch && from + n < r->n; n++) {
            inputs[n] = &r->inputs[order[from + n]];
            logits[n] = r->logits[order[from + n]];
        }
        golden_engine_score(g, inputs, logits, n);
    }
}

static double requests_error(const struct requests *r, const struct model *m)
{
    double worst = 0;

    for (int i = 0; i < r->n; i++)
        for (int k = 0; k < r->golden->requests[i].n_logits; k++)
            worst =
                fmax(worst, fabs(model_logit(m, r->logits[i] + (ptrdiff_t)k * model_out_width(m)) -
                                 r->golden->requests[i].logits[k]));
    return worst / r->golden->spread;
}

static void count_up(int *order, int n)
{
    for (int i = 0; i < n; i++)
        order[i] = i;
}

static double bf16_error_of(const char *dir)
{
    json_t *doc = json_load_file(js("%s/golden.json", dir), 0, NULL);
    double error = json_real_value(json_object_get(doc, "bf16_error"));

    json_decref(doc);
    CHECK(error > 0);
    return error;
}

/* Opened as a daemon does: golden requests within what the directory states, which is what was
 * measured when it was written, rounded up. */
static void check_error(const char *name, const struct golden_engine_args *args)
{
    const bool f32 = args->precision == PRECISION_F32;
    double allowed = f32 ? 1e-4 : 1.2 * bf16_error_of(args->dir), error, stated;
    struct golden_engine g AT_END(golden_engine_close);
    struct requests r AT_END(requests_close);
    int order[MAX_REQUESTS];

    golden_engine_open(&g, args);
    requests_open(&r, g.model);
    stated = r.golden->max_error[args->precision];
    count_up(order, r.n);
    requests_score(&r, &g, order, f32 ? 1 : 4);
    error = requests_error(&r, g.model);
    test_row("%s %s: error over spread %.3g, allowed %.3g, stated %.3g",
             precision_names[args->precision], name, error, allowed, stated);
    printf("     %-4s %-14s error over spread %.2e, allowed %.2e\n",
           precision_names[args->precision], name, error, allowed);
    CHECK(error <= allowed);
    CHECK(f32 || (error > 0 && stated >= allowed && stated < allowed + 1e-3));
}

/* The same to the bit: alone, together, in another order, by more threads. A family then lies in
 * one slice or is cut apart from its parent. */
static void check_bits(const char *name, const struct golden_engine_args *any)
{
    static float alone[MAX_REQUESTS][MAX_ADS * MAX_LABELS];
    struct golden_engine_args args = *any;
    int order[MAX_REQUESTS];

    test_row("bits of %s", name);
    for (args.threads = 1; args.threads <= 3; args.threads++) {
        struct golden_engine g AT_END(golden_engine_close);
        struct requests r AT_END(requests_close);
        golden_engine_open(&g, &args);
        requests_open(&r, g.model);
        for (int per_batch = 1; per_batch <= r.n; per_batch += 4) {
            count_up(order, r.n);
            for (int i = 0; per_batch > 1 && i < r.n; i++)
                order[i] = (i * 5 + 3) % r.n; /* r.n is no multiple of 5 */
            memset(r.logits, 0x55, sizeof(r.logits));
            requests_score(&r, &g, order, per_batch);
            if (args.threads == 1 && per_batch == 1)
                memcpy(alone, r.logits, sizeof(alone));
            CHECK(memcmp(alone, r.logits, sizeof(alone)) == 0);
        }
    }
}

TEST(requests__f32_equal_transformers)
{
    golden_engine_each(FOLDER, (struct golden_engine_args){0}, check_error);
}

/* The portable provider always has bf16, whatever the processor. */
TEST(requests__bf16_lose_no_more_than_pytorch)
{
    golden_engine_each(FOLDER,
                       (struct golden_engine_args){.linear = "plain", .precision = PRECISION_BF16},
                       check_error);
}

/* What a daemon computes with. */
TEST(requests__bf16_of_the_processor_lose_no_more_than_pytorch)
{
    golden_engine_need_bf16();
    golden_engine_each(FOLDER, (struct golden_engine_args){.precision = PRECISION_BF16},
                       check_error);
}

TEST(requests__are_bit_equal_in_any_batch_and_by_any_threads)
{
    golden_engine_each(FOLDER, (struct golden_engine_args){.max_batch_tokens = 8192}, check_bits);
}
