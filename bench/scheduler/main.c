/* ./adrank bench scheduler [REQUESTS]: the scheduler in virtual time, as a table (see table.h). */
#include <stdlib.h>

#include "base/number.h"
#include "bench/scheduler/table.h"
#include "bench/usage.h"

static const char usage[] = "usage: ./adrank bench scheduler [REQUESTS], from 1000 to 10000000\n";

int main(int argc, char **argv)
{
    static struct table_row rows[TABLE_ROWS];
    struct err err;
    int64_t requests = 30000;
    int status;

    status = usage_status(argc, argv, 0, 1, usage);
    if (status >= 0)
        return status;
    if (argc == 2 && number_int(view_of(argv[1]), 1000, 10000000, &requests)) {
        fputs(usage, stderr);
        return ERR_USAGE;
    }
    if (table_run((int)requests, rows, &err)) {
        fprintf(stderr, "bench-scheduler: %s\n", err.text);
        return err_exit_status(&err);
    }
    printf(
        "virtual time, %lld requests at capacity a row; budgets of 50 ms, 20 to 80 ads; costs off "
        "by 30 %%: random per batch, low (batches take longer than predicted), high\n",
        (long long)requests);
    table_print(rows, TABLE_ROWS, stdout);
    return 0;
}
