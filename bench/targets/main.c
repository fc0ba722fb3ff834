/* Reads lines "figure NAME VALUE" from the outputs of benches, among other lines, and prints what
 * each target of table.c measured. The last figure of a name counts. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/number.h"
#include "bench/targets/table.h"
#include "bench/usage.h"

#define USAGE                                                                                      \
    "usage: bench-targets FILE...\n"                                                               \
    "A table of the GPU backend's targets and what the outputs of benches in FILEs measured.\n"    \
    "Files that are not there count as empty. Exit: 0, whatever was reached\n"

#define MAX_FIGURES 2048
#define MAX_FILE_BYTES (64 << 20)

static struct {
    struct figure {
        char name[96];
        double value;
    } items[MAX_FIGURES];
    int n;
} figures;

/* ---- reading --------------------------------------------------------------------------------- */

static void take(const char *name, double value)
{
    int i = 0;

    while (i < figures.n && strcmp(figures.items[i].name, name) != 0)
        i++;
    if (i == MAX_FIGURES)
        return;
    snprintf(figures.items[i].name, sizeof(figures.items[i].name), "%s", name);
    figures.items[i].value = value;
    if (i == figures.n)
        figures.n++;
}

static void read_line(const char *line, size_t len)
{
    char text[200], name[96], value[64];
    double number;

    if (len >= sizeof(text))
        return;
    memcpy(text, line, len);
    text[len] = '\0';
    if (sscanf(text, "figure %95s %63s", name, value) == 2 &&
        number_double(view_of(value), -1e300, 1e300, &number) == 0)
        take(name, number);
}

static int read_file(const char *path, struct err *err)
{
    struct buf file = BUF_INIT;
    int rc = file_read(path, MAX_FILE_BYTES, &file, err);

    for (size_t at = 0; rc == 0 && at < file.len;) {
        const char *line = file.ptr + at, *end = memchr(line, '\n', file.len - at);
        const size_t len = end ? (size_t)(end - line) : file.len - at;
        read_line(line, len);
        at += len + 1;
    }
    buf_release(&file);
    return rc;
}

/* ---- the table ------------------------------------------------------------------------------- */

/* NAN: there is none. */
static double figure_of(const char *name, const char *variant)
{
    const char *at = strchr(name, '@');
    char full[128];

    if (at)
        snprintf(full, sizeof(full), "%.*s%s%s", (int)(at - name), name, variant, at + 1);
    else
        snprintf(full, sizeof(full), "%s", *variant ? "" : name);
    for (int i = 0; i < figures.n; i++)
        if (strcmp(figures.items[i].name, full) == 0)
            return figures.items[i].value;
    return NAN;
}

static double measured(const struct target *t, const char *variant)
{
    const double value = figure_of(t->figure, variant);

    return t->over ? value / figure_of(t->over, variant) : value;
}

static const char *verdict(const struct target *t, double value)
{
    const double sign = t->lower ? -1 : 1;

    if (isnan(value))
        return "not measured";
    if (t->least <= 0)
        return "-";
    if (sign * value >= sign * t->want)
        return "as wanted";
    return sign * value >= sign * t->least ? "enough" : "MISSED";
}

static void print_number(double value)
{
    if (isnan(value))
        printf(" %9s", "-");
    else
        printf(value < 100 ? " %9.2f" : " %9.0f", value);
}

static void print_table(void)
{
    printf("%-44s %-9s %9s %9s %9s %-12s %9s\n", "what", "model", "at least", "wanted", "measured",
           "verdict", "tanh GELU");
    for (int i = 0; i < n_targets; i++) {
        const struct target *t = &targets[i];
        const double value = measured(t, "");
        printf("%-44s %-9s", t->what, t->model);
        print_number(t->least > 0 ? t->least : NAN);
        print_number(t->want > 0 ? t->want : NAN);
        print_number(value);
        printf(" %-12s", verdict(t, value));
        print_number(measured(t, "-tanh"));
        printf("\n");
    }
}

int main(int argc, char **argv)
{
    const int status = usage_status(argc, argv, 1, 100, USAGE);
    struct err err;

    if (status >= 0)
        return status;
    for (int i = 1; i < argc; i++)
        if (read_file(argv[i], &err) && err.code != ERR_NOINPUT) {
            fprintf(stderr, "bench-targets: %s\n", err.text);
            return err_exit_status(&err);
        }
    print_table();
    return 0;
}
