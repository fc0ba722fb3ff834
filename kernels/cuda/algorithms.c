/*
 * Which algorithm computes a product. Scores must not depend on the batch, so the choice for a rung
 * is the fastest of the algorithms that give the bits of a reference: the result, at one number of
 * rows, that most of the library's proposals agree on. A winner must also give them for other rows
 * at the same places. Algorithms that split K add up in an order of their own and are not proposed.
 */
#include <string.h>

#include "kernels/cuda/trial.h"

#define PERIOD_ROWS 4096
#define ASKED_FIRST 16 /* proposals at PERIOD_ROWS */
#define ASKED 8        /* at another rung, beside those that agreed there */

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

/* ---- the reference --------------------------------------------------------------------------- */

/* The algorithms with the bits that most have, in front; *class is the result of theirs. Returns
 * how many they are. */
static int agree(struct trial *trial, struct candidate *c, int n, int *class, struct err *err)
{
    int classes[TRIAL_CANDIDATES], members[TRIAL_CLASSES] = {0}, n_classes = 0, n_agreed = 0;

    for (int i = 0; i < n; i++)
        classes[i] = -1;
    for (int first = 0; first < n && n_classes < TRIAL_CLASSES; first++) {
        int kept;
        if (classes[first] >= 0)
            continue;
        kept = trial_keep(trial, &c[first].algorithm, n_classes, err);
        if (kept < 0 || (kept && trial_compare(trial, c, n, trial->period_rung, n_classes, 0, err)))
            return -1;
        if (!kept)
            continue;
        for (int i = first; i < n; i++)
            if (classes[i] < 0 && c[i].equal) {
                classes[i] = n_classes;
                members[n_classes]++;
            }
        n_classes++;
    }
    *class = 0;
    for (int k = 1; k < n_classes; k++)
        if (members[k] > members[*class])
            *class = k;
    for (int i = 0; i < n; i++)
        if (classes[i] == *class)
            c[n_agreed++] = c[i];
    return n_agreed;
}

/* ---- choosing -------------------------------------------------------------------------------- */

/* The fastest that gives the reference's bits, shifted as well; NULL: none does. */
static const struct candidate *fastest(struct trial *trial, struct candidate *c, int n, int rung,
                                       int class, struct err *err)
{
    for (;;) {
        struct candidate *best = NULL, shifted;
        for (int i = 0; i < n; i++)
            if (c[i].equal && (!best || c[i].us < best->us))
                best = &c[i];
        if (!best)
            return NULL;
        shifted = *best;
        if (trial_compare(trial, &shifted, 1, rung, class, TRIAL_SHIFT, err))
            return NULL;
        if (shifted.equal)
            return best;
        best->equal = false;
    }
}

/* Where no candidate gives the reference's bits: one that runs; NULL: none does. */
static const struct candidate *any(const struct candidate *c, int n)
{
    for (int i = 0; i < n; i++)
        if (c[i].runs)
            return &c[i];
    return NULL;
}

static int choose_rung(struct trial *trial, struct product *product, int rung,
                       const struct candidate *agreed, int n_agreed, int class, struct err *err)
{
    struct device *device = trial->device;
    struct candidate candidates[TRIAL_CANDIDATES];
    const struct candidate *best;
    int n = propose(device, product, rung, ASKED, candidates, 0, err);

    if (n < 0)
        return -1;
    for (int i = 0; i < n_agreed; i++)
        n = add(candidates, n, &agreed[i].algorithm);
    if (trial_compare(trial, candidates, n, rung, class, 0, err) ||
        trial_time(trial, candidates, n, rung, err))
        return -1;
    best = fastest(trial, candidates, n, rung, class, err);
    if (device->broken)
        return -1;
    product->us[rung] = best ? best->us : 0;
    product->n_unlike += !best;
    best = best ? best : any(candidates, n);
    if (!best)
        return err_set(err, ERR_UNAVAILABLE, "cuda: cuBLASLt computes no product of %d rows",
                       device->caps.ladder.tokens[rung]);
    product->algorithms[rung] = best->algorithm;
    return 0;
}

static int choose_by_trial(struct device *device, struct product *product, int n_rungs,
                           int period_rung, struct candidate *first, int n_first, struct err *err)
{
    const int max_rung = period_rung > n_rungs - 1 ? period_rung : n_rungs - 1;
    struct trial trial;
    int class = 0, n_agreed, rc = -1;

    if (trial_init(&trial, device, product, period_rung, max_rung, err))
        goto out;
    n_agreed = agree(&trial, first, n_first, &class, err);
    if (n_agreed < 0)
        goto out;
    if (n_agreed == 0) {
        err_set(err, ERR_UNAVAILABLE, "cuda: cuBLASLt computes no product of %d x %d",
                product->shape.out, product->shape.in);
        goto out;
    }
    product->n_unlike = 0;
    rc = 0;
    for (int rung = 0; rung < n_rungs && rc == 0; rung++)
        rc = choose_rung(&trial, product, rung, first, n_agreed, class, err);
out:
    trial_release(&trial);
    return rc;
}

int product_choose(struct device *device, struct product *product, int n_rungs, struct err *err)
{
    const struct ladder *ladder = &device->caps.ladder;
    struct candidate first[TRIAL_CANDIDATES];
    int period_rung = 0, n;

    while (ladder->tokens[period_rung] < PERIOD_ROWS)
        period_rung++;
    n = propose(device, product, period_rung, ASKED_FIRST, first, 0, err);
    if (n < 0)
        return -1;
    if (n == 0)
        return err_set(err, ERR_UNAVAILABLE, "cuda: cuBLASLt has no algorithm for %d x %d",
                       product->shape.out, product->shape.in);
    if (n == 1) /* nothing to choose from */
        for (int rung = 0; rung < n_rungs; rung++)
            product->algorithms[rung] = first[0].algorithm;
    else if (choose_by_trial(device, product, n_rungs, period_rung, first, n, err))
        return -1;
    product->n_rungs = n_rungs;
    return 0;
}
