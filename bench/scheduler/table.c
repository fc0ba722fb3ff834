/* Runs the simulation over profiles and loads and prints one row each. */
#include "bench/scheduler/table.h"

#define SEED 7
#define BUDGET_US 50000
#define WARM_UP_US 1000000

static const double loads[TABLE_LOADS] = {0.5, 0.8, 1, 1.5, 2, 5, 10};

static void summarise(const struct simulation_result *result, struct table_side *side)
{
    side->goodput = (double)result->good_ads / result->seconds;
    side->late_share = (double)result->whole.late / (double)result->whole.offered;
    side->refused_share = (double)result->all.refused / (double)result->all.offered;
    side->p99_ms = (double)hist_quantile(&result->latency_us, .99) / 1e3;
}

static int run_row(int requests, struct table_row *row, struct err *err)
{
    static struct simulation_result result; /* large */
    struct simulation_args args = {
        .engine = row->engine,
        .classes = {{.share = 1,
                     .budget_us = BUDGET_US,
                     .prefix_tokens = 64,
                     .ads_min = row->engine->ads_min,
                     .ads_max = row->engine->ads_max}},
        .load = row->load,
        .burst = row->bursts ? row->engine->burst : 1,
        .cost_error = row->cost_error,
        .error = 0.3,
        .measure_from_us = WARM_UP_US,
        .seed = SEED,
        .options = {.max_queue = 1024, .min_us = 5000, .reserve_us = 1000},
    };

    row->capacity = simulation_capacity(&args);
    args.duration_us = WARM_UP_US + (int64_t)(requests * 1e6 / row->capacity);
    if (simulation_run(&args, &result, err))
        return -1;
    summarise(&result, &row->gate);
    args.first_come = true;
    if (simulation_run(&args, &result, err))
        return -1;
    summarise(&result, &row->first_come);
    return 0;
}

static void relate_to_peak(struct table_row *rows)
{
    double gate = 1e-9, first_come = 1e-9;

    for (int i = 0; i < TABLE_LOADS; i++) {
        gate = rows[i].gate.goodput > gate ? rows[i].gate.goodput : gate;
        first_come =
            rows[i].first_come.goodput > first_come ? rows[i].first_come.goodput : first_come;
    }
    for (int i = 0; i < TABLE_LOADS; i++) {
        rows[i].gate.of_peak = rows[i].gate.goodput / gate;
        rows[i].first_come.of_peak = rows[i].first_come.goodput / first_come;
    }
}

int table_run(int requests, struct table_row *rows, struct err *err)
{
    for (int i = 0; i < TABLE_ROWS; i++) {
        int group = i / TABLE_LOADS;
        rows[i] = (struct table_row){
            .engine = &engine_profiles[group / (TABLE_PATTERNS * COST_ERRORS)],
            .bursts = group / COST_ERRORS % TABLE_PATTERNS == 1,
            .cost_error = (enum cost_error)(group % COST_ERRORS),
            .load = loads[i % TABLE_LOADS],
        };
        if (run_row(requests, &rows[i], err))
            return -1;
        if (i % TABLE_LOADS == TABLE_LOADS - 1)
            relate_to_peak(&rows[i - TABLE_LOADS + 1]);
    }
    return 0;
}

static void print_side(const struct table_side *side, FILE *to)
{
    fprintf(to, " %8.0f %6.3f %7.3f %7.1f %7.1f", side->goodput, side->of_peak,
            100 * side->late_share, 100 * side->refused_share, side->p99_ms);
}

void table_print(const struct table_row *rows, int n, FILE *to)
{
    static const char head[] = "    ads/s of peak late % refus. %  p99 ms";

    fprintf(to, "%-6s %-8s %-7s %5s |%s |%s (first come, first served)\n", "engine", "arrivals",
            "costs", "load", head, head);
    for (int i = 0; i < n; i++) {
        const struct table_row *row = &rows[i];
        fprintf(to, "%-6s %-8s %-7s %5.1f |", row->engine->name, row->bursts ? "bursts" : "poisson",
                cost_error_names[row->cost_error], row->load);
        print_side(&row->gate, to);
        fputs(" |", to);
        print_side(&row->first_come, to);
        fputc('\n', to);
    }
}
