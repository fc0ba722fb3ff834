/*
 * A GPU that fails under the daemon: each kind of CUDA call that it makes while it starts, serves
 * and swaps models fails once, on the emulator (tests/simt/runtime.h). Whatever fails, the daemon
 * answers every request and marks the answers that are not the model's, makes no further call, and
 * ends as usual.
 */
#include <signal.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/e2e/contract.h"

#define MAX_NAMES 40
#define RANK "{'id':'r','tmax':5000,'site':{'search':'shoes'},'rank':{'top_n':9}}"

static struct driver d;

/* ---- the calls of a phase -------------------------------------------------------------------- */

struct calls {
    char names[MAX_NAMES][64];
    int counts[MAX_NAMES], n;
};

/* Path of what the emulator has noted of that kind. */
static const char *notes(const char *suffix)
{
    return js("%s/device%s", d.folder, suffix);
}

static bool noted(const char *suffix)
{
    return access(notes(suffix), F_OK) == 0;
}

static int *count_of(struct calls *calls, const char *name)
{
    for (int i = 0; i < calls->n; i++)
        if (strcmp(calls->names[i], name) == 0)
            return &calls->counts[i];
    CHECK(calls->n < MAX_NAMES);
    snprintf(calls->names[calls->n], sizeof(calls->names[0]), "%s", name);
    return &calls->counts[calls->n++];
}

/* Those that were traced since the last time. */
static void take_calls(struct calls *calls)
{
    FILE *file = fopen(notes(".calls"), "re");
    char name[64];

    *calls = (struct calls){0};
    CHECK(file);
    while (fscanf(file, "%63s", name) == 1)
        ++*count_of(calls, name);
    fclose(file);
    CHECK_INT(unlink(notes(".calls")), 0);
}

/* Whether a later call is worth a look as well: it reaches the device. */
static bool is_sampled(const struct calls *calls, int i)
{
    return calls->counts[i] > 2 && strncmp(calls->names[i], "cuda", 4) == 0;
}

/* ---- the daemon ------------------------------------------------------------------------------ */

/* Two configurations between which a reload opens a new engine; small ones open quickly. */
static const char *config(int max_tokens)
{
    return driver_config(js("{'model':{'backend':'simt','on_device_failure':'cpu'},"
                            "'batch':{'max_tokens':%d}}",
                            max_tokens),
                         NULL);
}

static void start(const char *device)
{
    driver_start(&d, &(struct driver_args){.plain = true, .config = config(256), .device = device});
}

/* A valid answer, whose scores are the model's or that is marked. Returns whether they are. */
static bool answered(void)
{
    json_t *answer = contract_rank(&d, "%s", js(RANK));
    const bool marked = strcmp(answer_degraded(answer), "model") == 0;

    if (!marked)
        answer_check_source(answer, "model");
    return !marked;
}

static void swap(int max_tokens)
{
    driver_write(&d, "config.json", config(max_tokens));
    driver_kill(&d, SIGHUP);
}

/* After the fault. */
static void check_end(void)
{
    for (int i = 0; i < 3; i++)
        CHECK(!answered());
    driver_check_log(&d, "event=backend_broken backend=cuda ");
    driver_wait_log(&d, "cuda: "); /* the cause, there or in reload_failed */
    CHECK(noted(".failed"));
    driver_end(&d);
}

/* The folder is removed with the daemon. */
static void check_no_call_after(void)
{
    struct buf text = BUF_INIT;
    struct err err;

    if (noted(".after") && file_read(notes(".after"), 1 << 16, &text, &err) == 0)
        FAIL("calls after the failure: %s", buf_str(&text));
}

/* ---- serving --------------------------------------------------------------------------------- */

/* What a request costs: one copy, one graph, one event; and polls. */
static void trace_serving(struct calls *calls)
{
    start("");
    CHECK(answered());
    driver_write(&d, "device", "trace");
    for (int i = 0; i < 4; i++)
        CHECK(answered());
    driver_write(&d, "device", "");
    CHECK(answered());
    take_calls(calls);
    driver_end(&d);
}

TEST(device_faults__served_batches_make_few_calls)
{
    static const char *const once[] = {"cudaMemcpyAsync", "cudaGraphLaunch", "cudaEventRecord"};
    struct calls calls;

    trace_serving(&calls);
    for (int i = 0; i < COUNT(once); i++)
        CHECK_INT(*count_of(&calls, once[i]), 4);
    CHECK(*count_of(&calls, "cudaEventQuery") >= 4);
    CHECK(*count_of(&calls, "cudaSetDevice") >= 4);
    if (calls.n != COUNT(once) + 2)
        FAIL("%s is called while serving", calls.names[calls.n - 1]);
}

TEST(device_faults__each_call_of_serving)
{
    struct calls calls;

    trace_serving(&calls);
    for (int i = 0; i < calls.n; i++) {
        test_row("serving: %s", calls.names[i]);
        start("");
        CHECK(answered());
        driver_write(&d, "device", js("fail %s", calls.names[i]));
        answered();
        check_no_call_after();
        check_end();
    }
}

/* ---- swapping -------------------------------------------------------------------------------- */

static void trace_swap(struct calls *calls)
{
    start("");
    driver_write(&d, "device", "trace");
    swap(512);
    driver_wait_log(&d, "event=reload status=applied");
    usleep(100000); /* the old engine closes */
    driver_write(&d, "device", "");
    CHECK(answered());
    take_calls(calls);
    driver_end(&d);
}

/* Requests come while the call fails, of this name, after so many. */
static void fail_swap(const char *name, int count)
{
    test_row("swap: %s, number %d", name, count);
    start("");
    driver_write(&d, "device", js("fail %s %d", name, count));
    swap(512);
    for (int i = 0; i < 2000 && !noted(".failed"); i++)
        answered();
    check_no_call_after();
    check_end();
}

TEST(device_faults__each_call_of_a_swap)
{
    struct calls calls;

    trace_swap(&calls);
    for (int i = 0; i < calls.n; i++) {
        fail_swap(calls.names[i], 1);
        if (is_sampled(&calls, i))
            fail_swap(calls.names[i], 1 + calls.counts[i] / 2);
    }
}

/* ---- starting -------------------------------------------------------------------------------- */

static void fail_start(const char *name, int count)
{
    const struct driver_args args = {.plain = true,
                                     .config = config(256),
                                     .device = js("fail %s %d", name, count),
                                     .no_wait = true};
    int status;

    test_row("start: %s, number %d", name, count);
    driver_start(&d, &args);
    status = driver_wait(&d, 20000);
    check_no_call_after();
    driver_check_log(&d, "cuda: ");
    CHECK_INT(status, 69);
    driver_stop(&d);
}

TEST(device_faults__each_call_of_the_start)
{
    struct calls calls;

    start("trace");
    driver_write(&d, "device", "");
    CHECK(answered());
    take_calls(&calls);
    driver_end(&d);
    for (int i = 0; i < calls.n; i++) {
        fail_start(calls.names[i], 1);
        if (is_sampled(&calls, i))
            fail_start(calls.names[i], 1 + calls.counts[i] / 2);
    }
}
