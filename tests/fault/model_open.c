/*
 * Every allocation while a model directory is opened fails once, those of jansson and OpenSSL
 * included: every failure for lack of memory is reported as such, not as bad JSON, a bad tensor or
 * a failed digest.
 */
#include <jansson.h>

#include "adrank/model.h"
#include "model/files/json_load.h"
#include "tests/fault/fault.h"
#include "tests/test.h"

static struct fault fault;

static void fail_each(const char *dir)
{
    uint64_t fired = 1, n = 0;

    test_row("model_open__reports_every_failing_allocation_as_memory %s", dir);
    json_set_alloc_funcs(model_json_malloc, model_json_free);
    fault_here(&fault);
    for (uint64_t from = 1; fired; from++) {
        const struct fault_plan plan = {.from = from, .count = 1};
        struct model *model = NULL;
        struct err err = {0};
        int rc;

        fault_set(&fault, FAULT_MALLOC, &plan);
        rc = model_open(dir, &model, &err);
        fired = fault_fired(&fault, FAULT_MALLOC);
        fault_clear(&fault);
        n += fired;
        if (rc && (err.code != ERR_NOMEM || !strstr(err.text, "memory")))
            FAIL("allocation %llu: %d, %s", (unsigned long long)from, err.code, err.text);
        if (!fired)
            CHECK_OK(rc, err);
        model_unref(model);
    }
    printf("     %llu allocations\n", (unsigned long long)n);
    CHECK(n > 100);
}

TEST(model_open__reports_every_failing_allocation_as_memory)
{
    fail_each("tests/golden/requests/two-layers"); /* vocab.txt, adrank.json */
    fail_each("tests/golden/logits/seven-heads");  /* tokenizer.json */
}
