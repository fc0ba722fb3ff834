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

/* ---- what it prints -------------------------------------------------------------------------- */

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

/* "  1  ad   pctr   ecpm  source", the ecpm told. */
static double check_row(const char *line, int pos, const char *ad)
{
    char row[300];
    const char *at;
    int len = (int)strcspn(line, "\n");
    double pctr, ecpm;

    snprintf(row, sizeof(row), "%.*s", len, line);
    CHECK_INT(atoi(row), pos);
    if (ad && !strstr(row, ad))
        FAIL("place %d is not %s: %s", pos, ad, row);
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

/* The line as it was printed, run by a shell: 200, and the ads of the first table in their order.
 */
static void check_curl(struct demo *demo)
{
    const char *line = strstr(buf_str(&demo->text), "\ncurl ");
    struct buf answer AT_END(buf_release) = BUF_INIT;
    char *status;
    const json_t *results;
    double last = INFINITY;
    json_t *doc;

    CHECK(line);
    CHECK_INT(shell(&answer, "%.*s -w '\\n%%{http_code}'", (int)strcspn(line + 1, "\n"), line + 1),
              0);
    status = strrchr(buf_str(&answer), '\n');
    CHECK(status);
    CHECK_STR(status + 1, "200");
    doc = json_loadb(answer.ptr, (size_t)(status - answer.ptr), 0, NULL);
    CHECK(doc);
    results = json_object_get(doc, "results");
    CHECK_INT(json_array_size(results), ADS);
    for (size_t i = 0; i < ADS; i++) {
        const json_t *result = json_array_get(results, i);
        double ecpm = json_number_value(json_object_get(result, "ecpm"));
        CHECK_INT(json_integer_value(json_object_get(result, "pos")), i + 1);
        CHECK_STR(json_string_value(json_object_get(result, "source")), "model");
        CHECK(ecpm > 0 && ecpm <= last);
        last = ecpm;
    }
    CHECK_STR(json_string_value(json_object_get(json_array_get(results, 0), "adid")), "shoes");
    json_decref(doc);
}

TEST(demo__once_shows_ranked_ads_and_ends)
{
    struct demo demo AT_END(demo_release);

    demo_start(&demo, "checkout", demo_ports(), true);
    if (demo_wait(&demo) != 0)
        FAIL("%s", buf_str(&demo.text));
    check_tables(&demo);
    CHECK(strstr(buf_str(&demo.text), "\ncurl "));
    CHECK(!strstr(buf_str(&demo.text), "Ctrl-C"));
    demo_check_gone(&demo);
}

/* SIGINT as Ctrl-C sends it; SIGTERM ends it as well. */
static void check_serving(const char *name, int signal_number)
{
    struct demo demo AT_END(demo_release);

    demo_start(&demo, name, demo_ports(), false);
    demo_read(&demo, "Ctrl-C to stop.");
    check_tables(&demo);
    check_curl(&demo);
    CHECK_INT(demo_processes(&demo), 3); /* demo, redis-server, adrankd */
    CHECK(kill(demo.pid, signal_number) == 0);
    CHECK_INT(demo_wait(&demo), 0);
    demo_check_gone(&demo);
}

TEST(demo__serves_until_ctrl_c)
{
    check_serving("checkout", SIGINT);
}

TEST(demo__serves_until_sigterm)
{
    check_serving("checkout", SIGTERM);
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

/* A UNIX socket's path has some 100 bytes; a checkout may lie deeper than that. */
TEST(demo__runs_in_a_checkout_with_a_long_path)
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
    CHECK(kill(demo.pid, SIGINT) == 0);
    CHECK_INT(demo_wait(&demo), 0);
    demo_check_gone(&demo);
    slash = strrchr(path, '/');
    *slash = '\0';
    CHECK(access(path, F_OK) == -1 && errno == ENOENT);
}

/* Somebody else's port, or the one behind it for the admin listener: nothing is begun, and who
 * holds it is named. */
TEST(demo__says_who_holds_its_port)
{
    for (int behind = 0; behind < 2; behind++) {
        int port = demo_ports(), fd = demo_listen(port + behind);
        char want[128];
        struct demo demo;

        test_row("demo__says_who_holds_its_port %d", behind);
        CHECK(fd != -1);
        demo_start(&demo, "checkout", port, true);
        CHECK_INT(demo_wait(&demo), 69);
        snprintf(want, sizeof(want), "port %d is taken by test_demo_demo (process %d); --port",
                 port + behind, (int)getpid());
        if (!strstr(buf_str(&demo.text), want))
            FAIL("no \"%s\" in %s", want, buf_str(&demo.text));
        CHECK(!strstr(buf_str(&demo.text), "making a world"));
        close(fd);
        demo_check_gone(&demo);
        demo_release(&demo);
    }
}

/* Another daemon that is ready at both addresses, and whose answers would look like ours. */
TEST(demo__shows_no_other_daemons_answers)
{
    const int port = demo_ports();
    char http[64], admin[64], want[64];
    struct driver other AT_END(driver_end);
    struct demo demo AT_END(demo_release);

    snprintf(http, sizeof(http), "http.address=127.0.0.1:%d", port);
    snprintf(admin, sizeof(admin), "admin.address=127.0.0.1:%d", port + 1);
    driver_start(&other, &(struct driver_args){.sets = {http, admin}});
    demo_start(&demo, "checkout", port, true);
    CHECK_INT(demo_wait(&demo), 69);
    snprintf(want, sizeof(want), "port %d is taken by adrankd (process %d)", port, (int)other.pid);
    if (!strstr(buf_str(&demo.text), want))
        FAIL("no \"%s\" in %s", want, buf_str(&demo.text));
    CHECK(!strstr(buf_str(&demo.text), "pctr"));
}

/* Each has its own world, key, Redis and log; the first to end takes nothing from the other. */
TEST(demo__two_of_a_checkout_do_not_meet)
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
    CHECK(kill(first.pid, SIGINT) == 0);
    CHECK_INT(demo_wait(&first), 0);
    demo_check_gone(&first);
    demo_release(&first);
    buf_release(&second.text);
}

/* A run that was killed leaves its folder; the next one removes it. */
TEST(demo__clears_up_after_one_that_was_killed)
{
    struct demo killed, next;
    int status;

    demo_start(&killed, "checkout", demo_ports(), false);
    demo_read(&killed, "Ctrl-C to stop.");
    CHECK_INT(demo_folders(&killed), 1);
    CHECK(kill(killed.pid, SIGKILL) == 0 && waitpid(killed.pid, &status, 0) == killed.pid);
    close(killed.out);
    while (demo_processes(&killed)) /* its children end with it */
        usleep(5000);
    demo_start_beside(&next, &killed, demo_ports(), true);
    CHECK_INT(demo_wait(&next), 0);
    demo_check_gone(&next);
    demo_release(&killed);
    buf_release(&next.text);
}

TEST(demo__reports_wrong_use_and_helps)
{
    static const struct {
        const char *arguments, *told;
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
        CHECK(strstr(buf_str(&text), rows[i].told));
        CHECK(strstr(buf_str(&text), "usage: adrank-demo"));
    }
}
