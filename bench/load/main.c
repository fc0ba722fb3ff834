/* adrank-bench: the load harness (CONTRACT 7). Exit: 0 ok, 1 an SLO was missed, 64 usage, 65,
 * 66, 69, 70 as adrankd. */
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>

#include "base/file.h"
#include "base/stdout.h"
#include "bench/load/find_max.h"
#include "bench/load/reloader.h"
#include "bench/load/report.h"

static int write_text(const char *path, const struct buf *text, struct err *err)
{
    if (buf_failed(text))
        return err_set(err, ERR_NOMEM, "%s: out of memory", path);
    if (strcmp(path, "-") == 0) {
        fwrite(text->ptr, 1, text->len, stdout);
        return stdout_flush(err);
    }
    return file_write(path, buf_view(text), err);
}

static int write_report(const struct report *report, struct err *err)
{
    struct buf text = BUF_INIT, json = BUF_INIT, svg = BUF_INIT;
    bool json_on_stdout = report->options->json && strcmp(report->options->json, "-") == 0;
    int rc = 0;

    report_text(report, &text);
    fputs(buf_str(&text), json_on_stdout ? stderr : stdout);
    if (report->options->json) {
        report_json(report, &json);
        rc = write_text(report->options->json, &json, err);
    }
    if (rc == 0 && report->options->plot) {
        report_svg(report, &svg);
        rc = write_text(report->options->plot, &svg, err);
    }
    buf_release(&text);
    buf_release(&json);
    buf_release(&svg);
    return rc;
}

static int run(const struct options *options, struct report *report, struct stats *stats,
               struct err *err)
{
    struct reloader *reloader = NULL;
    struct reloader_counts counts;
    struct traffic traffic;
    struct load_args args;
    int rc;

    if (traffic_init(&traffic, options, err))
        return -1;
    args = (struct load_args){options, &traffic, options->rate, options->duration_s,
                              options->warmup_s};
    report->ads = traffic.ads;
    report->offered = options->connections ? 0 : options->rate;
    rc = reloader_start(options, &reloader, err);
    if (rc == 0 && options->find_max) {
        rc = find_max(&args, &report->found, stats, err);
        report->offered = report->found > 0 ? report->found : options->rate;
    } else if (rc == 0) {
        rc = load_run(&args, stats, err);
    }
    counts = reloader_stop(reloader);
    report->reloads = counts.reloads;
    report->swaps = counts.swaps;
    report->reloads_failed = counts.failed;
    report->slo_met =
        rc == 0 && report_slo_met(options, stats) && (!options->find_max || report->found > 0);
    traffic_release(&traffic);
    return rc;
}

/* Each connection takes one, and the usual limit is below OPTIONS_MAX_CONNECTIONS. */
static void allow_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
    struct options options;
    static struct stats stats;
    struct report report = {.options = &options, .stats = &stats};
    struct err err;
    int rc;

    stdio_occupy();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    allow_descriptors();
    rc = options_parse(argc, argv, &options, &err);
    if (rc > 0) {
        cli_print(&options_cli, stdout);
        return stdout_flush(&err) ? cli_fail("adrank-bench", &err) : 0;
    }
    if (rc) {
        cli_print(&options_cli, stderr);
        return cli_fail("adrank-bench", &err);
    }
    rc = run(&options, &report, &stats, &err) || write_report(&report, &err);
    stats_release(&stats);
    if (rc)
        return cli_fail("adrank-bench", &err);
    return report.slo_met ? 0 : 1;
}
