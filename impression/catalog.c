/* Opens a catalog, orders its ads and answers look-ups. */
#include "adrank/catalog.h"

#include <math.h>
#include <openssl/evp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "adrank/decode.h"
#include "base/file.h"
#include "impression/ad_schedule.h"
#include "impression/catalog_doubts.h"
#include "impression/catalog_read.h"
#include "impression/ecpm.h"

#define MIN_CHUNK_BYTES ((size_t)4 << 10)
#define MAX_CHUNK_BYTES ((size_t)1 << 20)
#define DIGEST_HEX 12
#define OWN_PROBLEMS 16 /* if the caller passes none */
#define ASSUMED_RATE 0.01

struct catalog {
    atomic_int refs;
    struct arena arena;
    struct ad_table table;
    int32_t *by_prior_ecpm;
    struct ad_schedule schedule;
    struct views doubts;
    char digest[DIGEST_HEX + 1];
};

/* ---- order by prior ecpm --------------------------------------------------------------------- */

static double prior_ecpm(const struct ad *ad)
{
    double ctr = isnan(ad->prior_ctr) ? ASSUMED_RATE : ad->prior_ctr;

    return ecpm_of(ad->bid_type, ad->bid, ctr, ASSUMED_RATE);
}

static int by_prior_ecpm(const void *a, const void *b, void *ads)
{
    const struct ad *x = (const struct ad *)ads + *(const int32_t *)a;
    const struct ad *y = (const struct ad *)ads + *(const int32_t *)b;
    double x_ecpm = prior_ecpm(x), y_ecpm = prior_ecpm(y);

    if (x->status != y->status)
        return x->status == AD_PAUSED ? 1 : -1;
    if (x_ecpm != y_ecpm)
        return x_ecpm > y_ecpm ? -1 : 1;
    return view_cmp(x->adid, y->adid);
}

static int order_ads(struct catalog *catalog, struct err *err)
{
    size_t n = (size_t)catalog->table.n_ads;

    catalog->by_prior_ecpm = arena_array(&catalog->arena, n, sizeof(int32_t));
    if (!catalog->by_prior_ecpm)
        return err_set(err, ERR_NOMEM, "out of memory");
    for (int32_t i = 0; i < catalog->table.n_ads; i++)
        catalog->by_prior_ecpm[i] = i;
    qsort_r(catalog->by_prior_ecpm, n, sizeof(int32_t), by_prior_ecpm, catalog->table.ads);
    return ad_schedule_build(&catalog->schedule, catalog->table.ads, catalog->by_prior_ecpm,
                             catalog->table.n_ads, &catalog->arena, err);
}

/* ---- the object ------------------------------------------------------------------------------ */

static int digest_bytes(struct view bytes, char out[DIGEST_HEX + 1], struct err *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];

    if (EVP_Digest(bytes.ptr, bytes.len, digest, NULL, EVP_sha256(), NULL) != 1)
        return err_set(err, ERR_NOMEM, "SHA-256: out of memory"); /* nothing else can fail */
    for (int i = 0; i < DIGEST_HEX / 2; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
    return 0;
}

static size_t chunk_bytes(size_t bytes)
{
    if (bytes < MIN_CHUNK_BYTES)
        return MIN_CHUNK_BYTES;
    return bytes < MAX_CHUNK_BYTES ? bytes : MAX_CHUNK_BYTES;
}

/* bytes must be followed by DECODE_PADDING. */
static int fill(struct catalog *catalog, struct view bytes, struct problems *problems,
                struct err *err)
{
    size_t before = problems->n + problems->dropped;

    if (digest_bytes(bytes, catalog->digest, err) ||
        ad_table_read(&catalog->table, bytes, problems, &catalog->arena, err))
        return -1;
    if (problems->n + problems->dropped != before)
        return problems_to_err(problems, NULL, ERR_DATA, err);
    if (order_ads(catalog, err))
        return -1;
    return catalog_doubts_find(&catalog->table, &catalog->arena, &catalog->doubts, err);
}

/* Releases bytes. */
static int parse(const char *name, struct buf *bytes, struct problems *problems,
                 struct catalog **out, struct err *err)
{
    struct catalog *catalog = calloc(1, sizeof(*catalog));
    char *padding = buf_reserve(bytes, DECODE_PADDING);
    struct problems own;
    int rc;

    if (!catalog || !padding) {
        free(catalog);
        buf_release(bytes);
        return err_set(err, ERR_NOMEM, "%s: out of memory", name);
    }
    memset(padding, 0, DECODE_PADDING);
    atomic_init(&catalog->refs, 1);
    arena_init(&catalog->arena, chunk_bytes(bytes->len), 0);
    problems_init(&own, &catalog->arena, OWN_PROBLEMS);
    rc = fill(catalog, buf_view(bytes), problems ? problems : &own, err);
    buf_release(bytes);
    if (rc) {
        catalog_unref(catalog);
        return err_prefix(err, "%s", name);
    }
    *out = catalog;
    return 0;
}

int catalog_open(const char *path, size_t max_bytes, struct problems *problems,
                 struct catalog **out, struct err *err)
{
    struct buf bytes = BUF_INIT;

    if (file_read(path, max_bytes, &bytes, err)) {
        buf_release(&bytes);
        return -1;
    }
    return parse(path, &bytes, problems, out, err);
}

int catalog_parse(const char *name, struct view lines, struct problems *problems,
                  struct catalog **out, struct err *err)
{
    struct buf bytes = BUF_INIT;

    buf_add_view(&bytes, lines);
    return parse(name, &bytes, problems, out, err);
}

struct catalog *catalog_ref(struct catalog *catalog)
{
    atomic_fetch_add_explicit(&catalog->refs, 1, memory_order_relaxed);
    return catalog;
}

void catalog_unref(struct catalog *catalog)
{
    if (!catalog || atomic_fetch_sub_explicit(&catalog->refs, 1, memory_order_acq_rel) != 1)
        return;
    arena_release(&catalog->arena);
    free(catalog);
}

const struct ad *catalog_ads(const struct catalog *catalog, int *n)
{
    *n = catalog->table.n_ads;
    return catalog->table.ads;
}

const struct ad *catalog_find(const struct catalog *catalog, struct view adid)
{
    return ad_index_find(&catalog->table.by_adid, catalog->table.ads, adid);
}

struct view catalog_item_text(const struct catalog *catalog, struct view item)
{
    const struct ad *ad =
        item.len ? ad_index_find(&catalog->table.by_item, catalog->table.ads, item) : NULL;

    return ad ? ad->text : (struct view){0};
}

const int32_t *catalog_by_prior_ecpm(const struct catalog *catalog)
{
    return catalog->by_prior_ecpm;
}

const struct ad_schedule *catalog_schedule(const struct catalog *catalog)
{
    return &catalog->schedule;
}

int catalog_eligible(const struct catalog *catalog, int64_t now_ms)
{
    return ad_schedule_active(&catalog->schedule, now_ms);
}

uint64_t catalog_unknown_fields(const struct catalog *catalog)
{
    return catalog->table.unknown_fields;
}

const struct views *catalog_doubts(const struct catalog *catalog)
{
    return &catalog->doubts;
}

const char *catalog_digest(const struct catalog *catalog)
{
    return catalog->digest;
}
