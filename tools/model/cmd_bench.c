/*
 * Forward passes of one request of random tokens, and beside each the bare matrix products of the
 * model's layers on the same threads (tools/model/yardstick.h).
 */
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/clock.h"
#include "base/quantile.h"
#include "base/rng.h"
#include "json/writer.h"
#include "model/engine/engine_state.h"
#include "model/engine/flop.h"
#include "tools/model/command.h"
#include "tools/model/yardstick.h"

#define MAX_ROUNDS 100000
#define SEED 20260101

struct bench {
    const struct options *options;
    struct model *model;
    const struct kind *kind;
    struct scorer scorer;
    struct scored scored;
    struct yardstick *bare;   /* NULL: not on the processor, no limit is known */
    double *us, *bare_gflops; /* (MAX_ROUNDS) */
    int n;
};

/* ---- the input ------------------------------------------------------------------------------- */

static void random_ids(struct rng *rng, const struct model *m, int32_t *ids, int n)
{
    for (int i = 0; i < n; i++)
        ids[i] = (int32_t)rng_below(rng, (uint64_t)m->encoders[0].config.vocab);
}

static int build_input(struct bench *b, struct err *err)
{
    const struct options *o = b->options;
    const struct kind *kind = b->kind;
    struct input_parts parts = {.n_ads = o->pairs,
                                .cls = tokenizer_facts(b->model->tokenizer)->cls,
                                .sep = tokenizer_facts(b->model->tokenizer)->sep};
    struct id_run *ads = calloc((size_t)o->pairs, sizeof(*ads));
    int32_t *ids = calloc((size_t)(o->prefix + o->pairs * o->ads_max), sizeof(*ids));
    int32_t *at = ids;
    struct rng rng;
    int rc = -1;

    rng_init(&rng, SEED);
    if (!ads || !ids) {
        err_set(err, ERR_NOMEM, "out of memory");
        goto out;
    }
    parts.context = (struct id_run){at, o->prefix - kind->context_specials};
    random_ids(&rng, b->model, at, parts.context.n);
    at += parts.context.n;
    for (int i = 0; i < o->pairs; i++) {
        uint64_t span = (uint64_t)(o->ads_max - o->ads_min) + 1;
        ads[i] = (struct id_run){at, o->ads_min + (int)rng_below(&rng, span) - kind->ad_specials};
        random_ids(&rng, b->model, at, ads[i].n);
        at += ads[i].n;
    }
    parts.ads = ads;
    rc = kind_input(kind, &parts, &b->scored.input, err);
out:
    free(ads);
    free(ids);
    return rc;
}

/* ---- measuring ------------------------------------------------------------------------------- */

static int one_pass(struct bench *b, double *us, struct err *err)
{
    struct engine_job job = {.input = &b->scored.input, .out = b->scored.logits};
    struct engine_job *jobs[] = {&job};
    struct engine_batch batch = {.jobs = jobs, .n_jobs = 1};
    int64_t began = clock_now_us();

    if (engine_run(b->scorer.engine, &batch, err))
        return -1;
    *us = (double)(clock_now_us() - began);
    return 0;
}

/* The two alternate, so that disturbances affect both. */
static int measure(struct bench *b, struct err *err)
{
    int64_t end;
    double warm;

    for (int i = 0; i < 3; i++)
        if (one_pass(b, &warm, err) || (b->bare && yardstick_pass(b->bare, &warm, err)))
            return -1;
    end = clock_now_us() + (int64_t)(b->options->seconds * 1e6);
    while (b->n < MAX_ROUNDS && (b->n < 3 || clock_now_us() < end)) {
        if (one_pass(b, &b->us[b->n], err) ||
            (b->bare && yardstick_pass(b->bare, &b->bare_gflops[b->n], err)))
            return -1;
        b->n++;
    }
    return 0;
}

/* ---- the report ------------------------------------------------------------------------------ */

static void put_number(struct json_writer *w, const char *key, double value)
{
    jw_member_number(w, key, value, 5);
}

static int report(struct bench *b, struct err *err)
{
    const struct engine *engine = b->scorer.engine;
    double linear = encoder_linear_flop(&b->model->encoders[0].config, &b->scored.input);
    double attention = encoder_attention_flop(&b->model->encoders[0].config, &b->scored.input);
    double median = quantile(b->us, b->n, 0.5);
    const char *file = b->options->json;
    struct buf out = BUF_INIT;
    struct json_writer w;

    json_writer_init(&w, &out);
    jw_object_begin(&w);
    jw_member_str(&w, "kind", b->kind->name);
    jw_member_str(&w, "precision", precision_names[engine->caps.precision]);
    jw_member_str(&w, "backend", launcher_backend(b->scorer.launcher));
    jw_member_str(&w, "device", engine->caps.device);
    jw_member_int(&w, "threads", engine->n_threads);
    jw_member_int(&w, "tokens", b->scored.input.n_tokens);
    jw_member_int(&w, "rounds", b->n);
    put_number(&w, "median_ms", median / 1e3);
    put_number(&w, "p99_ms", quantile(b->us, b->n, 0.99) / 1e3);
    put_number(&w, "pairs_per_s", b->options->pairs / median * 1e6);
    put_number(&w, "gflops", (linear + attention) / median / 1e3);
    if (b->bare)
        put_number(&w, "bare_gflops", quantile(b->bare_gflops, b->n, 0.5));
    jw_object_end(&w);
    return document_write(file && strcmp(file, "-") != 0 ? file : NULL, &out, err);
}

/* An encoder without a classifier is measured with one of zeros: the cost is the same. */
static int lend_classifier(struct model *m, struct err *err)
{
    if (m->head.labels)
        return 0;
    if (!m->head.pooler)
        return err_set(err, ERR_DATA, "%s: it has neither classifier nor pooler", m->dir);
    m->head.classifier =
        arena_calloc(&m->arena, (size_t)m->encoders[0].config.hidden, sizeof(float));
    m->head.classifier_bias = arena_calloc(&m->arena, 1, sizeof(float));
    if (!m->head.classifier || !m->head.classifier_bias)
        return err_set(err, ERR_NOMEM, "out of memory");
    m->head.labels = 1;
    return 0;
}

static int check_shape(const struct options *o, const struct model *m, const struct kind *kind,
                       struct err *err)
{
    if (o->prefix + o->ads_max > m->encoders[0].config.positions)
        return err_set(err, ERR_USAGE, "--prefix %d and --ads up to %d: the model has %d positions",
                       o->prefix, o->ads_max, m->encoders[0].config.positions);
    if (kind->min_types > m->encoders[0].config.types)
        return err_set(err, ERR_DATA, "%s: kind %s needs %d token types", m->dir, kind->name,
                       kind->min_types);
    return 0;
}

static int prepare(struct bench *b, struct err *err)
{
    const struct options *o = b->options;
    const struct encoder_config *c = &b->model->encoders[0].config;
    struct yardstick_args limit = {.products = {{c->hidden, 3 * c->hidden, false},
                                                {c->hidden, c->hidden, true},
                                                {c->hidden, c->inner, false},
                                                {c->inner, c->hidden, true}},
                                   .n_products = 4,
                                   .layers = c->layers};
    int max_tokens;

    b->kind = o->kind ? kind_find("--kind", o->kind, err) : b->model->adrank.kind;
    if (!b->kind) {
        err->code = ERR_USAGE;
        return -1;
    }
    if (check_shape(o, b->model, b->kind, err) || lend_classifier(b->model, err) ||
        build_input(b, err))
        return -1;
    b->us = calloc(MAX_ROUNDS, sizeof(*b->us));
    b->bare_gflops = calloc(MAX_ROUNDS, sizeof(*b->bare_gflops));
    if (!b->us || !b->bare_gflops)
        return err_set(err, ERR_NOMEM, "out of memory");
    if (scored_reserve(&b->scored, b->model, err))
        return -1;
    max_tokens = b->scored.input.n_tokens;
    if (max_tokens < b->model->encoders[0].config.positions)
        max_tokens = b->model->encoders[0].config.positions;
    if (scorer_open(o, b->model, max_tokens, 1, true, &b->scorer, err))
        return -1;
    if (strcmp(launcher_backend(b->scorer.launcher), "cpu") != 0)
        return 0;
    limit.precision = b->scorer.engine->caps.precision;
    limit.threads = b->scorer.engine->n_threads;
    return yardstick_new(&limit, &b->bare, err);
}

static int run(const struct options *options, struct model *model, struct err *err)
{
    struct bench b = {.options = options, .model = model};
    int rc = prepare(&b, err) || measure(&b, err) || report(&b, err) ? -1 : 0;

    yardstick_free(b.bare);
    scorer_close(&b.scorer);
    scored_release(&b.scored);
    free(b.us);
    free(b.bare_gflops);
    return rc;
}

const struct command command_bench = {
    .name = "bench",
    .bit = COMMAND_BENCH,
    .opens_model = true,
    .help = "forward passes of one request of random tokens, and the bare products beside them",
    .run = run,
};
