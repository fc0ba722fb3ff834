/*
 * Whole passes on a GPU, for the shapes of MiniLM-L6 and BERT-base with random weights: time on the
 * device with and without recording, from launch to scores on the host, and beside them, in the
 * same rounds, the bare products of the same shapes and a sustained product of 8192^3. Medians.
 * Also that a request's scores have the same bits in every batch, and where the time goes. Lines
 * "figure NAME VALUE" are for bench-targets.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "bench/gpu/profile.h"
#include "bench/gpu/rows.h"
#include "bench/gpu/timeline.h"

#define MEASURE_US 50000000 /* no round is begun later */

/* ---- printing -------------------------------------------------------------------------------- */

static void print_figures(struct row *row, int rounds)
{
    const struct scenario *s = &row->scenario;
    const double device = row_median(row, DEVICE, rounds);
    const struct {
        const char *name;
        double value;
    } figures[] = {
        {"share", s->flop / device / 1e6 / row_median(row, YARDSTICK_TFLOPS, rounds)},
        {"bare_over_pass", row_median(row, BARE, rounds) / device},
        {"plain_over_graph", row_median(row, PLAIN, rounds) / device},
        {"device_us", device},
        {"host_us", row_median(row, TO_HOST, rounds)},
        {"ads_per_s", s->args.requests * s->args.pairs / device * 1e6},
        {"tokens_per_s", s->n_tokens / device * 1e6},
    };

    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++)
        printf("figure pass/%s/%s %.6g\n", row->path, figures[i].name, figures[i].value);
}

static void print_row(struct row *row, int rounds)
{
    const struct scenario *s = &row->scenario;
    const double device = row_median(row, DEVICE, rounds), plain = row_median(row, PLAIN, rounds);
    const double yardstick = row_median(row, YARDSTICK_TFLOPS, rounds);
    const double bare = row_median(row, BARE, rounds), tflops = s->flop / device / 1e6;

    printf("%-30s %7d %9.1f %9.1f %9.1f %9.1f %7.1f %7.1f %6.3f %6.3f %6.2f %9.0f\n", row->path,
           s->n_tokens, device, row_median(row, TO_HOST, rounds), plain, bare, tflops, yardstick,
           tflops / yardstick, bare / device, plain / device,
           s->args.requests * s->args.pairs / device * 1e6);
}

static void print(struct rows *rows)
{
    printf("%-30s %7s %9s %9s %9s %9s %7s %7s %6s %6s %6s %9s\n", "model, kind, pairs", "tokens",
           "device us", "to host", "plain", "bare", "TFLOP/s", "8192^3", "share", "bare/", "plain/",
           "pairs/s");
    for (int i = 0; i < rows->n; i++)
        print_row(&rows->items[i], rows->rounds);
    for (int i = 0; i < rows->n; i++)
        print_figures(&rows->items[i], rows->rounds);
}

/* What was chosen for the products, and how fast it is. */
static void print_products(const struct rows *rows)
{
    const struct ladder *ladder = &rows->device->caps.ladder;

    for (const struct product *p = rows->device->products; p; p = p->next) {
        printf("%5d x %5d, epilogue %2d, unlike %d, TFLOP/s at rows:", p->shape.out, p->shape.in,
               (int)p->shape.epilogue, p->n_unlike);
        for (int i = 0; i < p->n_rungs; i++)
            if (p->us[i] > 0)
                printf(" %d:%.0f", ladder->tokens[i],
                       2.0 * ladder->tokens[i] * p->shape.in * p->shape.out / (double)p->us[i] /
                           1e6);
        printf("\n");
    }
}

/* ---- parts ----------------------------------------------------------------------------------- */

static bool is_size(const struct row *row, int requests, int pairs)
{
    return row->scenario.args.requests == requests && row->scenario.args.pairs == pairs;
}

/* One request and the most, by operation. */
static int profiles(struct rows *rows, struct err *err)
{
    for (int i = 0; i < rows->n; i++) {
        struct row *row = &rows->items[i];
        if (!is_size(row, 1, 100) && !is_size(row, 16, 100) && !rows->options->tiny)
            continue;
        printf("%s: %d tokens\n", row->path, row->scenario.plans[0].n_tokens);
        if (profile_print(&row->scenario, row->engine, &rows->yardstick, err))
            return -1;
    }
    return 0;
}

/* Of each model's request of 100 pairs in kind prefix. */
static int timelines(struct rows *rows, struct err *err)
{
    for (int i = 0; i < rows->n; i++) {
        struct row *row = &rows->items[i];
        if (strcmp(row->scenario.args.kind, "prefix") != 0 ||
            !is_size(row, 1, rows->options->tiny ? 3 : 100))
            continue;
        printf("timeline of %s: %d tokens\n", row->path, row->scenario.n_tokens);
        if (timeline_print(&row->scenario, row->engine, err))
            return -1;
    }
    return 0;
}

/* A line comes: a round, its times, and "done". */
static int take_turns(struct rows *rows, struct err *err)
{
    char line[16];

    printf("ready\n");
    while (rows->rounds < OPTIONS_MAX_ROUNDS && fgets(line, sizeof(line), stdin)) {
        if (rows_measure(rows, err))
            return -1;
        for (int i = 0; i < rows->n; i++)
            printf("step %s %.6g %.6g\n", rows->items[i].path,
                   rows->items[i].measured[DEVICE][rows->rounds - 1],
                   rows->items[i].measured[TO_HOST][rows->rounds - 1]);
        printf("done\n");
    }
    return 0;
}

static int measure(struct rows *rows, struct err *err)
{
    const int64_t end_us = clock_now_us() + MEASURE_US;

    while (rows->rounds < rows->options->rounds && (!rows->rounds || clock_now_us() < end_us))
        if (rows_measure(rows, err))
            return -1;
    printf("%s, %s, %d rounds\n", rows->engines[0].session->caps.device,
           precision_names[rows->options->precision], rows->rounds);
    print(rows);
    return 0;
}

static int run(struct rows *rows, const struct options *options, struct err *err)
{
    const int64_t start_us = clock_now_us();

    if (rows_open(rows, options, err))
        return -1;
    if (options->timeline)
        return timelines(rows, err);
    if (options->steps)
        return rows_warm_up(rows, err) || take_turns(rows, err) ? -1 : 0;
    printf("opened in %.1f s\n", (double)(clock_now_us() - start_us) / 1e6);
    print_products(rows);
    return rows_check_bits(rows, err) || profiles(rows, err) || timelines(rows, err) ||
                   rows_warm_up(rows, err) || measure(rows, err)
               ? -1
               : 0;
}

int main(int argc, char **argv)
{
    static struct rows rows;
    struct options options;
    struct err err;
    int rc;

    setvbuf(stdout, NULL, _IOLBF, 0); /* what is known stays if the time runs out */
    rc = options_parse(argc, argv, &options, &err);
    if (rc > 0) {
        cli_print(&options_cli, stdout);
        return 0;
    }
    if (rc) {
        cli_print(&options_cli, stderr);
        return cli_fail("bench-gpu", &err);
    }
    rc = run(&rows, &options, &err);
    rows_close(&rows);
    return rc ? cli_fail("bench-gpu", &err) : 0;
}
