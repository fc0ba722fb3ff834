/* The files that adrank-bench writes: --json and --plot. */
#include <unistd.h>

#include "base/file.h"
#include "tests/e2e/bench_peer.h"
#include "tests/e2e/bench_run.h"
#include "tests/e2e/shell.h"
#include "tests/test.h"

static struct bench_peer peer;
static struct bench_run run;

/* ---- well-formed: tags balance, attributes are quoted, no bare < or & ------------------------ */

#define NAME "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"

/* The element at `at` and everything in it; returns what follows it. */
static const char *skip_element(const char *at)
{
    const char *name = at + 1;
    size_t len = strspn(name, NAME);

    if (*at != '<' || len == 0)
        FAIL("not an element at %.40s", at);
    for (at = name + len; *at == ' '; at++) {
        at += 1 + strspn(at + 1, NAME);
        if (strncmp(at, "=\"", 2) != 0)
            FAIL("an attribute without a value at %.40s", at);
        at += 2 + strcspn(at + 2, "\"<&");
        if (*at != '"')
            FAIL("an attribute without its closing quote at %.40s", at);
    }
    if (strncmp(at, "/>", 2) == 0)
        return at + 2;
    CHECK(*at == '>');
    at += strcspn(at, "<&");
    while (at[0] == '<' && at[1] != '/') {
        at = skip_element(at);
        at += strcspn(at, "<&");
    }
    if (strncmp(at, "</", 2) != 0 || strncmp(at + 2, name, len) != 0 || at[2 + len] != '>')
        FAIL("<%.*s> is not closed at %.40s", (int)len, name, at);
    return at + 2 + len + 1;
}

static void check_well_formed(const char *text)
{
    CHECK(strncmp(text, "<svg xmlns=\"http://www.w3.org/2000/svg\"", 39) == 0);
    CHECK_STR(skip_element(text), "\n");
}

/* ---- the curves ------------------------------------------------------------------------------ */

#define SECONDS 3

/* y of each point of the curve before this label, one per second. */
static void read_curve(const char *svg, const char *label, double *y)
{
    char want[32];
    const char *end, *at = NULL, *next = svg;

    snprintf(want, sizeof(want), ">%s</text>", label);
    end = strstr(svg, want);
    if (!end)
        FAIL("no curve %s", label);
    while ((next = strstr(next, "points=\"")) && next < end)
        at = next += 8;
    CHECK(at);
    for (int i = 0; i < SECONDS; i++) {
        double x;
        int n;

        CHECK(sscanf(at, "%lf,%lf %n", &x, &y[i], &n) == 2);
        CHECK(x > 0 && x < 900 && y[i] >= 40 && y[i] <= 280);
        at += n;
    }
    CHECK(*at == '"');
}

static const char *read_plot(const char *path)
{
    static struct buf svg;
    struct err err;

    CHECK_OK(file_read(path, 1 << 20, &svg, &err), err);
    unlink(path);
    return buf_str(&svg);
}

/* Every curve and outcome has a distinct colour. */
static void check_colours(const char *svg)
{
    static const char *const labels[] = {"p50",      "p99",  "max",      "ok",
                                         "degraded", "late", "rejected", "failed"};
    char colours[8][16];

    for (size_t i = 0; i < 8; i++) {
        char want[32];
        const char *at;

        snprintf(want, sizeof(want), ">%s</text>", labels[i]);
        at = strstr(svg, want);
        CHECK(at && at[-1] == '"' && at[-9] == '"');
        snprintf(colours[i], sizeof(colours[i]), "%.7s", at - 8);
        for (size_t j = 0; j < i; j++)
            if (strcmp(colours[i], colours[j]) == 0)
                FAIL("%s and %s are both %s", labels[i], labels[j], colours[i]);
    }
}

/* A tick and its time for each second, from left to right. */
static void check_ticks(const char *svg)
{
    double last = 0;

    for (int second = 0; second <= SECONDS; second++) {
        char want[64];
        const char *at;
        double x;

        snprintf(want, sizeof(want), "text-anchor=\"middle\">%d s</text>", second);
        at = strstr(svg, want);
        if (!at)
            FAIL("no tick at %d s", second);
        while (strncmp(at, "<text x=", 8) != 0)
            at--;
        CHECK(sscanf(at, "<text x=\"%lf\"", &x) == 1);
        CHECK(x > last && x < 900);
        snprintf(want, sizeof(want), "<line x1=\"%.1f\" x2=\"%.1f\"", x, x);
        CHECK(strstr(svg, want));
        last = x;
    }
}

TEST(bench_report__plots_what_happened)
{
    static const char *const labels[] = {
        ">ok<",     ">degraded<", ">late<", ">rejected<",
        ">failed<", ">1 ms<",     ">3 s<",  ">100 requests/s offered"};
    double p50[SECONDS], p99[SECONDS], max[SECONDS];
    char path[64];
    const char *svg;

    snprintf(path, sizeof(path), "/tmp/adrank-bench-%d.svg", (int)getpid());
    bench_peer_start(&peer);
    peer.cut_every = 10;
    bench_begin(&run, peer.address, "--rate 100 --duration 3 --warmup 0 --plot %s", path);
    CHECK_INT(bench_finish(&run), 0);
    bench_peer_stop(&peer);
    svg = read_plot(path);
    check_well_formed(svg);
    for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
        if (!strstr(svg, labels[i]))
            FAIL("no label %s", labels[i]);
    check_colours(svg);
    check_ticks(svg);
    read_curve(svg, "p50", p50);
    read_curve(svg, "p99", p99);
    read_curve(svg, "max", max);
    for (int i = 0; i < SECONDS; i++)
        CHECK(max[i] <= p99[i] && p99[i] <= p50[i]); /* y grows downwards */
    CHECK(bench_figure(&run, "/outcomes/failed") > 0);
    CHECK(strstr(svg, "fill=\"#b02020\"/>")); /* a bar of failures */
}

TEST(bench_report__plots_a_closed_loop)
{
    char path[64];
    const char *svg;

    snprintf(path, sizeof(path), "/tmp/adrank-bench-%d.svg", (int)getpid());
    bench_peer_start(&peer);
    bench_begin(&run, peer.address, "--connections 3 --duration 0.3 --warmup 0 --plot %s", path);
    CHECK_INT(bench_finish(&run), 0);
    bench_peer_stop(&peer);
    svg = read_plot(path);
    check_well_formed(svg);
    CHECK(strstr(svg, ">3 connections, latency from sending<"));
}

/* Nothing but the figures goes to stdout. */
TEST(bench_report__json_on_stdout)
{
    struct buf text AT_END(buf_release) = BUF_INIT;
    json_t *figures;

    bench_peer_start(&peer);
    CHECK_INT(shell(&text,
                    "%s --address %s --rate 100 --duration 0.3 --warmup 0 --tmax 5000 --json - "
                    "2>/dev/null",
                    driver_build_path("bin/adrank-bench"), peer.address),
              0);
    bench_peer_stop(&peer);
    figures = json_loads(buf_str(&text), JSON_REJECT_DUPLICATES, NULL);
    CHECK(json_number_value(driver_at(figures, "/intended")) > 0);
    CHECK(json_number_value(driver_at(figures, "/outcomes/ok")) == peer.n_answered);
    json_decref(figures);
}

TEST(bench_report__names_a_file_it_cannot_write)
{
    static const char *const rows[] = {"--json /nowhere/figures", "--plot /nowhere/plot.svg"};

    bench_peer_start(&peer);
    for (size_t i = 0; i < 2; i++) {
        test_row("report: %s", rows[i]);
        bench_begin(&run, peer.address, "--duration 0.2 --warmup 0 %s", rows[i]);
        CHECK_INT(bench_finish(&run), 66);
        CHECK(strstr(run.output, strchr(rows[i], '/')));
    }
    bench_peer_stop(&peer);
}
