/* The scheduler's guarantees, in virtual time (bench/scheduler/simulation.h): the whole table, one
 * stall, and a mix of very different budgets. Deterministic: same seeds, same figures everywhere.
 */
#include "bench/scheduler/simulation.h"
#include "bench/scheduler/table.h"
#include "tests/test.h"

#define SECOND 1000000
#define MS 1000

static struct simulation_args base_args(const struct engine_profile *engine, double load)
{
    return (struct simulation_args){
        .engine = engine,
        .classes = {{.share = 1,
                     .budget_us = 50 * MS,
                     .prefix_tokens = 64,
                     .ads_min = engine->ads_min,
                     .ads_max = engine->ads_max}},
        .load = load,
        .burst = 1,
        .duration_us = 4 * SECOND,
        .measure_from_us = SECOND,
        .seed = 11,
        .options = {.max_queue = 1024, .min_us = 5 * MS, .reserve_us = MS},
    };
}

static void run(const struct simulation_args *args, struct simulation_result *result)
{
    struct err err;

    CHECK_OK(simulation_run(args, result, &err), err);
}

TEST(virtual_time__overload_costs_no_goodput_and_makes_nothing_late)
{
    static struct table_row rows[TABLE_ROWS];
    struct err err;
    int worse = 0;

    CHECK_OK(table_run(10000, rows, &err), err);
    table_print(rows, TABLE_ROWS, stdout);
    for (int i = 0; i < TABLE_ROWS; i++) {
        const struct table_row *row = &rows[i];
        test_row("%s %s costs %s load %g", row->engine->name, row->bursts ? "bursts" : "poisson",
                 cost_error_names[row->cost_error], row->load);
        if (row->cost_error == COST_EXACT)
            CHECK_NEAR(row->gate.late_share, 0, 0);
        else
            CHECK_NEAR(row->gate.late_share, 0, 0.001);
        if (row->load >= 2)
            CHECK_NEAR(row->gate.of_peak, 1, row->cost_error == COST_EXACT ? 0.01 : 0.02);
        worse += row->load >= 2 && row->first_come.goodput < 0.1 * row->gate.goodput;
    }
    /* The rival in the same table collapses at twice its capacity and beyond: the table can show a
     * failure. */
    CHECK_INT(worse, TABLE_ROWS * 3 / TABLE_LOADS);
}

TEST(virtual_time__normal_within_a_second_after_a_stall)
{
    static struct simulation_result stalled, smooth;

    for (int p = 0; p < ENGINE_PROFILES; p++)
        for (int burst = 0; burst < 2; burst++)
            for (int load = 0; load < 3; load++) {
                static const double loads[] = {0.5, 0.8, 2};
                struct simulation_args args = base_args(&engine_profiles[p], loads[load]);
                test_row("%s %s load %g", args.engine->name, burst ? "bursts" : "poisson",
                         args.load);
                args.burst = burst ? args.engine->burst : 1;
                args.duration_us = 5 * SECOND;
                args.stall_at_us = 2 * SECOND;
                args.measure_from_us = 2 * SECOND + 500 * MS + SECOND;
                run(&args, &smooth);
                args.stall_us = 500 * MS;
                run(&args, &stalled);
                /* The stall must have done harm while it lasted, or this proves nothing. */
                CHECK(stalled.whole.good + 10 < smooth.whole.good);
                CHECK_INT(stalled.all.late, 0);
                CHECK(100 * stalled.all.good >= 99 * smooth.all.good);
                CHECK(10 * hist_quantile(&stalled.latency_us, .99) <=
                      11 * hist_quantile(&smooth.latency_us, .99) + 10 * MS);
            }
}

struct mix {
    double load, short_share;
    int64_t short_us, long_us;
};

static void run_mix(const struct engine_profile *engine, const struct mix *mix,
                    struct simulation_result *result)
{
    struct simulation_args args = base_args(engine, mix->load);

    args.classes[1] = args.classes[0];
    args.classes[0].share = mix->short_share;
    args.classes[0].budget_us = mix->short_us;
    args.classes[1].share = 1 - mix->short_share;
    args.classes[1].budget_us = mix->long_us;
    run(&args, result);
    CHECK_INT(result->whole.late, 0);
}

/* Served share of the requests, or of the capacity if they exceed it. */
static double served(const struct class_result *result, double capacity, double seconds)
{
    double asked = (double)result->offered / seconds;

    return (double)result->good / seconds / (asked < capacity ? asked : capacity);
}

TEST(virtual_time__short_and_long_budgets_starve_neither)
{
    static const struct mix mixes[] = {
        {2, 0.5, 40 * MS, 400 * MS},  {10, 0.5, 40 * MS, 400 * MS}, {10, 0.9, 25 * MS, 100 * MS},
        {10, 0.1, 25 * MS, 100 * MS}, {5, 0.05, 40 * MS, 200 * MS}, {5, 0.95, 40 * MS, 200 * MS},
        {5, 0.02, 40 * MS, 200 * MS},
    };
    static struct simulation_result result;

    for (int p = 0; p < ENGINE_PROFILES; p++)
        for (size_t i = 0; i < sizeof(mixes) / sizeof(mixes[0]); i++) {
            const struct mix *mix = &mixes[i];
            struct simulation_args args = base_args(&engine_profiles[p], mix->load);
            double capacity = simulation_capacity(&args);
            run_mix(args.engine, mix, &result);
            double shares[2];
            for (int c = 0; c < 2; c++)
                shares[c] = served(&result.classes[c], capacity, result.seconds);
            test_row("%s load %g, %g %% with %g ms: %.2f of those served, %.2f of the others",
                     args.engine->name, mix->load, 100 * mix->short_share,
                     (double)mix->short_us / MS, shares[0], shares[1]);
            CHECK(shares[0] >= 0.2);
            CHECK(shares[1] >= 0.2);
        }
}

/* Budgets far below the minimum: all other requests are served as if these did not exist. */
TEST(virtual_time__tiny_budgets_do_not_pass_in_front_of_all)
{
    static struct simulation_result result;

    for (int p = 0; p < 2; p++) { /* the paced engine takes longer than such a budget */
        struct mix mix = {1.5, 0.5, 2 * MS, 50 * MS};
        run_mix(&engine_profiles[p], &mix, &result);
        double share = (double)result.classes[1].good / (double)result.classes[1].offered;
        test_row("%s: %.3f of the others", engine_profiles[p].name, share);
        CHECK(share >= 0.99);
    }
}

/* One request in a hundred comes with a budget that cannot be met: the others lose nothing. */
TEST(virtual_time__hopeless_budgets_cost_the_others_nothing)
{
    static const int64_t hopeless_us[] = {-1 * MS, 0, 2 * MS};
    static struct simulation_result without, with;

    for (int p = 0; p < ENGINE_PROFILES; p++)
        for (int load = 0; load < 3; load++)
            for (int i = 0; i < 3; i++) {
                static const double loads[] = {0.8, 1, 2};
                struct simulation_args args = base_args(&engine_profiles[p], loads[load]);
                args.burst = args.engine->burst;
                args.duration_us = 20 * SECOND;
                args.classes[1] = args.classes[0];
                args.classes[0].share = 0.99;
                args.classes[1].share = 0.01;
                run(&args, &without); /* the same arrivals, all with the same budget */
                args.classes[1].budget_us = hopeless_us[i];
                run(&args, &with);
                double before =
                    (double)without.classes[0].good / (double)without.classes[0].offered;
                double after = (double)with.classes[0].good / (double)with.classes[0].offered;
                test_row("%s load %g, 1 %% with %g ms: %.4f of the others, %.4f without them",
                         args.engine->name, args.load, (double)hopeless_us[i] / MS, after, before);
                CHECK(after >= 0.99 * before);
                CHECK(with.classes[1].offered > 50);
            }
}

/* Requests larger than a batch beside small ones: the prefix leaves room for a handful of ads in
 * each part. As they are charged by their parts, they make no request late. */
TEST(virtual_time__requests_larger_than_a_batch_are_charged_what_they_cost)
{
    static const struct engine_profile narrow = {
        "narrow",          {.fixed_us = 100, .per_token_us = 0.7, .per_attention_us = 0.0005},
        .max_tokens = 512, .max_jobs = 64,
        .ads_min = 2,      .ads_max = 20,
        .burst = 8};
    static const int prefixes[] = {64, 300, 430};
    static struct simulation_result result;

    for (int i = 0; i < 3; i++)
        for (int load = 0; load < 3; load++) {
            static const double loads[] = {0.5, 1, 3};
            struct simulation_args args = base_args(&narrow, loads[load]);
            args.classes[1] = (struct traffic_class){.share = 0.2,
                                                     .budget_us = 50 * MS,
                                                     .prefix_tokens = prefixes[i],
                                                     .ads_min = 40,
                                                     .ads_max = 80};
            args.classes[0].share = 0.8;
            run(&args, &result);
            double shares[2];
            for (int c = 0; c < 2; c++)
                shares[c] = (double)result.classes[c].good / (double)result.classes[c].offered;
            test_row("prefix %d load %g: %.3f of the small, %.3f of the large in time", prefixes[i],
                     args.load, shares[0], shares[1]);
            CHECK_INT(result.whole.late, 0);
            CHECK(shares[0] >= 0.99 || args.load >= 1);
            CHECK(shares[1] >= 0.99 || args.load >= 1);
            CHECK(result.classes[1].good > 100);
        }
}
