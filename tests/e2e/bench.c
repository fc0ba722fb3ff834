/* adrank-bench against the daemon: it sees what a user of the daemon would have seen. */
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/e2e/driver.h"
#include "tests/test.h"

/* What the small model takes without cutting it. */
#define SHORT " --candidates 4 --no-texts --behaviour 0 "

static struct driver d;

/* Starts it with these arguments and --json into the daemon's folder. */
static FILE *begin(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static FILE *begin(const char *fmt, ...)
{
    char command[9000];
    int n = snprintf(command, sizeof(command),
                     "exec %s --address %s --admin %s --json %s/figures --seed 7 ",
                     driver_build_path("bin/adrank-bench"), d.address, d.admin, d.folder);
    va_list args;
    FILE *pipe;

    va_start(args, fmt);
    vsnprintf(command + n, sizeof(command) - (size_t)n, fmt, args);
    va_end(args);
    strcat(command, " 2>&1");
    pipe = popen(command, "r");
    CHECK(pipe);
    return pipe;
}

static char said[65536]; /* by the last one */

static int finish(FILE *pipe)
{
    int status;

    said[fread(said, 1, sizeof(said) - 1, pipe)] = '\0';
    status = pclose(pipe);
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static json_t *figures(void)
{
    char path[256];
    json_t *value;

    snprintf(path, sizeof(path), "%s/figures", d.folder);
    value = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    if (!value)
        FAIL("no figures; %s", said);
    return value;
}

static double figure(const json_t *value, const char *pointer)
{
    const json_t *found = driver_at(value, pointer);

    if (!json_is_number(found))
        FAIL("no %s", pointer);
    return json_number_value(found);
}

TEST(bench__usage_errors)
{
    static const char *const rows[] = {
        "--rate 0",       "--rate many",
        "--duration -1",  "--slo p99",
        "--slo p99=10",   "--slo 99=10ms",
        "--arrivals now", "--connections 0",
        "--find-max",     "--find-max --connections 2 --slo p99=1ms",
        "--swap-every 1", "--swap a",
        "--nowhere",      "a-word",
        "--rate",         "--seed x",
        "--tmax 1.5",     "--candidates -1",
    };
    char command[4400];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        test_row("bench: %s", rows[i]);
        snprintf(command, sizeof(command), "%s %s >/dev/null 2>&1",
                 driver_build_path("bin/adrank-bench"), rows[i]);
        CHECK_INT(WEXITSTATUS(system(command)), 64);
    }
}

TEST(bench__nobody_there)
{
    char command[4400];

    snprintf(
        command, sizeof(command),
        "%s --address 127.0.0.1:1 --admin 127.0.0.1:1 --duration 0.2 --warmup 0 >/dev/null 2>&1",
        driver_build_path("bin/adrank-bench"));
    CHECK(WEXITSTATUS(system(command)) != 0);
}

TEST(bench__figures)
{
    static const char *const numbers[] = {"/offered_per_s",
                                          "/achieved_per_s",
                                          "/goodput_per_s",
                                          "/seconds",
                                          "/latency_ms/p50",
                                          "/latency_ms/p90",
                                          "/latency_ms/p99",
                                          "/latency_ms/p99.9",
                                          "/latency_ms/max",
                                          "/outcomes/ok",
                                          "/outcomes/degraded",
                                          "/outcomes/late",
                                          "/outcomes/rejected",
                                          "/outcomes/failed",
                                          "/stages_ms/infer/p50",
                                          "/generator/cpu_s",
                                          "/generator/behind_ms",
                                          "/tmax_ms",
                                          "/reloads"};
    json_t *value;

    driver_start(&d, &(struct driver_args){0});
    CHECK_INT(finish(begin("--rate 100 --duration 1 --warmup 0.2 --tmax 5000 --slo p99=20s0ms")),
              64);
    CHECK_INT(
        finish(begin("--rate 100 --duration 1 --warmup 0.2 --tmax 5000 " SHORT "--slo p99=5000ms "
                     "--reload-every 0.3")),
        0);
    value = figures();
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        figure(value, numbers[i]);
    CHECK(figure(value, "/outcomes/ok") == figure(value, "/intended"));
    CHECK(figure(value, "/intended") > 50 && figure(value, "/intended") < 200);
    CHECK(figure(value, "/reloads") >= 1 && figure(value, "/reloads_failed") == 0);
    CHECK(json_is_true(driver_at(value, "/slo_met")));
    CHECK(strstr(said, "slo        p99=5000ms met"));
    json_decref(value);
    CHECK_INT(finish(begin("--rate 100 --duration 0.5 --warmup 0.1 --slo p99=1us")), 1);
    CHECK(strstr(said, "MISSED"));
    value = figures();
    CHECK(json_is_false(driver_at(value, "/slo_met")));
    json_decref(value);
    CHECK_INT(driver_stop(&d), 0);
}

/* Everything is answered by its prior: no goodput, though all is 200. */
TEST(bench__degraded_is_no_goodput)
{
    json_t *value;

    driver_start(
        &d, &(struct driver_args){.backend = "paced", .env = {"ADRANK_PACED_FIXED_US=300000"}});
    CHECK_INT(finish(begin("--rate 40 --duration 1 --warmup 0.2 --tmax 60")), 0);
    value = figures();
    CHECK(figure(value, "/outcomes/degraded") + figure(value, "/outcomes/late") > 20);
    CHECK(figure(value, "/goodput_per_s") < 0.2 * figure(value, "/achieved_per_s"));
    json_decref(value);
    CHECK_INT(driver_stop(&d), 0);
}

/* 200 ms of 3 s: one request in 15 waits. A generator that waits for answers would have sent but one meanwhile. */
TEST(bench__a_stall_shows_in_p99)
{
    json_t *value;
    FILE *pipe;

    driver_start(&d, &(struct driver_args){0});
    pipe = begin("--rate 200 --arrivals constant --duration 3 --warmup 0.5 --tmax 5000");
    while (driver_metric(&d, "adrank_requests_total{code=\"200\"}") < 250)
        usleep(5000);
    driver_kill(&d, SIGSTOP);
    usleep(200000);
    driver_kill(&d, SIGCONT);
    CHECK_INT(finish(pipe), 0);
    value = figures();
    printf("     p50 %.1f ms, p99 %.1f ms, max %.1f ms\n", figure(value, "/latency_ms/p50"),
           figure(value, "/latency_ms/p99"), figure(value, "/latency_ms/max"));
    CHECK(figure(value, "/latency_ms/p99") >= 120);
    CHECK(figure(value, "/latency_ms/max") >= 190);
    CHECK(figure(value, "/latency_ms/p50") < 100);
    CHECK(figure(value, "/outcomes/failed") == 0);
    json_decref(value);
    CHECK_INT(driver_stop(&d), 0);
}

/* A device that takes 10 us a token, whatever a batch holds: its capacity follows from the tokens of a request. */
TEST(bench__finds_the_highest_rate)
{
    double tokens, capacity, found;
    json_t *value;

    driver_start(&d, &(struct driver_args){
                         .backend = "paced",
                         .env = {"ADRANK_PACED_FIXED_US=100", "ADRANK_PACED_TOKEN_NS=10000"}});
    CHECK_INT(finish(begin("--find-max --slo p99=100ms --tmax 100 --rate 300 --duration 1 "
                           "--warmup 0.3 --arrivals constant " SHORT)),
              0);
    value = figures();
    found = figure(value, "/found_per_s");
    tokens = driver_metric(&d, "adrank_batch_tokens_sum") /
             driver_metric(&d, "adrank_stage_duration_seconds_count{stage=\"infer\"}");
    capacity = 1e6 / (tokens * 10);
    printf("     found %.0f/s of %.0f/s (%.0f tokens a request)\n", found, capacity, tokens);
    CHECK(found > 0.6 * capacity && found < 1.4 * capacity);
    json_decref(value);
    CHECK_INT(driver_stop(&d), 0);
}

TEST_MAIN
