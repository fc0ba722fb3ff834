/* Golden requests of the built-in texts: pairs that the model scores differently. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/model/pack.h"

#define ADS_A_REQUEST 4  /* of a built-in context: the lowest and the highest two */
#define EXTREME_PAIRS 20 /* of all built-in pairs: that many lowest and highest */

struct ranked {
    double logit;
    size_t request, candidate;
};

/* The logit of every pair of a built-in context and a built-in ad. */
struct pool {
    json_t *requests;
    struct ranked *pairs; /* (n), those of a request beside each other */
    bool *kept;           /* (n) by request and candidate */
    size_t n, n_ads;
};

static int by_logit(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    return (x->logit > y->logit) - (x->logit < y->logit);
}

static void keep(struct pool *pool, const struct ranked *pair)
{
    pool->kept[pair->request * pool->n_ads + pair->candidate] = true;
}

/* Of n pairs the `each` lowest and highest. */
static void keep_extremes(struct pool *pool, struct ranked *pairs, size_t n, size_t each)
{
    qsort(pairs, n, sizeof(*pairs), by_logit);
    for (size_t i = 0; i < each; i++) {
        keep(pool, &pairs[i]);
        keep(pool, &pairs[n - 1 - i]);
    }
}

static double kept_spread(const struct pool *pool)
{
    double sum = 0, squares = 0;
    int n = 0;

    for (size_t i = 0; i < pool->n; i++) {
        const struct ranked *pair = &pool->pairs[i];
        if (!pool->kept[pair->request * pool->n_ads + pair->candidate])
            continue;
        sum += pair->logit;
        squares += pair->logit * pair->logit;
        n++;
    }
    return pack_spread(sum, squares, n);
}

/* A model scores texts it was not trained for much alike: keeps each context's lowest and highest
 * ads, or, where these are still too close, the lowest and highest of all pairs. */
static void choose(struct pool *pool)
{
    for (size_t i = 0; i < pool->n; i += pool->n_ads)
        keep_extremes(pool, &pool->pairs[i], pool->n_ads, ADS_A_REQUEST / 2);
    if (kept_spread(pool) >= GOLDEN_MIN_SPREAD * 1.001)
        return;
    memset(pool->kept, 0, pool->n * sizeof(*pool->kept));
    keep_extremes(pool, pool->pairs, pool->n, EXTREME_PAIRS);
}

static int pool_init(struct pool *pool, struct pack *p, struct err *err)
{
    *pool = (struct pool){.requests = pack_builtin_requests()};
    if (!pool->requests)
        return err_set(err, ERR_NOMEM, "out of memory");
    if (pack_set_logits(p, pool->requests, false, err))
        return -1;
    pool->n_ads = json_array_size(json_object_get(json_array_get(pool->requests, 0), "logits"));
    pool->n = pool->n_ads * json_array_size(pool->requests);
    pool->pairs = calloc(pool->n, sizeof(*pool->pairs));
    pool->kept = calloc(pool->n, sizeof(*pool->kept));
    if (!pool->pairs || !pool->kept)
        return err_set(err, ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < pool->n; i++) {
        const json_t *logits =
            json_object_get(json_array_get(pool->requests, i / pool->n_ads), "logits");
        pool->pairs[i] = (struct ranked){json_number_value(json_array_get(logits, i % pool->n_ads)),
                                         i / pool->n_ads, i % pool->n_ads};
    }
    return 0;
}

static void pool_release(struct pool *pool)
{
    json_decref(pool->requests);
    free(pool->pairs);
    free(pool->kept);
}

/* Removes the candidates that are not kept, and requests without any left. */
static void cut(struct pool *pool)
{
    for (size_t i = json_array_size(pool->requests); i-- > 0;) {
        json_t *request = json_object_get(json_array_get(pool->requests, i), "request");
        json_t *candidates = json_object_get(json_object_get(request, "rank"), "candidates");
        for (size_t k = pool->n_ads; k-- > 0;)
            if (!pool->kept[i * pool->n_ads + k])
                json_array_remove(candidates, k);
        if (json_array_size(candidates) == 0)
            json_array_remove(pool->requests, i);
    }
}

int pack_builtin(struct pack *p, json_t **out, struct err *err)
{
    struct pool pool;
    int rc = pool_init(&pool, p, err);

    if (rc == 0) {
        choose(&pool);
        cut(&pool);
        *out = json_incref(pool.requests);
        /* With fewer candidates a logit may differ in its last bits. */
        rc = pack_set_logits(p, *out, false, err);
    }
    pool_release(&pool);
    return rc;
}
