/* ./adrank bench scheduler [SECONDS]: the scheduler in virtual time, as a table (see table.h). */
#include <stdlib.h>

#include "base/number.h"
#include "bench/scheduler/table.h"

int main(int argc, char **argv)
{
    static struct table_row rows[TABLE_ROWS];
    struct err err;
    int64_t seconds = 5;

    if (argc > 2 || (argc == 2 && number_int(view_of(argv[1]), 2, 1000, &seconds))) {
        fprintf(stderr, "usage: bench-scheduler [SECONDS]\n");
        return ERR_USAGE;
    }
    if (table_run((double)seconds, rows, &err)) {
        fprintf(stderr, "bench-scheduler: %s\n", err.text);
        return err_exit_status(&err);
    }
    printf("%lld s of virtual time a row; budgets of 50 ms, 20 to 80 ads a request; costs off by "
           "30 %%: random per batch, low (batches take longer than told), high\n",
           (long long)seconds);
    table_print(rows, TABLE_ROWS, stdout);
    return 0;
}
