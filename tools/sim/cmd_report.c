/* adrank-sim report: the best AUC and log loss that can be reached, and what simple baselines
 * reach. */
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
    int shuffled[SIM_ITEMS]; /* the item of the same pool whose title an item gets */
    struct sim_scored *rows; /* of the part at hand: an ad shown each */
    size_t n_rows;
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
            return err_set(err, ERR_DATA, "%s: negative number of visits", path);
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

struct baseline {
    sim_baseline_fn add_features;
    struct sim_hashed *model;
};

/* How the rows of a part are scored. */
struct scoring {
    const struct baseline *baseline; /* NULL: by the probability itself */
    bool shuffled;                   /* as if the ads had other titles */
    bool by_label;                   /* against the drawn clicks, not their probabilities */
};

static void score(struct report *report, enum sim_part part, const struct scoring *how)
{
    struct sim_visit visit = SIM_VISIT_INIT;
    struct sim_features features;

    report->n_rows = 0;
    for (int i = 0; i < report->options.visits[part]; i++) {
        sim_visit_make(&visit, report->world, part, (uint64_t)i);
        for (int k = 0; k < SIM_SHOWN; k++) {
            struct sim_scored *row = &report->rows[report->n_rows++];
            int item = how->shuffled ? report->shuffled[visit.shown[k]] : visit.shown[k];

            row->p = how->by_label ? (double)visit.click[k] : visit.p[k];
            if (how->baseline) {
                features.n = 0;
                how->baseline->add_features(report->world, &visit, item, &features);
                row->score = sim_hashed_logit(how->baseline->model, &features);
            } else {
                row->score = sim_click_logit(&visit, &report->world->items[item]);
            }
        }
    }
    sim_visit_release(&visit);
}

static double auc_of(struct report *report, enum sim_part part, const struct scoring *how)
{
    score(report, part, how);
    return sim_auc(report->rows, report->n_rows);
}

static void print_best(struct report *report, enum sim_part part, const char *title)
{
    double drawn = auc_of(report, part, &(struct scoring){.by_label = true}), mean = 0, entropy;

    score(report, part, &(struct scoring){0});
    if (report->n_rows == 0)
        return;
    for (size_t i = 0; i < report->n_rows; i++)
        mean += report->rows[i].p / (double)report->n_rows;
    entropy = sim_entropy(report->rows, report->n_rows);
    printf("%s: %zu ads shown, mean probability %.4f\n", title, report->n_rows, mean);
    printf("  best reachable             AUC %.4f  log loss %.4f  (AUC on the drawn clicks %.4f)\n",
           sim_auc(report->rows, report->n_rows), entropy, drawn);
}

static void print_share(struct report *report, enum sim_part part, const char *what,
                        const struct baseline *baseline, bool shuffled)
{
    double best = auc_of(report, part, &(struct scoring){.by_label = true});
    double auc = auc_of(report, part, &(struct scoring){baseline, shuffled, true});

    printf("  %-26s AUC %.4f  %5.1f %% of the way from 0.5\n", what, auc,
           100 * (auc - .5) / (best - .5));
}

/* One pass over the training part. */
static void learn(const struct report *report, const struct baseline *baseline)
{
    struct sim_visit visit = SIM_VISIT_INIT;
    struct sim_features features;

    for (int i = 0; i < report->options.visits[SIM_TRAIN]; i++) {
        sim_visit_make(&visit, report->world, SIM_TRAIN, (uint64_t)i);
        for (int k = 0; k < SIM_SHOWN; k++) {
            features.n = 0;
            baseline->add_features(report->world, &visit, visit.shown[k], &features);
            sim_hashed_learn(baseline->model, &features, visit.click[k]);
        }
    }
    sim_visit_release(&visit);
}

static void print_part(struct report *report, enum sim_part part, const char *title,
                       const struct baseline *ids, const struct baseline *words)
{
    print_best(report, part, title);
    print_share(report, part, "the same, titles shuffled", NULL, true);
    print_share(report, part, "ids and priors", ids, false);
    print_share(report, part, "pairs of words", words, false);
    print_share(report, part, "the same, titles shuffled", words, true);
}

static int make(struct report *report, struct err *err)
{
    const int *visits = report->options.visits;
    int most = visits[SIM_EVAL] > visits[SIM_WARM] ? visits[SIM_EVAL] : visits[SIM_WARM];
    struct baseline ids = {sim_baseline_ids, calloc(1, sizeof(*ids.model))};
    struct baseline words = {sim_baseline_words, calloc(1, sizeof(*words.model))};
    int rc = 0;

    report->world = sim_world_new((uint64_t)report->options.seed);
    report->rows = calloc((size_t)most * SIM_SHOWN + 1, sizeof(*report->rows));
    if (!report->world || !report->rows || !ids.model || !words.model) {
        rc = err_set(err, ERR_NOMEM, "out of memory");
        goto out;
    }
    shuffle(report);
    printf("world of seed %d: %d items, %d of them in the catalog; %d visits to learn from\n",
           report->options.seed, SIM_ITEMS, SIM_CATALOG, visits[SIM_TRAIN]);
    learn(report, &ids);
    learn(report, &words);
    print_part(report, SIM_EVAL, "new shoppers, new items", &ids, &words);
    print_part(report, SIM_WARM, "new shoppers, known items", &ids, &words);
out:
    free(ids.model);
    free(words.model);
    free(report->rows);
    sim_world_free(report->world);
    return rc;
}

int cmd_report(const struct options *options, struct err *err)
{
    struct report report = {0};

    return read_options(options->dir, &report.options, err) || make(&report, err) ? -1 : 0;
}
