#include "kernels/cpu/onednn_plan.h"

#include "tests/test.h"

TEST(onednn_plan__takes_the_highest_rung_that_agrees)
{
    struct onednn_plan plan = {.lowest = 0};

    plan.usable[0] = plan.usable[2] = plan.usable[15] = true;
    CHECK_INT(onednn_plan_rung(&plan, 16), 0);
    CHECK_INT(onednn_plan_rung(&plan, 31), 0);
    CHECK_INT(onednn_plan_rung(&plan, 32), 0); /* rung 1 does not agree */
    CHECK_INT(onednn_plan_rung(&plan, 48), 2);
    CHECK_INT(onednn_plan_rung(&plan, 255), 2);
    CHECK_INT(onednn_plan_rung(&plan, 256), 15);
    CHECK_INT(onednn_plan_rung(&plan, 100000), 15);
}

/* Prints what this processor and this oneDNN agree on: 32 rows are left out on AVX2 with 2.6. */
TEST(onednn_plan__leaves_out_rungs_that_change_bits)
{
    const struct onednn_shape shape = {
        .in = 384, .out = 384, .operand = dnnl_f32, .result = dnnl_f32, .bias = true};
    struct onednn_plan *plan;
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    struct err err;
    int n = 0;

    CHECK_INT(dnnl_engine_create(&engine, dnnl_cpu, 0), dnnl_success);
    CHECK_INT(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags), dnnl_success);
    CHECK_OK(onednn_plan_new(engine, stream, &shape, &plan, &err), err);
    printf("     %s, rows:", plan->rungs[PLAN_RUNGS - 1].implementation);
    for (int i = 0; i < PLAN_RUNGS; i++)
        if (plan->usable[i])
            n += printf(" %d", plan_rows(i)) > 0;
    printf("\n");
    CHECK(n >= 1);
    CHECK(plan->usable[plan->lowest]);
    for (int i = 0; i < plan->lowest; i++)
        CHECK(!plan->usable[i]);
    onednn_plan_free(plan);
    onednn_plan_free(NULL);
    dnnl_stream_destroy(stream);
    dnnl_engine_destroy(engine);
}

TEST_MAIN
