/* ./adrank bench scheduler [REQUESTS]: the scheduler in virtual time, as a table (see table.h). */
#include <stdlib.h>

#include "base/number.h"
#include "bench/scheduler/table.h"

static const char usage[] = "usage: bench-scheduler [REQUESTS]\n";

int main(int argc, char **argv)
{
    static struct table_row rows[TABLE_ROWS];
    struct err err;
    int64_t requests = 30000;

    if (argc == 2 && (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0)) {
        fputs(usage, stdout);
        return 0;
    }
    if (argc > 2 || (argc == 2 && number_int(view_of(argv[1]), 1000, 10000000, &requests))) {
        fputs(usage, stderr);
        return ERR_USAGE;
    }
    if (table_run((int)requests, rows, &err)) {
        fprintf(stderr, "bench-scheduler: %s\n", err.text);
        return err_exit_status(&err);
    }
    printf(
        "virtual time, %lld requests at capacity a row; budgets of 50 ms, 20 to 80 ads; costs off "
        "by 30 %%: random per batch, low (batches take longer than told), high\n",
        (long long)requests);
    table_print(rows, TABLE_ROWS, stdout);
    return 0;
}
