/* adrank-bench against the daemon: it reports what a client of the daemon would see. */
#include <signal.h>
#include <unistd.h>

#include "tests/e2e/bench_run.h"
#include "tests/e2e/shell.h"
#include "tests/test.h"

static struct driver d;
static struct bench_run run;

TEST(bench__usage_errors)
{
    static const char *const rows[] = {
        "--rate 0",       "--rate many",  "--duration -1",
        "--slo p99",      "--slo p99=10", "--slo 99=10ms",
        "--arrivals now", "--find-max",   "--find-max --connections 2 --slo p99=1ms",
        "--swap-every 1", "--swap a",     "--connections 4097",
    };

    for (int i = 0; i < COUNT(rows); i++) {
        test_row("bench: %s", rows[i]);
        CHECK_INT(shell(NULL, "%s %s 2>/dev/null", driver_build_path("bin/adrank-bench"), rows[i]),
                  64);
    }
}

TEST(bench__reports_a_server_it_cannot_reach)
{
    static const char *const rows[] = {"--rate 50", "--connections 3",
                                       "--rate 50 --find-max --slo p99=5ms"};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        test_row("bench: %s without a server", rows[i]);
        bench_begin(&run, "127.0.0.1:1", "%s --duration 0.3 --warmup 0", rows[i]);
        CHECK_INT(bench_finish(&run), 69);
        CHECK(strstr(run.output, "127.0.0.1:1: no request was answered"));
    }
}

TEST(bench__figures)
{
    /* The figures that no other test reads. */
    static const char *const numbers[] = {
        "/offered_per_s",       "/seconds",         "/latency_ms/p90",      "/latency_ms/p99.9",
        "/outcomes/rejected",   "/tmax_ms",         "/generator/behind_ms", "/generator/cpu_s",
        "/stages_ms/infer/p50", "/generator/waited"};

    driver_start(&d, &(struct driver_args){0});
    /* The admin listener answers 404, as a web server might answer with a page. */
    bench_begin(&run, d.admin, "--rate 100 --duration 0.3 --warmup 0");
    CHECK_INT(bench_finish(&run), 69);
    CHECK(strstr(run.output, "no request was answered as adrankd answers /rank"));
    CHECK_INT(bench_daemon(&run, &d,
                           "--rate 100 --duration 1 --warmup 0.2 --tmax 5000 " BENCH_SHORT
                           "--slo p99=5000ms "
                           "--reload-every 0.1"),
              0);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        bench_figure(&run, numbers[i]);
    CHECK(bench_figure(&run, "/outcomes/ok") == bench_figure(&run, "/intended"));
    CHECK(bench_figure(&run, "/intended") > 50 && bench_figure(&run, "/intended") < 200);
    CHECK(bench_figure(&run, "/reloads") >= 2 && bench_figure(&run, "/reloads_failed") == 0);
    CHECK(bench_figure(&run, "/swaps") == 0);
    CHECK(json_is_true(driver_at(run.figures, "/slo_met")));
    CHECK(strstr(run.output, "slo        p99=5000ms met"));
    CHECK_INT(bench_daemon(&run, &d, "--rate 100 --duration 0.5 --warmup 0.1 --slo p99=1us"), 1);
    CHECK(strstr(run.output, "MISSED"));
    CHECK(json_is_false(driver_at(run.figures, "/slo_met")));
}

/* Every answer comes from priors: no goodput, although every status is 200. */
TEST(bench__degraded_answers_are_not_goodput)
{
    driver_start(
        &d, &(struct driver_args){.backend = "paced", .env = {"ADRANK_PACED_FIXED_US=300000"}});
    CHECK_INT(bench_daemon(&run, &d, "--rate 40 --duration 1 --warmup 0.2 --tmax 60"), 0);
    CHECK(bench_figure(&run, "/outcomes/degraded") + bench_figure(&run, "/outcomes/late") > 20);
    CHECK(bench_figure(&run, "/goodput_per_s") < 0.2 * bench_figure(&run, "/achieved_per_s"));
}

/* 200 ms of 3 s: one request in 15 waits. A generator that waits for answers would send only one
 * request in that time. */
TEST(bench__a_stall_shows_in_p99)
{
    driver_start(&d, &(struct driver_args){0});
    bench_begin(&run, d.address,
                "--rate 200 --arrivals constant --duration 3 --warmup 0.5 --tmax 5000");
    while (driver_metric(&d, "adrank_requests_total{code=\"200\",path=\"/rank\"}") < 250)
        usleep(5000);
    driver_kill(&d, SIGSTOP);
    usleep(200000);
    driver_kill(&d, SIGCONT);
    CHECK_INT(bench_finish(&run), 0);
    printf("     p50 %.1f ms, p99 %.1f ms, max %.1f ms\n", bench_figure(&run, "/latency_ms/p50"),
           bench_figure(&run, "/latency_ms/p99"), bench_figure(&run, "/latency_ms/max"));
    CHECK(bench_figure(&run, "/latency_ms/p99") >= 120);
    CHECK(bench_figure(&run, "/latency_ms/max") >= 190);
    CHECK(bench_figure(&run, "/latency_ms/p50") < 100);
    CHECK(bench_figure(&run, "/outcomes/failed") == 0);
}

/* A device that takes 10 us a token, whatever a batch holds: its capacity follows from the tokens
 * of a request. Returns false if it found much less, perhaps because the machine was busy. */
static bool finds_the_highest_rate(void)
{
    double tokens, capacity, found;
    char line[100];

    driver_start(&d, &(struct driver_args){
                         .backend = "paced",
                         .env = {"ADRANK_PACED_FIXED_US=100", "ADRANK_PACED_TOKEN_NS=10000"}});
    CHECK_INT(bench_daemon(&run, &d,
                           "--find-max --slo p99=100ms --tmax 100 --rate 300 --duration 1 "
                           "--warmup 0.3 --arrivals constant " BENCH_SHORT),
              0);
    found = bench_figure(&run, "/found_per_s");
    snprintf(line, sizeof(line), "highest rate within p99=100ms: %.0f requests/s\n", found);
    CHECK(strstr(run.output, line));
    tokens = driver_metric(&d, "adrank_batch_tokens_sum") /
             driver_metric(&d, "adrank_stage_duration_seconds_count{stage=\"infer\"}");
    capacity = 1e6 / (tokens * 10);
    printf("     found %.0f/s of %.0f/s (%.0f tokens a request)\n", found, capacity, tokens);
    CHECK_INT(driver_stop(&d), 0);
    CHECK(found < 1.4 * capacity);
    return found > 0.6 * capacity;
}

TEST(bench__finds_the_highest_rate)
{
    int tries = 0;

    while (!finds_the_highest_rate())
        CHECK(++tries < 5);
}

/* The script behind README's figures fails with the program it runs, and does not continue without
 * figures. */
TEST(bench__engine_script)
{
    static const struct {
        const char *env, *model;
        int status;
        const char *output;
    } rows[] = {
        {"PRECISION=f32", "config/demo/model", 0, "f32 prefix "},
        {"PRECISION=f32", "config/demo/model", 0, "\nprefix over cross: "},
        {"PRECISION=f31", "config/demo/model", 64, "--precision f31"},
        {"THREADS=1", "/nowhere", 66, "/nowhere/config.json"},
        {"PYTHON=false", "config/demo/model", 1, "\"kind\":\"prefix\""},
        {"PYTHON=false", "minilm", 1, ""},
    };
    struct buf output AT_END(buf_release) = BUF_INIT;

    for (int i = 0; i < COUNT(rows); i++) {
        test_row("engine.sh %s %s", rows[i].env, rows[i].model);
        CHECK_INT(shell(&output, "%s BIN=%s ROUNDS=1 SECONDS_EACH=0.05 bench/engine.sh %s 2>&1",
                        rows[i].env, driver_build_path("bin"), rows[i].model),
                  rows[i].status);
        if (!strstr(buf_str(&output), rows[i].output))
            FAIL("output is \"%s\", want \"%s\"", buf_str(&output), rows[i].output);
    }
}
