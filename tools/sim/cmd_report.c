/* adrank-sim report: what could be reached, and what simple baselines reach. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/sim/auc.h"
#include "tools/sim/baselines.h"
#include "tools/sim/click.h"
#include "tools/sim/command.h"

struct report {
    struct sim_world *world;
    struct options options;
    int shuffled[SIM_ITEMS]; /* whose title an item gets, within its pool */
};

static int read_options(const char *dir, struct options *out, struct err *err)
{
    char path[4096];
    json_error_t where;
    json_t *root;
    int rc;

    snprintf(path, sizeof(path), "%s/world.json", dir);
    root = json_load_file(path, JSON_REJECT_DUPLICATES, &where);
    if (!root && where.line < 0)
        return err_set(err, ERR_NOINPUT, "%s", where.text);
    if (!root)
        return err_set(err, ERR_DATA, "%s: line %d: %s", path, where.line, where.text);
    rc = json_unpack_ex(root, &where, 0, "{s:i, s:i, s:i, s:i, s:i, s:i}", "seed", &out->seed,
                        "train", &out->visits[SIM_TRAIN], "calib", &out->visits[SIM_CALIB], "eval",
                        &out->visits[SIM_EVAL], "warm", &out->visits[SIM_WARM], "replay",
                        &out->visits[SIM_REPLAY]);
    json_decref(root);
    if (rc)
        return err_set(err, ERR_DATA, "%s: %s", path, where.text);
    for (int part = 0; part < SIM_PARTS; part++) {
        if (out->visits[part] < 0)
            return err_set(err, ERR_DATA, "%s: a number of visits below 0", path);
    }
    return 0;
}

static void shuffle(struct report *report)
{
    struct rng rng;

    sim_rng(&rng, report->world->seed, 30, 0);
    for (int i = 0; i < SIM_ITEMS; i++) {
        do {
            report->shuffled[i] = (int)rng_below(&rng, SIM_ITEMS);
        } while (sim_item_pool(report->shuffled[i]) != sim_item_pool(i));
    }
}

/* Rows of a part with what a model (NULL: the probability itself) makes of them. by_label: p is
 * what was drawn, else what it was drawn from. */
struct rows_args {
    const struct sim_hashed *model;
    sim_baseline_fn baseline;
    bool shuffled, by_label;
};

static struct sim_scored *make_rows(const struct report *report, enum sim_part part,
                                    const struct rows_args *args)
{
    size_t n = (size_t)report->options.visits[part] * SIM_SHOWN, row = 0;
    struct sim_scored *rows = calloc(n ? n : 1, sizeof(*rows));
    struct sim_visit visit = SIM_VISIT_INIT;
    struct sim_features features = {0};

    for (int i = 0; rows && i < report->options.visits[part]; i++) {
        sim_visit_make(&visit, report->world, part, (uint64_t)i);
        for (int k = 0; k < SIM_SHOWN; k++, row++) {
            int item = args->shuffled ? report->shuffled[visit.shown[k]] : visit.shown[k];
            rows[row].p = args->by_label ? (double)visit.click[k] : visit.p[k];
            rows[row].score = sim_click_logit(&visit, &report->world->items[item]);
            if (!args->model)
                continue;
            features.n = 0;
            args->baseline(report->world, &visit, item, &features);
            rows[row].score = sim_hashed_logit(args->model, &features);
        }
    }
    sim_features_release(&features);
    sim_visit_release(&visit);
    return rows;
}

static double auc_of(const struct report *report, enum sim_part part, const struct rows_args *args)
{
    struct sim_scored *rows = make_rows(report, part, args);
    double auc = rows ? sim_auc(rows, (size_t)report->options.visits[part] * SIM_SHOWN) : NAN;
    free(rows);
    return auc;
}

static void print_best(const struct report *report, enum sim_part part, const char *title)
{
    struct sim_scored *rows = make_rows(report, part, &(struct rows_args){0});
    size_t n = (size_t)report->options.visits[part] * SIM_SHOWN;
    double mean = 0;

    if (!rows || n == 0)
        return;
    for (size_t i = 0; i < n; i++)
        mean += rows[i].p / (double)n;
    printf("%s: %zu ads shown, mean probability %.4f\n", title, n, mean);
    printf("  best reachable             AUC %.4f  log loss %.4f  (AUC on the drawn clicks %.4f)\n",
           sim_auc(rows, n), sim_entropy(rows, n),
           auc_of(report, part, &(struct rows_args){.by_label = true}));
    free(rows);
}

static void print_share(const struct report *report, enum sim_part part, const char *what,
                        const struct rows_args *args)
{
    double best = auc_of(report, part, &(struct rows_args){.by_label = args->by_label});
    double auc = auc_of(report, part, args);
    printf("  %-26s AUC %.4f  %5.1f %% of the way from 0.5\n", what, auc,
           100 * (auc - .5) / (best - .5));
}

/* One pass over the training part. */
static int learn(const struct report *report, sim_baseline_fn baseline, struct sim_hashed *model,
                 struct err *err)
{
    struct sim_visit visit = SIM_VISIT_INIT;
    struct sim_features features = {0};

    if (!sim_hashed_init(model))
        return err_set(err, ERR_NOMEM, "out of memory");
    for (int i = 0; i < report->options.visits[SIM_TRAIN]; i++) {
        sim_visit_make(&visit, report->world, SIM_TRAIN, (uint64_t)i);
        for (int k = 0; k < SIM_SHOWN; k++) {
            features.n = 0;
            baseline(report->world, &visit, visit.shown[k], &features);
            sim_hashed_learn(model, &features, visit.click[k]);
        }
    }
    sim_visit_release(&visit);
    sim_features_release(&features);
    return 0;
}

static int print_readers(const struct report *report, struct err *err)
{
    struct sim_hashed ids = {0}, words = {0};
    int rc = learn(report, sim_baseline_ids, &ids, err) ||
             learn(report, sim_baseline_words, &words, err);
    static const enum sim_part parts[] = {SIM_EVAL, SIM_WARM};
    static const char *const titles[] = {"new shoppers, new items", "new shoppers, known items"};

    for (int i = 0; rc == 0 && i < 2; i++) {
        print_best(report, parts[i], titles[i]);
        print_share(report, parts[i], "the same, titles shuffled",
                    &(struct rows_args){.shuffled = true, .by_label = true});
        print_share(
            report, parts[i], "ids and priors",
            &(struct rows_args){.model = &ids, .baseline = sim_baseline_ids, .by_label = true});
        print_share(
            report, parts[i], "pairs of words",
            &(struct rows_args){.model = &words, .baseline = sim_baseline_words, .by_label = true});
        print_share(report, parts[i], "the same, titles shuffled",
                    &(struct rows_args){.model = &words,
                                        .baseline = sim_baseline_words,
                                        .shuffled = true,
                                        .by_label = true});
    }
    sim_hashed_release(&ids);
    sim_hashed_release(&words);
    return rc ? -1 : 0;
}

int cmd_report(const struct options *options, struct err *err)
{
    struct report report = {0};
    int rc;

    if (read_options(options->dir, &report.options, err))
        return -1;
    report.world = sim_world_new((uint64_t)report.options.seed);
    if (!report.world)
        return err_set(err, ERR_NOMEM, "out of memory");
    shuffle(&report);
    printf("world of seed %d: %d items, %d of them in the catalog; %d visits to learn from\n",
           report.options.seed, SIM_ITEMS, SIM_CATALOG, report.options.visits[SIM_TRAIN]);
    rc = print_readers(&report, err);
    sim_world_free(report.world);
    return rc;
}
