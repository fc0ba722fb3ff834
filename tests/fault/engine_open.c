/*
 * Each of our own allocations between launcher_open and a ready engine fails once: out of memory is
 * reported as such, nothing is freed twice or leaked, and no slower code serves instead without a
 * report.
 */
#include "adrank/engine.h"
#include "tests/fault/fault.h"
#include "tests/test.h"

#define MODEL "tests/golden/requests/two-layers"

static struct fault fault;

static int open_all(const char *linear, struct model *model, struct launcher **launcher,
                    struct engine **engine, struct err *err)
{
    const struct launcher_args launcher_args = {.backend = "cpu", .linear = linear, .threads = 2};
    const struct engine_args engine_args = {
        .model = model, .max_batch_tokens = 512, .max_batch_jobs = 4};

    *launcher = NULL;
    if (launcher_open(&launcher_args, launcher, err))
        return -1;
    return engine_open(*launcher, &engine_args, engine, err);
}

static void fail_each(const char *linear)
{
    struct model *model;
    struct err err;
    uint64_t fired = 1, n = 0;

    test_row("engine_open__survives_every_failing_allocation \"%s\"", linear);
    fault_here(&fault);
    CHECK_OK(model_open(MODEL, &model, &err), err);
    for (uint64_t from = 1; fired; from++) {
        const struct fault_plan plan = {.from = from, .count = 1};
        struct launcher *launcher;
        struct engine *engine = NULL;
        int rc;

        fault_set(&fault, FAULT_MALLOC, &plan);
        rc = open_all(linear, model, &launcher, &engine, &err);
        fired = fault_fired(&fault, FAULT_MALLOC);
        fault_clear(&fault);
        n += fired;
        if (rc == 0 && *linear == '\0' && strstr(engine_caps(engine)->device, "plain C"))
            FAIL("allocation %llu: plain C serves", (unsigned long long)from);
        if (rc && err.code != ERR_NOMEM)
            FAIL("allocation %llu: %s", (unsigned long long)from, err.text);
        CHECK((rc == 0) == (fired == 0)); /* none of them is optional */
        if (rc == 0)
            engine_close(engine);
        if (launcher)
            launcher_close(launcher);
    }
    printf("     %llu allocations\n", (unsigned long long)n);
    CHECK(n > 50);
    model_unref(model);
}

TEST(engine_open__survives_every_failing_allocation)
{
    fail_each("");
    fail_each("plain");
}
