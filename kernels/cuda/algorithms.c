/*
 * Which algorithm computes a product. Scores must not depend on the batch, so the choice for a rung
 * is the fastest of the algorithms that give the bits of a reference: the result, at one number of
 * rows, that most of the library's proposals agree on. A winner must also give them for other rows
 * at the same places. Algorithms that split K add up in an order of their own and are not proposed.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "kernels/cuda/trial.h"

#define PERIOD_ROWS 4096
#define ASKED_FIRST 16 /* proposals at PERIOD_ROWS */
#define ASKED 8        /* at another rung, beside those that agreed there */
#define NEAR 8         /* a rung of so much of its rows more takes over an algorithm */
#define SLOW 3.0F      /* times the fastest: not timed again */
#define ROUNDS 2
#define STEP_US 5000 /* of a step, which may take one product longer */

/* ---- proposals ------------------------------------------------------------------------------- */

static cublasStatus_t set_preferences(cublasLtMatmulPreference_t preference)
{
    const uint64_t workspace = CUDA_WORKSPACE_BYTES;
    const uint32_t no_reduction = CUBLASLT_REDUCTION_SCHEME_NONE;
    const uint32_t alignment = 16; /* of rows: CUDA_WIDTH_MULTIPLE of the smallest element */
    const struct {
        cublasLtMatmulPreferenceAttributes_t attribute;
        const void *value;
        size_t bytes;
    } all[] = {
        {CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace, sizeof(workspace)},
        {CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &no_reduction, sizeof(no_reduction)},
        {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, &alignment, sizeof(alignment)},
        {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, &alignment, sizeof(alignment)},
        {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, &alignment, sizeof(alignment)},
        {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, &alignment, sizeof(alignment)},
    };
    cublasStatus_t status = CUBLAS_STATUS_SUCCESS;

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]) && status == CUBLAS_STATUS_SUCCESS; i++)
        status = cublasLtMatmulPreferenceSetAttribute(preference, all[i].attribute, all[i].value,
                                                      all[i].bytes);
    return status;
}

static bool splits(const cublasLtMatmulAlgo_t *algorithm)
{
    int32_t n = 1;
    size_t bytes = 0;

    return cublasLtMatmulAlgoConfigGetAttribute(algorithm, CUBLASLT_ALGO_CONFIG_SPLITK_NUM, &n,
                                                sizeof(n), &bytes) != CUBLAS_STATUS_SUCCESS ||
           n > 1;
}

static int add(struct candidate *out, int n, const cublasLtMatmulAlgo_t *algorithm)
{
    for (int i = 0; i < n; i++)
        if (memcmp(&out[i].algorithm, algorithm, sizeof(*algorithm)) == 0)
            return n;
    if (n == TRIAL_CANDIDATES)
        return n;
    out[n] = (struct candidate){.algorithm = *algorithm};
    return n + 1;
}

/* Adds up to `asked` of the library's proposals for a rung; returns how many there are then, or -1.
 */
static int propose(struct device *device, const struct product *product, int rung, int asked,
                   struct candidate out[TRIAL_CANDIDATES], int n, struct err *err)
{
    cublasLtMatmulHeuristicResult_t results[ASKED_FIRST];
    cublasLtMatmulPreference_t preference = NULL;
    cublasLtMatmulDesc_t desc;
    int found = 0;
    cublasStatus_t status;

    /* The workspace stands for a bias: only its alignment is looked at. */
    desc = product_desc_new(device, &product->shape, device->workspace, err);
    if (!desc)
        return -1;
    status = cublasLtMatmulPreferenceCreate(&preference);
    if (status == CUBLAS_STATUS_SUCCESS)
        status = set_preferences(preference);
    if (status == CUBLAS_STATUS_SUCCESS)
        status = cublasLtMatmulAlgoGetHeuristic(
            device->blas, desc, product->weight, product->x[rung], product->y[rung],
            product->y[rung], preference, asked, results, &found);
    if (preference)
        (void)cublasLtMatmulPreferenceDestroy(preference);
    (void)cublasLtMatmulDescDestroy(desc);
    if (status != CUBLAS_STATUS_SUCCESS && status != CUBLAS_STATUS_NOT_SUPPORTED)
        return device_blas_failed(device, status, "looking for algorithms", err);
    for (int i = 0; i < found; i++)
        if (results[i].state == CUBLAS_STATUS_SUCCESS && !splits(&results[i].algo))
            n = add(out, n, &results[i].algo);
    return n;
}

/* ---- a choice in progress -------------------------------------------------------------------- */

struct choice {
    struct trial trial;
    int n_rungs; /* that are wanted */
    int stage;   /* into the table of stages */
    int at;      /* candidate, within a stage */
    /* the reference */
    struct candidate first[TRIAL_CANDIDATES]; /* then those that agreed, in front */
    int n_first;
    int classes[TRIAL_CANDIDATES]; /* of equal bits; -1: none so far */
    int members[TRIAL_CLASSES], n_classes, leader;
    bool kept; /* the leader's result, as that of the next class */
    int class; /* that most agree on */
    /* the rung */
    int rung;
    struct candidate candidates[TRIAL_CANDIDATES];
    int n, round;
    bool near;      /* the only candidate is that of the rung before */
    int tried_rung; /* the last one with all candidates; -1: none */
};

static bool is_late(int64_t start_us)
{
    return clock_now_us() - start_us > STEP_US;
}

/* Stages return 1: more to do, 0: the next stage, -1: failed. */
static int fill(struct choice *c, struct err *err)
{
    const int64_t start_us = clock_now_us();
    int rc = 1;

    while (rc == 1 && !is_late(start_us))
        rc = trial_fill(&c->trial, err);
    return rc;
}

/* ---- the reference --------------------------------------------------------------------------- */

/* Puts the algorithms with the bits that most have in front. */
static int take_majority(struct choice *c, struct err *err)
{
    const struct product_shape *shape = &c->trial.product->shape;
    int n = 0;

    for (int k = 1; k < c->n_classes; k++)
        if (c->members[k] > c->members[c->class])
            c->class = k;
    for (int i = 0; i < c->n_first; i++)
        if (c->classes[i] == c->class)
            c->first[n++] = c->first[i];
    c->n_first = n;
    if (n == 0)
        return err_set(err, ERR_UNAVAILABLE, "cuda: cuBLASLt computes no product of %d x %d",
                       shape->out, shape->in);
    return 0;
}

/* Compares those without a class with the leader's result. */
static int join_leader(struct choice *c, int64_t start_us, struct err *err)
{
    for (; c->at < c->n_first; c->at++) {
        if (c->classes[c->at] >= 0)
            continue;
        if (is_late(start_us))
            return 1;
        if (trial_compare(&c->trial, &c->first[c->at], c->trial.period_rung, c->n_classes, 0, err))
            return -1;
        if (c->first[c->at].equal) {
            c->classes[c->at] = c->n_classes;
            c->members[c->n_classes]++;
        }
    }
    return 0;
}

static int agree(struct choice *c, struct err *err)
{
    const int64_t start_us = clock_now_us();
    int rc;

    for (; c->leader < c->n_first && c->n_classes < TRIAL_CLASSES; c->leader++) {
        if (!c->kept && c->classes[c->leader] >= 0)
            continue;
        if (!c->kept) { /* else a step ended in between */
            rc = trial_keep(&c->trial, &c->first[c->leader].algorithm, c->n_classes, err);
            if (rc < 0)
                return -1;
            if (rc == 0)
                continue;
            c->kept = true;
            c->at = c->leader;
        }
        rc = join_leader(c, start_us, err);
        if (rc)
            return rc;
        c->kept = false;
        c->n_classes++;
    }
    return take_majority(c, err);
}

/* ---- a rung ---------------------------------------------------------------------------------- */

static int propose_all(struct choice *c, struct err *err)
{
    c->n = propose(c->trial.device, c->trial.product, c->rung, ASKED, c->candidates, 0, err);
    if (c->n < 0)
        return -1;
    for (int i = 0; i < c->n_first; i++)
        c->n = add(c->candidates, c->n, &c->first[i].algorithm);
    c->near = false;
    c->tried_rung = c->rung;
    return 0;
}

/* A rung of hardly more rows takes the algorithm of the one before, if that gives the bits. */
static int propose_rung(struct choice *c, struct err *err)
{
    const int *tokens = c->trial.device->caps.ladder.tokens;
    const struct product *product = c->trial.product;

    c->at = c->round = 0;
    if (c->tried_rung < 0 || product->us[c->rung - 1] <= 0 ||
        tokens[c->rung] - tokens[c->tried_rung] > tokens[c->tried_rung] / NEAR)
        return propose_all(c, err);
    c->n = add(c->candidates, 0, &product->algorithms[c->rung - 1]);
    c->near = true;
    return 0;
}

static int compare(struct choice *c, struct err *err)
{
    const int64_t start_us = clock_now_us();

    for (; c->at < c->n; c->at++) {
        if (is_late(start_us))
            return 1;
        if (trial_compare(&c->trial, &c->candidates[c->at], c->rung, c->class, 0, err))
            return -1;
    }
    c->at = 0;
    return 0;
}

static const struct candidate *fastest(const struct choice *c)
{
    const struct candidate *best = NULL;

    for (int i = 0; i < c->n; i++)
        if (c->candidates[i].equal && (!best || c->candidates[i].us < best->us))
            best = &c->candidates[i];
    return best;
}

/* In rounds, of which the better counts: what disturbs only adds. */
static int measure(struct choice *c, struct err *err)
{
    const int64_t start_us = clock_now_us();
    const struct candidate *best = fastest(c);
    float us, limit_us = best ? best->us * SLOW : 0;

    for (; c->round < ROUNDS && c->n > 1; c->round++, c->at = 0)
        for (; c->at < c->n; c->at++) {
            struct candidate *one = &c->candidates[c->at];
            if (!one->equal || one->us > limit_us)
                continue;
            if (is_late(start_us))
                return 1;
            if (trial_time(&c->trial, one, c->rung, &us, err))
                return -1;
            if (c->round == 0 || us < one->us)
                one->us = us;
        }
    return 0;
}

/* Where no candidate gives the reference's bits: one that runs; NULL: none does. */
static const struct candidate *any(const struct choice *c)
{
    for (int i = 0; i < c->n; i++)
        if (c->candidates[i].runs)
            return &c->candidates[i];
    return NULL;
}

/* The fastest that gives the reference's bits, with other rows at the same places as well. */
static int decide(struct choice *c, struct product *product, struct err *err)
{
    const struct candidate *best = fastest(c);
    struct candidate shifted;

    if (best) {
        shifted = *best;
        if (trial_compare(&c->trial, &shifted, c->rung, c->class, TRIAL_SHIFT, err))
            return -1;
        if (!shifted.equal) {
            c->candidates[best - c->candidates].equal = false;
            return 1;
        }
    } else if (c->near) {
        c->stage -= 2; /* compare all */
        c->at = 0;
        return propose_all(c, err) ? -1 : 1;
    }
    product->us[c->rung] = best ? best->us : 0;
    product->n_unlike += !best;
    best = best ? best : any(c);
    if (!best)
        return err_set(err, ERR_UNAVAILABLE, "cuda: cuBLASLt computes no product of %d rows",
                       c->trial.device->caps.ladder.tokens[c->rung]);
    product->algorithms[c->rung] = best->algorithm;
    return 0;
}

/* ---- steps ----------------------------------------------------------------------------------- */

static int begin(struct device *device, struct product *product, int n_rungs, struct err *err)
{
    const struct ladder *ladder = &device->caps.ladder;
    struct choice *c = calloc(1, sizeof(*c));
    int period_rung = 0;

    if (!c)
        return err_set(err, ERR_NOMEM, "cuda: out of memory");
    product->choice = c;
    c->trial.device = device;
    c->n_rungs = n_rungs;
    c->rung = product->n_rungs;
    c->tried_rung = -1;
    for (int i = 0; i < TRIAL_CANDIDATES; i++)
        c->classes[i] = -1;
    while (ladder->tokens[period_rung] < PERIOD_ROWS)
        period_rung++;
    c->n_first = propose(device, product, period_rung, ASKED_FIRST, c->first, 0, err);
    if (c->n_first < 0)
        return -1;
    if (c->n_first == 0)
        return err_set(err, ERR_UNAVAILABLE, "cuda: cuBLASLt has no algorithm for %d x %d",
                       product->shape.out, product->shape.in);
    if (c->n_first > 1)
        return trial_init(&c->trial, device, product, period_rung,
                          period_rung > n_rungs - 1 ? period_rung : n_rungs - 1, err);
    for (; c->rung < n_rungs; c->rung++) /* nothing to choose from */
        product->algorithms[c->rung] = c->first[0].algorithm;
    return 0;
}

enum { FILL, AGREE, PROPOSE, COMPARE, MEASURE, DECIDE };

static int stage_step(struct choice *c, struct product *product, struct err *err)
{
    static int (*const steps[])(struct choice * c, struct err * err) = {
        [FILL] = fill,       [AGREE] = agree,     [PROPOSE] = propose_rung,
        [COMPARE] = compare, [MEASURE] = measure,
    };
    const int rc = c->stage == DECIDE ? decide(c, product, err) : steps[c->stage](c, err);

    if (rc)
        return rc;
    if (c->stage++ < DECIDE)
        return 1;
    c->stage = PROPOSE;
    return ++c->rung < c->n_rungs;
}

int product_choose_step(struct device *device, struct product *product, int max_rows,
                        struct err *err)
{
    const struct ladder *ladder = &device->caps.ladder;
    int n_rungs = 1, rc;

    while (n_rungs < ladder->n && ladder->tokens[n_rungs - 1] < max_rows)
        n_rungs++;
    if (product->n_rungs >= n_rungs)
        return 0;
    if (!product->choice) {
        rc = begin(device, product, n_rungs, err);
        if (rc == 0 && product->choice->rung < n_rungs)
            return 1;
    } else {
        rc = stage_step(product->choice, product, err);
        if (rc > 0)
            return 1;
    }
    if (rc == 0)
        product->n_rungs = product->choice->n_rungs;
    product_choose_abandon(product);
    return rc < 0 ? -1 : product->n_rungs < n_rungs;
}

void product_choose_abandon(struct product *product)
{
    if (!product->choice)
        return;
    trial_release(&product->choice->trial);
    free(product->choice);
    product->choice = NULL;
}
