/* Runs adrank-bench and reads its JSON. */
#include "tests/e2e/bench_run.h"

#include <sys/wait.h>
#include <unistd.h>

#include "tests/test.h"

static void begin(struct bench_run *run, const char *address, const char *fmt, va_list args)
{
    char command[9000], more[4000];
    int fd;

    strcpy(run->json, "/tmp/adrank-bench-XXXXXX");
    fd = mkstemp(run->json);
    CHECK(fd != -1);
    close(fd);
    vsnprintf(more, sizeof(more), fmt, args);
    snprintf(command, sizeof(command), "exec %s --address %s --json %s --seed 7 %s 2>&1",
             driver_build_path("bin/adrank-bench"), address, run->json, more);
    run->pipe = popen(command, "r");
    CHECK(run->pipe);
}

void bench_begin(struct bench_run *run, const char *address, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    begin(run, address, fmt, args);
    va_end(args);
}

int bench_finish(struct bench_run *run)
{
    int status;

    run->output[fread(run->output, 1, sizeof(run->output) - 1, run->pipe)] = '\0';
    status = pclose(run->pipe);
    CHECK(WIFEXITED(status));
    json_decref(run->figures);
    run->figures = json_load_file(run->json, JSON_REJECT_DUPLICATES, NULL);
    unlink(run->json);
    return WEXITSTATUS(status);
}

int bench_daemon(struct bench_run *run, const struct driver *driver, const char *fmt, ...)
{
    char where[300];
    va_list args;

    snprintf(where, sizeof(where), "%s --admin %s", driver->address, driver->admin);
    va_start(args, fmt);
    begin(run, where, fmt, args);
    va_end(args);
    return bench_finish(run);
}

double bench_figure(const struct bench_run *run, const char *pointer)
{
    const json_t *found = driver_at(run->figures, pointer);

    if (!json_is_number(found))
        FAIL("no %s; %s", pointer, run->output);
    return json_number_value(found);
}
