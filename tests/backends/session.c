/* The engine on a device that behaves like a GPU (queue.c): two batches in flight, replayed passes,
 * rungs, host memory of the device, and a device that outlives its engines. */
#include <dlfcn.h>

#include "tests/backends/queue_counts.h"
#include "tests/unit/model/engine/engine_fixture.h"

static struct launcher *launcher;
static struct queue_counts *counts;
static struct model *m;
static struct input inputs[2]; /* golden requests 4 and 3 */
static struct engine *engine;

static void begin(void)
{
    const char *path = MODULES "/adrank-backend-queue.so";
    void *module = dlopen(path, RTLD_NOW);

    CHECK(module != NULL);
    counts = dlsym(module, "queue_counts");
    CHECK(counts != NULL);
    memset(counts, 0, sizeof(*counts));
    launcher = launcher_of(path, "", 1);
    m = model_of(REQUESTS);
    for (int i = 0; i < 2; i++)
        inputs[i] = request_of(m, 4 - i);
    engine = engine_of(launcher, m, true);
}

static void end(void)
{
    engine_close(engine);
    for (int i = 0; i < 2; i++)
        input_release(&inputs[i]);
    model_unref(m);
    CHECK_INT(counts->devices_closed, 0);
    launcher_close(launcher);
    CHECK_INT(counts->devices_opened, 1);
    CHECK_INT(counts->devices_closed, 1);
    CHECK_INT(counts->sessions_closed, counts->sessions_opened);
    CHECK_INT(counts->host_blocks, 0);
}

static void run(struct engine *with, const struct input *input)
{
    struct launched l;
    struct err err;

    launched_init(&l, input);
    CHECK_OK(engine_run(with, &l.batch, &err), err);
    check_null_logits(&l, input);
}

TEST(session__a_device_outlives_three_engines)
{
    begin();
    for (int i = 0; i < 2; i++) {
        struct engine *before = engine;
        engine = engine_of(launcher, m, true); /* while the previous one is open */
        run(before, &inputs[0]);
        run(engine, &inputs[0]);
        CHECK_INT(counts->host_blocks, 2 * engine->n_launches);
        engine_close(before);
        run(engine, &inputs[0]);
    }
    CHECK_INT(counts->sessions_opened, 3);
    CHECK_INT(counts->sessions_closed, 2);
    end();
}

TEST(session__two_batches_are_in_flight)
{
    struct launched l[2];
    struct err err;

    begin();
    CHECK_INT(engine->n_launches, 2);
    for (int round = 0; round < 5; round++) { /* replayed from the third on */
        for (int i = 0; i < 2; i++) {
            launched_init(&l[i], &inputs[i]);
            CHECK_OK(engine_submit(engine, &l[i].batch, &err), err);
        }
        CHECK(!launcher_poll(launcher));
        for (int i = 0; i < 2; i++) {
            CHECK(poll_for(launcher) == &l[i].batch);
            check_null_logits(&l[i], &inputs[i]);
        }
    }
    CHECK_INT(counts->most_in_flight, 2);
    end();
}

/* Inputs with other tokens and other numbers of candidates in one rung: each gets its own scores.
 */
TEST(session__a_recorded_pass_is_replayed_for_other_inputs)
{
    int recorded, replayed;

    begin();
    for (int i = 0; i < inputs[1].n_tokens; i++)
        inputs[1].ids[i] ^= 1;
    run(engine, &inputs[0]);
    run(engine, &inputs[0]);
    recorded = counts->recorded;
    replayed = counts->replayed;
    for (int i = 0; i < 6; i++) {
        run(engine, &inputs[i % 2]);
        CHECK(counts->tokens <= counts->rung_tokens);
    }
    CHECK_INT(counts->recorded, recorded);
    CHECK_INT(counts->replayed, replayed + 6);
    end();
}

TEST(session__a_batch_costs_its_rung)
{
    const struct engine_cost *cost;

    begin();
    cost = engine_cost(engine);
    for (int tokens = 65; tokens <= 96; tokens++) {
        const struct input_shape shape = {.tokens = tokens}, full = {.tokens = 96};
        CHECK_NEAR(engine_cost_us(cost, &shape, 1), engine_cost_us(cost, &full, 1), 0);
    }
    CHECK_INT(cost->ladder.n, launcher_caps(launcher)->ladder.n);
    end();
}
