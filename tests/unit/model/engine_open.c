/* Opening engines: in steps, beside others, and refused. */
#include "adrank/engine.h"

#include "tests/unit/model/engine_fixture.h"

#define PAIRS "tests/golden/logits/three-heads"

static void check_open_refused(const char *dir, struct engine_args args, const char *linear,
                               const char *error)
{
    struct device *device = device_of("cpu", linear, 1);
    struct engine *engine;
    struct err err;

    args.model = model_of(dir);
    CHECK_ERR(engine_open(device, &args, &engine, &err), err, error);
    model_unref(args.model);
    device_close(device);
}

TEST(engine__refuses_golden_requests_that_are_not_met)
{
    struct engine_args args = {.max_batch_tokens = 512, .max_batch_jobs = 1};
    struct model_dir dir;
    struct model *m = model_of(REQUESTS);
    char value[64];

    /* Three times the allowed error of 1e-4 of a spread of 2. */
    snprintf(value, sizeof(value), "%.9f", m->adrank.golden.requests[3].logits[0] + 6e-4);
    model_unref(m);
    model_dir_copy(&dir, REQUESTS);
    model_dir_edit(&dir, "adrank.json", "/golden/requests/3/logits/0", value);
    check_open_refused(dir.path, args, "", "golden request 3, candidate 0: logit ");
    model_dir_remove(&dir);
}

TEST(engine__refuses_weights_that_were_changed)
{
    struct engine_args args = {.max_batch_tokens = 512, .max_batch_jobs = 1};
    struct model_dir dir;
    struct buf bytes;

    model_dir_copy(&dir, REQUESTS);
    bytes = model_dir_get(&dir, "model.safetensors");
    bytes.ptr[bytes.len - 1] ^= 0x40; /* an exponent */
    model_dir_put(&dir, "model.safetensors", buf_view(&bytes));
    check_open_refused(dir.path, args, "", "golden request ");
    buf_release(&bytes);
    model_dir_remove(&dir);
}

TEST(engine__refuses_a_precision_without_a_stated_error)
{
    struct engine_args args = {
        .max_batch_tokens = 512, .max_batch_jobs = 1, .precision = PRECISION_BF16};
    struct model_dir dir;

    model_dir_copy(&dir, REQUESTS);
    model_dir_edit(&dir, "adrank.json", "/golden/max_error/bf16", NULL);
    check_open_refused(dir.path, args, "plain", "/golden/max_error: bf16 is not stated");
    model_dir_remove(&dir);
}

TEST(engine__refuses_golden_requests_that_are_none)
{
    struct engine_args args = {.max_batch_tokens = 512, .max_batch_jobs = 1};
    struct model_dir dir;

    model_dir_copy(&dir, REQUESTS);
    model_dir_edit(&dir, "adrank.json", "/golden/requests/2/request/imp", "7");
    check_open_refused(dir.path, args, "", "golden request 2: request: /imp");
    model_dir_remove(&dir);
}

TEST(engine__refuses_what_it_cannot_serve)
{
    struct engine_args small = {.max_batch_tokens = 39, .max_batch_jobs = 1};
    struct engine_args int8 = {
        .max_batch_tokens = 512, .max_batch_jobs = 1, .precision = PRECISION_INT8};
    struct engine_args f16 = {
        .max_batch_tokens = 512, .max_batch_jobs = 1, .precision = PRECISION_F16};
    struct device *device = device_of("cpu", "", 1);
    struct engine *engine;
    struct err err;
    struct model *m = model_of(PAIRS);
    struct engine_args args = args_of(m);

    check_open_refused(PAIRS, small, "",
                       "a batch of 39 tokens does not hold the 40 of one segment");
    check_open_refused(PAIRS, int8, "", "int8");
    check_open_refused(PAIRS, f16, "", "f16");
    m->config.labels = 0; /* as a BertModel opens */
    CHECK_ERR(engine_open_begin(device, &args, &engine, &err), err, "no classifier");
    model_unref(m);
    device_close(device);
}

/* One engine goes on serving while another opens beside it, step by step. */
TEST(engine__opens_in_steps_while_another_serves)
{
    struct device *device = device_of("cpu", "", 2);
    struct model *old_model = model_of(REQUESTS),
                 *new_model = model_of("tests/golden/requests/cross");
    struct engine *old = engine_of(device, old_model, false), *new_engine;
    struct engine_args args = args_of(new_model);
    struct input input = request_of(old_model, 4);
    struct launched first, again;
    struct err err;
    int steps = 0, rc;

    launched_init(&first, &input);
    CHECK_OK(engine_run(old, &first.batch, &err), err);
    CHECK_OK(engine_open_begin(device, &args, &new_engine, &err), err);
    do {
        launched_init(&again, &input);
        CHECK_OK(engine_submit(old, &again.batch, &err), err);
        rc = engine_open_step(new_engine, &err);
        CHECK(rc >= 0);
        CHECK(poll_for(device) == &again.batch);
        CHECK(memcmp(first.logits, again.logits, sizeof(first.logits)) == 0);
        steps++;
    } while (rc > 0);
    CHECK(steps > 40);
    CHECK_INT(engine_open_step(new_engine, &err), 0);
    CHECK(engine_cost(new_engine)->fixed_us >= 0 && engine_cost(new_engine)->per_token_us >= 0);
    CHECK(engine_cost(new_engine)->fixed_us + engine_cost(new_engine)->per_token_us > 0);
    engine_close(old);
    engine_close(new_engine);
    device_close(device);
    input_release(&input);
    model_unref(old_model);
    model_unref(new_model);
}

TEST(engine__closes_at_any_step_of_opening)
{
    struct device *device = device_of("cpu", "", 2);
    struct model *m = model_of(REQUESTS);
    struct engine_args args = args_of(m);
    struct err err;
    int rc = 1;

    for (int steps = 0; rc > 0; steps++) {
        struct engine *engine;
        CHECK_OK(engine_open_begin(device, &args, &engine, &err), err);
        rc = 1;
        for (int i = 0; i < steps && rc > 0; i++)
            rc = engine_open_step(engine, &err);
        CHECK(rc >= 0);
        engine_close(engine);
        if (steps > 45)
            steps += 6; /* measuring and golden requests: many alike */
    }
    device_close(device);
    model_unref(m);
}

/* Golden requests and logits that are not finite keep an engine from opening. */
TEST(engine__does_not_open_on_a_device_that_fails)
{
    static const char *const words[] = {"weight", "linear", "query", "nan"};
    const char *module = module_path("failing");
    struct model *m = model_of(REQUESTS);
    struct engine_args args = args_of(m);

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        struct device *device;
        struct engine *engine;
        struct err err;
        test_row("%s", words[i]);
        tell_failing("");
        device = device_of(module, "", 1);
        tell_failing(words[i]);
        CHECK_INT(engine_open(device, &args, &engine, &err), -1);
        device_close(device);
    }
    tell_failing("");
    unlink(getenv("ADRANK_FAILING_FILE"));
    model_unref(m);
}

TEST(device__refuses_unknown_backends)
{
    const struct device_args args = {.backend = "nosuch", .threads = 1};
    const struct device_args linear = {.backend = "cpu", .linear = "nosuch", .threads = 1};
    struct device *device;
    struct err err;

    CHECK_ERR(device_open(&args, &device, &err), err, "nosuch");
    CHECK_ERR(device_open(&linear, &device, &err), err, "nosuch");
}

TEST_MAIN
