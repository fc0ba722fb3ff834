/* Opening engines: in steps, beside others, and refused. */
#include "adrank/engine.h"

#include "base/log.h"
#include "model/engine/compute.h"
#include "model/engine/opening.h"
#include "tests/unit/model/engine/engine_fixture.h"

#define PAIRS "tests/golden/logits/three-heads"

static void put_logit_off(const struct model_dir *dir)
{
    struct model *m = model_of(REQUESTS);
    char value[64];

    /* Three times the allowed error of 1e-4 of a spread of 2. */
    snprintf(value, sizeof(value), "%.9f", m->adrank.golden.requests[3].logits[0] + 6e-4);
    model_unref(m);
    model_dir_edit(dir, "adrank.json", "/golden/requests/3/logits/0", value);
}

static void change_weights(const struct model_dir *dir)
{
    struct buf bytes AT_END(buf_release) = model_dir_get(dir, "model.safetensors");

    bytes.ptr[bytes.len - 1] ^= 0x40; /* an exponent */
    model_dir_put(dir, "model.safetensors", buf_view(&bytes));
}

static void drop_bf16(const struct model_dir *dir)
{
    model_dir_edit(dir, "adrank.json", "/golden/max_error/bf16", NULL);
}

static void break_request(const struct model_dir *dir)
{
    model_dir_edit(dir, "adrank.json", "/golden/requests/2/request/imp", "7");
}

/* As a BertModel. */
static void drop_classifier(const struct model_dir *dir)
{
    model_dir_edit(dir, "model.safetensors", "\"classifier.bias\"", "\"cls.fier.bias  \"");
    model_dir_edit(dir, "model.safetensors", "\"classifier.weight\"", "\"cls.fier.weight  \"");
}

TEST(engine__refuses_what_it_cannot_serve)
{
    static const struct {
        void (*spoil)(const struct model_dir *dir); /* NULL: the model is right */
        const char *dir;
        enum precision precision;
        int max_batch_tokens;
        const char *linear, *error;
    } rows[] = {
        {put_logit_off, REQUESTS, PRECISION_F32, 512, "", "golden request 3, candidate 0: logit "},
        {change_weights, REQUESTS, PRECISION_F32, 512, "", "golden request "},
        {drop_bf16, REQUESTS, PRECISION_BF16, 512, "plain",
         "/golden/max_error: bf16 is not stated"},
        {break_request, REQUESTS, PRECISION_F32, 512, "", "golden request 2: request: /imp"},
        {drop_classifier, PAIRS, PRECISION_F32, 512, "", "no classifier"},
        {NULL, PAIRS, PRECISION_F32, 39, "",
         "a batch of 39 tokens does not hold the 40 of one segment"},
        {NULL, PAIRS, PRECISION_INT8, 512, "", "int8"},
        {NULL, PAIRS, PRECISION_F16, 512, "", "f16"},
        {NULL, REQUESTS, PRECISION_F32, 2048, "nosuch", "nosuch"},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        struct launcher *launcher = launcher_of("cpu", rows[i].linear, 1);
        struct engine_args args = {.precision = rows[i].precision,
                                   .max_batch_tokens = rows[i].max_batch_tokens,
                                   .max_batch_jobs = 1};
        struct model_dir dir AT_END(model_dir_remove);
        struct engine *engine;
        struct err err;

        test_row("%s", rows[i].error);
        model_dir_copy(&dir, rows[i].dir);
        if (rows[i].spoil)
            rows[i].spoil(&dir);
        args.model = model_of(dir.path);
        CHECK_ERR(engine_open(launcher, &args, &engine, &err), err, rows[i].error);
        model_unref(args.model);
        launcher_close(launcher);
    }
}

/* One engine serves while another opens beside it, step by step. */
TEST(engine__opens_in_steps_while_another_serves)
{
    struct opened o AT_END(opened_release);
    struct model *other = model_of("tests/golden/requests/cross");
    struct engine_args args = args_of(other);
    struct launched first, again;
    struct engine *opening;
    int steps = 0, rc;

    opened_init(&o, "cpu", "", 2);
    launched_init(&first, &o.input);
    CHECK_OK(engine_run(o.engine, &first.batch, &o.err), o.err);
    CHECK_OK(engine_open_begin(o.launcher, &args, &opening, &o.err), o.err);
    do {
        launched_init(&again, &o.input);
        CHECK_OK(engine_submit(o.engine, &again.batch, &o.err), o.err);
        rc = engine_open_step(opening, &o.err);
        CHECK(rc >= 0);
        CHECK(poll_for(o.launcher) == &again.batch);
        CHECK(memcmp(first.logits, again.logits, sizeof(first.logits)) == 0);
        steps++;
    } while (rc > 0);
    CHECK(steps > 40);
    CHECK_INT(engine_open_step(opening, &o.err), 0);
    CHECK(engine_cost(opening)->fixed_us >= 0 && engine_cost(opening)->per_token_us >= 0);
    CHECK(engine_cost(opening)->fixed_us + engine_cost(opening)->per_token_us > 0);
    engine_close(opening);
    model_unref(other);
}

TEST(engine__closes_at_any_step_of_opening)
{
    struct opened o AT_END(opened_release);
    int rc = 1;

    opened_prepare(&o, "cpu", "", 2);
    for (int steps = 0; rc > 0; steps++) {
        CHECK_OK(engine_open_begin(o.launcher, &o.args, &o.engine, &o.err), o.err);
        rc = 1;
        for (int i = 0; i < steps && rc > 0; i++)
            rc = engine_open_step(o.engine, &o.err);
        CHECK(rc >= 0);
        engine_close(o.engine);
        o.engine = NULL;
        if (steps > 45)
            steps += 6; /* measuring and golden requests: many similar steps */
    }
}

/* ---- measuring ------------------------------------------------------------------------------- */

/* Calls of the operations of an opening engine. */
static struct {
    const struct backend_ops *real;
    int slices, most_tokens, attentions;
} seen;

static int seeing_begin(struct lane *lane, const struct slice *slice, const struct pass *pass,
                        struct err *err)
{
    seen.slices++;
    if (slice->n_tokens > seen.most_tokens)
        seen.most_tokens = slice->n_tokens;
    return seen.real->begin(lane, slice, pass, err);
}

static int seeing_attention(struct lane *lane, const struct attention_args *args, struct err *err)
{
    seen.attentions++;
    return seen.real->attention(lane, args, err);
}

static struct engine *begin_seen(struct launcher *launcher, const struct engine_args *args)
{
    struct backend_ops *ops;
    struct engine *engine;
    struct err err;

    CHECK_OK(engine_open_begin(launcher, args, &engine, &err), err);
    memset(&seen, 0, sizeof(seen));
    seen.real = launcher->ops;
    ops = patched_ops(engine);
    ops->begin = seeing_begin;
    ops->attention = seeing_attention;
    return engine;
}

/* Steps until the stage is reached. Returns their number. */
static int step_to(struct engine *engine, int stage)
{
    struct err err;
    int steps = 0, rc = 1;

    while (rc > 0 && engine->opening->stage < stage) {
        rc = engine_open_step(engine, &err);
        steps++;
        CHECK_OK(rc < 0 ? -1 : 0, err);
    }
    return steps;
}

/* engine.c's table. */
enum { STAGE_COST = 4, STAGE_GOLDEN };

/* A device of 1 ms and 20 us a token, whatever the layers. */
static struct launcher *paced_launcher(void)
{
    setenv("ADRANK_PACED_FIXED_US", "1000", 1);
    setenv("ADRANK_PACED_TOKEN_NS", "20000", 1);
    return launcher_of(module_path("paced"), "", 1);
}

/* For measurements: on a busy machine a step may look too long and be omitted. A real fault
 * persists. */
#define TRY(attempt)                                                                               \
    do {                                                                                           \
        int tries_ = 0;                                                                            \
        while (!(attempt))                                                                         \
            CHECK(++tries_ < 10);                                                                  \
    } while (0)

static bool measures_small_batches_only(struct engine_args *args, bool beside)
{
    struct launcher *launcher = paced_launcher();
    struct engine *engine;
    bool measures;

    args->max_step_us = beside ? 4000 : 0; /* of 150 tokens */
    test_row("at most %d us", args->max_step_us);
    engine = begin_seen(launcher, args);
    step_to(engine, STAGE_GOLDEN);
    if (beside)
        CHECK(seen.most_tokens <= 300);
    /* Precision depends on the machine; beside others there may be too few shapes for a slope. */
    measures = seen.slices >= (beside ? 1 : 8) &&
               (beside || (seen.most_tokens >= 2000 && engine->cost.per_token_us > 1));
    engine_close(engine);
    launcher_close(launcher);
    return measures;
}

/* Shapes that would take longer than a step may are never run beside others, but are run where
 * nothing waits. */
TEST(engine__measures_small_batches_only_beside_others)
{
    struct model *m = model_of(REQUESTS);
    struct engine_args args = args_of(m);

    args.max_batch_tokens = 8192;
    args.skip_golden = true;
    for (int beside = 0; beside < 2; beside++)
        TRY(measures_small_batches_only(&args, beside));
    model_unref(m);
}

static bool measures_layer_by_layer(void)
{
    struct model *m = model_of("tests/golden/logits/long");
    struct launcher *launcher = paced_launcher();
    struct engine_args args = args_of(m);
    struct engine *engine;
    float logit[2];
    struct err err;
    int64_t us;

    args.skip_golden = true;
    args.max_step_us = 4000;
    engine = begin_seen(launcher, &args);
    step_to(engine, STAGE_GOLDEN);
    CHECK(seen.slices == 0 || seen.attentions < m->encoders[0].config.layers * seen.slices);
    bool two = seen.attentions > seen.slices;
    seen.attentions = 0;
    struct input input = {0};
    CHECK_OK(input_reserve(&input, 1, 1, &err), err);
    input.n_tokens = input.n_segments = input.n_read = 1;
    input.ids[0] = input.types[0] = 0;
    input.segments[0] = (struct segment){.len = 1, .parent = -1, .read = true};
    CHECK(m->head.labels <= 2);
    CHECK_OK(engine_compute(engine, &input, logit, &us, &err), err);
    CHECK_INT(seen.attentions, m->encoders[0].config.layers);
    input_release(&input);
    engine_close(engine);
    launcher_close(launcher);
    model_unref(m);
    return two;
}

/* Where all layers would take too long one and two are run; afterwards all of them again. */
TEST(engine__measures_a_slow_model_layer_by_layer)
{
    TRY(measures_layer_by_layer());
}

static bool measures_a_shape_once(void)
{
    static const struct {
        const char *name, *dir;
        enum precision precision;
        int max_step_us;
        bool measures;
    } rows[] = {
        {"the first, beside others", REQUESTS, PRECISION_F32, 10000, true},
        {"again beside others", REQUESTS, PRECISION_F32, 10000, false},
        {"alone: in full", REQUESTS, PRECISION_F32, 0, true},
        {"alone again", REQUESTS, PRECISION_F32, 0, false},
        {"beside others once more", REQUESTS, PRECISION_F32, 10000, false},
        {"in another precision", REQUESTS, PRECISION_BF16, 0, true},
        {"of other sizes", "tests/golden/requests/cross", PRECISION_F32, 0, true},
        {"the one before", REQUESTS, PRECISION_F32, 0, false},
    };
    struct launcher *launcher = launcher_of(module_path("null"), "", 1);
    bool many = true;

    for (int i = 0; i < COUNT(rows); i++) {
        struct model *m = model_of(rows[i].dir);
        struct engine_args args = args_of(m);
        struct engine *engine;
        args.precision = rows[i].precision;
        args.max_step_us = rows[i].max_step_us;
        args.skip_golden = true;
        test_row("%s", rows[i].name);
        engine = begin_seen(launcher, &args);
        step_to(engine, STAGE_COST);
        CHECK_INT(seen.slices, 0);
        int steps = step_to(engine, STAGE_GOLDEN);
        if (rows[i].measures) {
            many = many && steps > 20 && seen.slices >= 20;
        } else {
            CHECK_INT(steps, 1);
            CHECK_INT(seen.slices, 0);
        }
        CHECK(engine->cost.fixed_us + engine->cost.per_token_us + engine->cost.per_segment_us > 0);
        engine_close(engine);
        model_unref(m);
    }
    launcher_close(launcher);
    return many;
}

/* Models of equal sizes and precision are measured once. What was measured in short steps is reused
 * only in short steps. */
TEST(engine__measures_a_shape_of_model_once)
{
    TRY(measures_a_shape_once());
}

/* With more models than it keeps the oldest is measured again. */
TEST(launcher__keeps_a_handful_of_costs)
{
    struct opened o AT_END(opened_release);

    opened_prepare(&o, module_path("null"), "", 1);
    o.args.skip_golden = true;
    for (int i = 0; i <= LAUNCHER_COSTS + 1; i++) {
        struct engine *engine;
        o.args.max_batch_tokens = 1000 + i % (LAUNCHER_COSTS + 1);
        test_row("%d", i);
        engine = begin_seen(o.launcher, &o.args);
        step_to(engine, STAGE_GOLDEN);
        CHECK(seen.slices > 0);
        engine_close(engine);
    }
}

/* A device on which a token takes a second, by the cost function: each golden request is computed
 * segment by segment, and judged as a whole. */
TEST(engine__cuts_golden_requests_beside_others)
{
    struct opened o AT_END(opened_release);
    const struct golden *golden;
    int candidates = 0;

    opened_prepare(&o, "cpu", "plain", 1);
    o.args.max_step_us = 1;
    golden = &o.model->adrank.golden;
    for (int i = 0; i < golden->n_requests; i++)
        candidates += golden->requests[i].n_logits;
    for (int slow = 0; slow < 2; slow++) {
        struct engine *engine = begin_seen(o.launcher, &o.args);
        int rc;
        step_to(engine, STAGE_GOLDEN);
        engine->cost = (struct engine_cost){.per_token_us = slow ? 1e6 : 1e-9, .lanes = 1};
        seen.slices = 0;
        do
            rc = engine_open_step(engine, &o.err);
        while (rc > 0);
        CHECK_OK(rc, o.err);
        test_row("%s", slow ? "slow" : "fast");
        CHECK(slow ? seen.slices == candidates : seen.slices < candidates);
        CHECK(engine->golden_error < 1e-3);
        engine_close(engine);
    }
}

/* Golden requests and logits that are not finite keep an engine from opening. */
TEST(engine__does_not_open_on_a_device_that_fails)
{
    static const char *const words[] = {"weight", "linear", "query", "nan"};
    const char *module = module_path("failing");

    for (int i = 0; i < COUNT(words); i++) {
        struct opened o AT_END(opened_release);
        test_row("%s", words[i]);
        set_failing("");
        opened_prepare(&o, module, "", 1);
        set_failing(words[i]);
        CHECK_INT(engine_open(o.launcher, &o.args, &o.engine, &o.err), -1);
    }
    set_failing("");
    unlink(getenv("ADRANK_FAILING_FILE"));
}

TEST(launcher__refuses_unknown_backends)
{
    const struct launcher_args args = {.backend = "nosuch", .threads = 1};
    struct launcher *launcher;
    struct err err;

    CHECK_ERR(launcher_open(&args, &launcher, &err), err, "nosuch");
}

/* This tree builds no CUDA module; where one opens, no backend was skipped. */
TEST(launcher__logs_why_auto_does_not_take_a_backend)
{
    char path[] = "/tmp/adrank-launcher-XXXXXX", text[1024] = "";
    int fd = mkstemp(path);
    struct launcher *launcher;

    CHECK(fd != -1);
    unlink(path);
    log_init(fd, LOG_INFO);
    launcher = launcher_of("auto", "", 1);
    CHECK(pread(fd, text, sizeof(text) - 1, 0) >= 0);
    if (strcmp(launcher_backend(launcher), "cpu") == 0) {
        CHECK(strstr(text, "event=backend_not_taken backend=cuda instead=cpu reason=") != NULL);
        CHECK(strstr(text, "choose the backend cpu") != NULL || strstr(text, "install") != NULL);
    }
    log_init(STDERR_FILENO, LOG_INFO);
    close(fd);
    launcher_close(launcher);
}
