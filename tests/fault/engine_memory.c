/*
 * Out of memory, in oneDNN and in our own code: the fault library is linked in, so it precedes
 * every library's malloc.
 */
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/fault/fault.h"
#include "tests/unit/model/engine/engine_fixture.h"

static struct fault fault;

/* ---- opening: first, before the library has allocated in this process ------------------------ */

static int open_engine(struct model *m, struct launcher **launcher, struct engine **engine,
                       struct err *err)
{
    const struct launcher_args args = {.backend = "cpu", .linear = "onednn", .threads = 1};
    const struct engine_args of_engine = args_of(m);

    *launcher = NULL;
    *engine = NULL;
    return launcher_open(&args, launcher, err) || engine_open(*launcher, &of_engine, engine, err)
               ? -1
               : 0;
}

static void close_engine(struct launcher *launcher, struct engine *engine)
{
    engine_close(engine);
    launcher_close(launcher);
}

static size_t address_space(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    unsigned long pages = 0;

    CHECK(file && fscanf(file, "%lu", &pages) == 1);
    fclose(file);
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* In a separate process limited to that much memory. 0: it opened, 1: it reported too little memory
 * (the system does not report that for a thread's stack). In both cases it opens once there is
 * more. */
static int open_within(struct model *m, size_t bytes)
{
    struct rlimit limit, before;
    struct launcher *launcher;
    struct engine *engine;
    struct err err = {0};
    int rc;

    getrlimit(RLIMIT_AS, &before);
    limit = before;
    limit.rlim_cur = address_space() + bytes;
    setrlimit(RLIMIT_AS, &limit);
    rc = open_engine(m, &launcher, &engine, &err);
    setrlimit(RLIMIT_AS, &before);
    close_engine(launcher, engine);
    if (rc && err.code != ERR_NOMEM && err.code != ERR_UNAVAILABLE) {
        printf("     %s\n", err.text);
        return 2;
    }
    if (open_engine(m, &launcher, &engine, &err)) {
        printf("     with memory again: %s\n", err.text);
        return 3;
    }
    close_engine(launcher, engine);
    return rc ? 1 : 0;
}

static int status_within(struct model *m, size_t bytes)
{
    pid_t pid;
    int status;

    fflush(stdout);
    pid = fork();
    CHECK(pid != -1);
    if (pid == 0) {
        status = open_within(m, bytes);
        fflush(stdout);
        _exit(status);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    if (WIFSIGNALED(status))
        FAIL("killed by signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

#define STEP (448 * 1024)

/* At every limit: the library does not check its allocations, so it is not called without memory to
 * spare. */
TEST(engine_memory__an_opening_survives_every_limit)
{
    struct model *m = model_of(REQUESTS);
    int n_refused = 0, n_opened = 0;

    for (size_t bytes = 0; n_opened < 3; bytes += STEP) {
        int status;

        test_row("%zu KB of memory left", bytes / 1024);
        status = status_within(m, bytes);
        CHECK(status == 0 || status == 1);
        n_refused += status;
        n_opened = status ? 0 : n_opened + 1;
        CHECK(bytes < (size_t)1 << 30);
    }
    printf("     %d limits were too low\n", n_refused);
    CHECK(n_refused > 50);
    model_unref(m);
}

/* ---- running --------------------------------------------------------------------------------- */

/* Runs with the number-th allocation failing; true if it made that many. */
static bool run_without(struct engine *engine, const struct input *input, uint64_t number)
{
    const struct fault_plan plan = {.from = number, .count = 1};
    struct launched l;
    struct err err;
    bool fired;
    int rc;

    launched_init(&l, input);
    fault_set(&fault, FAULT_MALLOC, &plan);
    rc = engine_run(engine, &l.batch, &err);
    fired = fault_fired(&fault, FAULT_MALLOC) > 0;
    fault_clear(&fault);
    CHECK_INT(rc, fired ? -1 : 0);
    if (fired) {
        CHECK_INT(l.batch.status, BATCH_NO_MEMORY);
        CHECK_INT(err.code, ERR_NOMEM);
    }
    return fired;
}

/* No failure kills the process, and each fails one batch. */
TEST(engine_memory__a_run_survives_every_failing_allocation)
{
    struct launcher *launcher = launcher_of("cpu", "onednn", 1);
    struct model *m = model_of(REQUESTS);
    struct engine *engine = engine_of(launcher, m, false);
    struct input input = request_of(m, 4);
    struct launched right, l;
    struct err err;
    uint64_t number = 1;

    fault_here(&fault);
    launched_init(&right, &input);
    CHECK_OK(engine_run(engine, &right.batch, &err), err);
    for (; test_row("allocation %d", (int)number), run_without(engine, &input, number); number++) {
        launched_init(&l, &input);
        CHECK_OK(engine_run(engine, &l.batch, &err), err);
        CHECK(memcmp(l.logits, right.logits, sizeof(l.logits)) == 0);
    }
    printf("     %d allocations\n", (int)number - 1);
    CHECK(number > 20);
    input_release(&input);
    engine_close(engine);
    launcher_close(launcher);
    model_unref(m);
}
