/* Sums of a pass's operations by their label. */
#include "bench/gpu/profile.h"

#include <stdio.h>
#include <string.h>

#include "bench/gpu/marks.h"

#define PASSES 5

/* The time of each operation in one pass, or the least so far. */
static int run(struct marks *marks, struct scenario *s, struct bench_engine *e, struct bare *before,
               bool first, double *us, struct err *err)
{
    if (bare_queue(before, err) ||
        marks_launch(marks, e, 0, &s->plans[0].slices[0].slice, false, err) ||
        bench_engine_wait(e, 0, err))
        return -1;
    for (int i = 1; i < marks->n; i++) {
        double once;
        if (marks_elapsed(marks, i - 1, i, &once, err))
            return -1;
        if (first || once < us[i])
            us[i] = once;
    }
    return 0;
}

static void print(const struct marks *marks, const double *us, double per)
{
    bool seen[MARKS_MAX] = {false};
    double total = 0;

    for (int i = 1; i < marks->n; i++) {
        double sum = 0;
        int n = 0;
        for (int k = i; k < marks->n; k++) {
            if (seen[k] || strcmp(marks->items[k].label, marks->items[i].label) != 0)
                continue;
            seen[k] = true;
            sum += us[k];
            n++;
        }
        if (n)
            printf("  %-28s %3d x %8.1f us  %7.2f ns/token/layer\n", marks->items[i].label, n,
                   sum / n, sum * 1e3 / per);
        total += sum;
    }
    printf("  %-28s       %8.1f us  %7.2f ns/token/layer\n", "sum", total, total * 1e3 / per);
}

int profile_print(struct scenario *s, struct bench_engine *e, struct bare *before, struct err *err)
{
    static struct marks marks;
    double us[MARKS_MAX];
    int rc = marks_init(&marks, err);

    for (int pass = 0; pass < PASSES && rc == 0; pass++)
        rc = run(&marks, s, e, before, pass == 0, us, err);
    if (rc == 0)
        print(&marks, us, (double)s->plans[0].n_tokens * e->net.config->layers);
    marks_release(&marks);
    return rc;
}
