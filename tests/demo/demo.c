/* adrank-demo, what ./adrank demo runs once everything is built (CONTRACT 1). */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/demo/demo_run.h"
#include "tests/e2e/driver.h"
#include "tests/e2e/shell.h"
#include "tests/test.h"

#define TITLES 3
#define ADS 6

/* ---- output ---------------------------------------------------------------------------------- */

static const struct {
    const char *title, *first, *second; /* second: the same in the other language */
} tables[TITLES] = {
    {"A shopper who looked at running shoes", "Lightweight running shoes", "轻便 越野跑鞋"},
    {"The same in Chinese", "轻便 越野跑鞋", "Lightweight running shoes"},
    {"The first shopper again, now searching", "Quiet electric kettle", "不锈钢 电水壶"},
};

static const char *next_line(const char *at)
{
    at = strchr(at, '\n');
    CHECK(at);
    return at + 1;
}

/* "  1  ad   pctr   ecpm  source"; returns the ecpm. */
static double check_row(const char *line, int pos, const char *ad)
{
    char row[300];
    const char *at;
    int len = (int)strcspn(line, "\n");
    double pctr, ecpm;

    snprintf(row, sizeof(row), "%.*s", len, line);
    CHECK_INT(atoi(row), pos);
    if (ad && !strstr(row, ad))
        FAIL("position %d is not %s: %s", pos, ad, row);
    at = strstr(row, "  model");
    CHECK(at && !at[7]);
    /* The two numbers before it. */
    for (int blanks = 0; at > row && blanks < 2;)
        blanks += *--at == ' ' && at[1] != ' ';
    CHECK(sscanf(at, "%lf %lf", &pctr, &ecpm) == 2);
    CHECK(pctr > 0 && pctr < 1);
    CHECK_NEAR(ecpm, 1000 * pctr * 0.5, 0.1); /* a bid of 0.5 per click */
    return ecpm;
}

static void check_tables(struct demo *demo)
{
    for (int i = 0; i < TITLES; i++) {
        const char *line = strstr(buf_str(&demo->text), tables[i].title);
        double last = INFINITY;
        if (!line)
            FAIL("no \"%s\" in %s", tables[i].title, buf_str(&demo->text));
        line = next_line(line);
        CHECK(strstr(line, "  pos  ad ") == line);
        for (int pos = 1; pos <= ADS; pos++) {
            double ecpm;
            line = next_line(line);
            ecpm = check_row(line, pos,
                             pos == 1   ? tables[i].first
                             : pos == 2 ? tables[i].second
                                        : NULL);
            CHECK(ecpm <= last);
            last = ecpm;
        }
        CHECK(strstr(next_line(line), "  features ") == next_line(line));
    }
}

/* The printed command, run by a shell, answers 200 with all ads of the first table. */
static void check_curl(struct demo *demo)
{
    const char *line = strstr(buf_str(&demo->text), "\ncurl ");
    struct buf answer AT_END(buf_release) = BUF_INIT;

    CHECK(line);
    line++;
    CHECK_INT(shell(&answer, "%.*s -w '\n%%{http_code}'", (int)strcspn(line, "\n"), line), 0);
    CHECK_STR(strrchr(buf_str(&answer), '\n'), "\n200");
    CHECK(strstr(answer.ptr, "\"pos\":1,\"adid\":\"shoes\""));
    CHECK(strstr(answer.ptr, "\"pos\":6,") && !strstr(answer.ptr, "\"source\":\"prior\""));
}

/* A run that was killed leaves its folder; the next one removes it. */
TEST(demo__once_shows_ranked_ads_and_removes_what_a_killed_run_left)
{
    struct demo killed, demo;
    int status;

    demo_start(&killed, "checkout", demo_ports(), false);
    demo_read(&killed, "Ctrl-C to stop.");
    CHECK_INT(demo_folders(&killed), 1);
    CHECK(kill(killed.pid, SIGKILL) == 0 && waitpid(killed.pid, &status, 0) == killed.pid);
    close(killed.out);
    while (demo_processes(&killed)) /* its children are killed with it */
        usleep(5000);
    demo_start_beside(&demo, &killed, demo_ports(), true);
    if (demo_wait(&demo) != 0)
        FAIL("%s", buf_str(&demo.text));
    check_tables(&demo);
    CHECK(strstr(buf_str(&demo.text), "\ncurl "));
    CHECK(!strstr(buf_str(&demo.text), "Ctrl-C"));
    demo_check_gone(&demo);
    demo_release(&killed);
    buf_release(&demo.text);
}

/* The path of adrankd's socket to Redis, from its arguments. */
static void find_socket(const struct demo *demo, char out[256])
{
    struct buf found AT_END(buf_release) = BUF_INIT;

    shell(&found,
          "cat $(grep -laF '%s' /proc/[0-9]*/cmdline 2>/dev/null) | tr '\\0' '\\n' |"
          " sed -n 's/^features.url=unix://p'",
          demo->checkout.root);
    CHECK(found.len);
    snprintf(out, 256, "%.*s", (int)strcspn(buf_str(&found), "\n"), buf_str(&found));
}

/* The path of a UNIX socket is limited to some 100 bytes, that of a checkout is not. */
TEST(demo__serves_until_sigterm_in_a_checkout_with_a_long_path)
{
    static const char name[] =
        "a-checkout-whose-name-alone-is-longer-than-what-the-path-of-a-UNIX-socket"
        "-may-have-on-any-system-that-this-was-ever-run-on";
    char path[256], *slash;
    struct demo demo AT_END(demo_release);

    CHECK(sizeof(name) > 108);
    demo_start(&demo, name, demo_ports(), false);
    demo_read(&demo, "Ctrl-C to stop.");
    check_tables(&demo);
    find_socket(&demo, path);
    CHECK(strncmp(path, "/tmp/adrank-demo-", 17) == 0 && access(path, F_OK) == 0);
    CHECK(kill(demo.pid, SIGTERM) == 0);
    CHECK_INT(demo_wait(&demo), 0);
    demo_check_gone(&demo);
    slash = strrchr(path, '/');
    *slash = '\0';
    CHECK(access(path, F_OK) == -1 && errno == ENOENT);
}

static void check_port_taken(int port, int taken, const char *holder)
{
    struct demo demo AT_END(demo_release);
    char want[128];

    demo_start(&demo, "checkout", port, true);
    CHECK_INT(demo_wait(&demo), 69);
    snprintf(want, sizeof(want), "port %d is taken by %s; --port", taken, holder);
    if (!strstr(buf_str(&demo.text), want))
        FAIL("no \"%s\" in %s", want, buf_str(&demo.text));
    CHECK(!strstr(buf_str(&demo.text), "making a world") && !strstr(buf_str(&demo.text), "pctr"));
}

/* If another daemon is ready at both addresses, so its answers would look like ours, or anything
 * listens on the admin port, nothing is started and the holder is named. */
TEST(demo__names_the_holder_of_its_port)
{
    int port = demo_ports(), fd = demo_listen(port + 1);
    char http[64], admin[64], holder[64];
    struct driver other;

    CHECK(fd != -1);
    snprintf(holder, sizeof(holder), "test_demo_demo (process %d)", (int)getpid());
    check_port_taken(port, port + 1, holder);
    close(fd);
    snprintf(http, sizeof(http), "http.address=127.0.0.1:%d", port);
    snprintf(admin, sizeof(admin), "admin.address=127.0.0.1:%d", port + 1);
    driver_start(&other, &(struct driver_args){.sets = {http, admin}});
    snprintf(holder, sizeof(holder), "adrankd (process %d)", (int)other.pid);
    check_port_taken(port, port, holder);
}

/* Each has its own world, key, Redis and log; the first to exit does not affect the other, which
 * serves until Ctrl-C. */
TEST(demo__two_runs_of_a_checkout_are_separate)
{
    struct demo first, second;

    demo_start(&first, "checkout", demo_ports(), false);
    demo_start_beside(&second, &first, demo_ports(), true);
    if (demo_wait(&second) != 0)
        FAIL("%s", buf_str(&second.text));
    check_tables(&second);
    demo_read(&first, "Ctrl-C to stop.");
    check_tables(&first);
    check_curl(&first);
    CHECK_INT(demo_processes(&first), 3); /* demo, redis-server, adrankd */
    CHECK(kill(first.pid, SIGINT) == 0);
    CHECK_INT(demo_wait(&first), 0);
    demo_check_gone(&first);
    demo_release(&first);
    buf_release(&second.text);
}

TEST(demo__reports_usage_errors_and_helps)
{
    static const struct {
        const char *arguments, *output;
        int status;
    } rows[] = {
        {"--port 0", "--port 0: must be an integer from 1 to 65534", 64},
        {"--port=65535", "--port 65535: must be an integer from 1 to 65534", 64},
        {"now", "now: no such argument", 64},
        {"-h", "", 0},
        {"--help", "", 0},
    };
    struct buf text AT_END(buf_release) = BUF_INIT;

    for (int i = 0; i < COUNT(rows); i++) {
        test_row("%s", rows[i].arguments);
        CHECK_INT(
            shell(&text, "'%s' %s 2>&1", driver_build_path("bin/adrank-demo"), rows[i].arguments),
            rows[i].status);
        CHECK(strstr(buf_str(&text), rows[i].output));
        CHECK(strstr(buf_str(&text), "usage: adrank-demo"));
    }
}
