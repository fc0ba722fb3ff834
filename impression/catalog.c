#include "adrank/catalog.h"

#include <math.h>
#include <openssl/evp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "adrank/decode.h"
#include "base/file.h"
#include "impression/catalog_fields.h"

#define MIN_CHUNK_BYTES ((size_t)4 << 10)
#define MAX_CHUNK_BYTES ((size_t)1 << 20)
#define DIGEST_HEX 12
#define OWN_PROBLEMS 16 /* where the caller wants none */
#define ASSUMED_RATE 0.01

/* Which ads have a string: open addressing, slots hold index + 1. */
struct ad_index {
    uint32_t *slots;
    size_t mask; /* slots - 1, a power of two at least twice the ads */
};

struct catalog {
    atomic_int refs;
    struct arena arena;
    struct ad *ads;
    int32_t n_ads;
    struct ad_index by_adid, by_item;
    int32_t *by_prior_ecpm;
    uint64_t unknown_fields;
    char digest[DIGEST_HEX + 1];
};

/* ---- look-up ---- */

static struct view ad_adid(const struct ad *ad)
{
    return ad->adid;
}

static struct view ad_item(const struct ad *ad)
{
    return ad->item;
}

typedef struct view (*ad_key_fn)(const struct ad *ad);

static int index_init(struct ad_index *index, int32_t n_ads, struct arena *arena, struct err *err)
{
    size_t n = 16;

    while (n < 2 * (size_t)n_ads)
        n *= 2;
    index->slots = arena_calloc(arena, n, sizeof(*index->slots));
    index->mask = n - 1;
    return index->slots ? 0 : err_set(err, ERR_NOMEM, "out of memory");
}

/* The slot of that key, or the empty one where it would go. */
static uint32_t *find_slot(const struct ad_index *index, const struct ad *ads, ad_key_fn key_of,
                           struct view key)
{
    size_t at = (size_t)XXH3_64bits(key.ptr, key.len) & index->mask;

    while (index->slots[at] && !view_eq(key_of(&ads[index->slots[at] - 1]), key))
        at = (at + 1) & index->mask;
    return &index->slots[at];
}

const struct ad *catalog_find(const struct catalog *catalog, struct view adid)
{
    uint32_t slot = *find_slot(&catalog->by_adid, catalog->ads, ad_adid, adid);

    return slot ? &catalog->ads[slot - 1] : NULL;
}

struct view catalog_item_text(const struct catalog *catalog, struct view item)
{
    uint32_t slot = item.len ? *find_slot(&catalog->by_item, catalog->ads, ad_item, item) : 0;

    return slot ? catalog->ads[slot - 1].text : (struct view){0};
}

/* ---- lines ---- */

static int copy_view(struct arena *arena, struct view *v)
{
    if (v->len == 0) {
        *v = (struct view){0};
        return 0;
    }
    *v = arena_copy(arena, *v);
    return v->ptr ? 0 : -1;
}

static int copy_views(struct arena *arena, struct views *list)
{
    struct view *items = arena_array(arena, (size_t)list->n, sizeof(*items));

    if (!items)
        return -1;
    for (int i = 0; i < list->n; i++) {
        items[i] = list->items[i];
        if (copy_view(arena, &items[i]))
            return -1;
    }
    list->items = items;
    return 0;
}

/* title and desc become parts of text. */
static int make_text(struct arena *arena, struct ad *ad)
{
    size_t len = ad->title.len + (ad->desc.len ? 1 + ad->desc.len : 0);
    char *text = arena_alloc(arena, len);

    if (!text)
        return -1;
    memcpy(text, ad->title.ptr, ad->title.len);
    if (ad->desc.len) {
        text[ad->title.len] = ' ';
        memcpy(text + ad->title.len + 1, ad->desc.ptr, ad->desc.len);
        ad->desc.ptr = text + ad->title.len + 1;
    } else {
        ad->desc = (struct view){0};
    }
    ad->title.ptr = text;
    ad->text = (struct view){text, len};
    return 0;
}

static int keep_line(struct catalog *catalog, const struct catalog_line *line, struct err *err)
{
    struct ad *ad = &catalog->ads[catalog->n_ads];
    struct arena *arena = &catalog->arena;

    *ad = line->ad;
    ad->paused = line->status == 1;
    ad->index = catalog->n_ads;
    if (copy_view(arena, &ad->adid) || copy_view(arena, &ad->item) || copy_view(arena, &ad->crid) ||
        copy_view(arena, &ad->cid) || copy_view(arena, &ad->seat) ||
        copy_views(arena, &ad->adomain) || copy_views(arena, &ad->cat) || make_text(arena, ad))
        return err_set(err, ERR_NOMEM, "out of memory");
    catalog->n_ads++;
    return 0;
}

static int index_line(struct catalog *catalog, const struct ad *ad)
{
    uint32_t *slot = find_slot(&catalog->by_adid, catalog->ads, ad_adid, ad->adid);

    if (*slot)
        return -1;
    *slot = (uint32_t)ad->index + 1;
    if (ad->item.len) {
        slot = find_slot(&catalog->by_item, catalog->ads, ad_item, ad->item);
        if (!*slot)
            *slot = (uint32_t)ad->index + 1;
    }
    return 0;
}

/* 0 with the line's ad in the catalog or a problem told; -1: err. scratch is the line's alone. */
static int read_line(struct catalog *catalog, struct view bytes, size_t number,
                     struct problems *problems, struct arena *scratch, struct err *err)
{
    char prefix[32];
    struct reader reader = {.problems = problems, .prefix = prefix};
    struct catalog_line line;

    snprintf(prefix, sizeof(prefix), "line %zu", number);
    switch (reader_read(&reader, bytes, scratch, &catalog_line_shape, &line)) {
    case READ_OK:
        break;
    case READ_OUT_OF_MEMORY:
        return err_set(err, ERR_NOMEM, "out of memory");
    default:
        return 0;
    }
    catalog->unknown_fields += reader.unknown;
    if (keep_line(catalog, &line, err))
        return -1;
    if (index_line(catalog, &catalog->ads[catalog->n_ads - 1]))
        reader_problem(&reader, NULL, "adid", "stands on an earlier line too");
    return 0;
}

static bool is_blank(struct view line)
{
    for (size_t i = 0; i < line.len; i++)
        if (line.ptr[i] != ' ' && line.ptr[i] != '\t' && line.ptr[i] != '\r')
            return false;
    return true;
}

static size_t count_lines(struct view bytes)
{
    size_t n = 1;

    for (const char *p = bytes.ptr, *end = p + bytes.len;
         p < end && (p = memchr(p, '\n', (size_t)(end - p))); p++)
        n++;
    return n;
}

static int read_lines(struct catalog *catalog, struct view bytes, struct problems *problems,
                      struct err *err)
{
    const char *p = bytes.ptr, *end = p + bytes.len;
    struct arena scratch;
    int rc = 0;

    arena_init(&scratch, MIN_CHUNK_BYTES, 0);
    for (size_t number = 1; p < end && rc == 0; number++) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        struct view line = {p, (size_t)((newline ? newline : end) - p)};

        if (!is_blank(line))
            rc = read_line(catalog, line, number, problems, &scratch, err);
        arena_reset(&scratch, MAX_CHUNK_BYTES);
        p = newline ? newline + 1 : end;
    }
    arena_release(&scratch);
    return rc;
}

/* ---- order by prior ecpm ---- */

static double prior_ecpm(const struct ad *ad)
{
    double ctr = isnan(ad->prior_ctr) ? ASSUMED_RATE : ad->prior_ctr;

    switch (ad->bid_type) {
    case BID_CPC:
        return 1000 * ctr * ad->bid;
    case BID_CPA:
        return 1000 * ctr * ASSUMED_RATE * ad->bid;
    default:
        return ad->bid;
    }
}

static int by_prior_ecpm(const void *a, const void *b, void *ads)
{
    const struct ad *x = (const struct ad *)ads + *(const int32_t *)a;
    const struct ad *y = (const struct ad *)ads + *(const int32_t *)b;
    double x_ecpm = prior_ecpm(x), y_ecpm = prior_ecpm(y);

    if (x->paused != y->paused)
        return x->paused ? 1 : -1;
    if (x_ecpm != y_ecpm)
        return x_ecpm > y_ecpm ? -1 : 1;
    return view_cmp(x->adid, y->adid);
}

static int order_ads(struct catalog *catalog, struct err *err)
{
    size_t n = (size_t)catalog->n_ads;

    catalog->by_prior_ecpm = arena_array(&catalog->arena, n, sizeof(int32_t));
    if (!catalog->by_prior_ecpm)
        return err_set(err, ERR_NOMEM, "out of memory");
    for (int32_t i = 0; i < catalog->n_ads; i++)
        catalog->by_prior_ecpm[i] = i;
    qsort_r(catalog->by_prior_ecpm, n, sizeof(int32_t), by_prior_ecpm, catalog->ads);
    return 0;
}

/* ---- the object ---- */

static int digest_bytes(struct view bytes, char out[DIGEST_HEX + 1], struct err *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];

    if (EVP_Digest(bytes.ptr, bytes.len, digest, NULL, EVP_sha256(), NULL) != 1)
        return err_set(err, ERR_INTERNAL, "SHA-256 failed");
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

/* bytes have DECODE_PADDING behind them. */
static int fill(struct catalog *catalog, struct view bytes, struct problems *problems,
                struct err *err)
{
    size_t lines = count_lines(bytes), told = problems->n + problems->dropped;

    if (lines >= INT32_MAX)
        return err_set(err, ERR_DATA, "more than %d lines", INT32_MAX - 1);
    catalog->ads = arena_array(&catalog->arena, lines, sizeof(*catalog->ads));
    if (!catalog->ads)
        return err_set(err, ERR_NOMEM, "out of memory");
    if (index_init(&catalog->by_adid, (int32_t)lines, &catalog->arena, err) ||
        index_init(&catalog->by_item, (int32_t)lines, &catalog->arena, err) ||
        digest_bytes(bytes, catalog->digest, err) || read_lines(catalog, bytes, problems, err))
        return -1;
    if (problems->n + problems->dropped != told)
        return problems_to_err(problems, NULL, ERR_DATA, err);
    return order_ads(catalog, err);
}

static int parse_padded(const char *name, struct view bytes, struct problems *problems,
                        struct catalog **out, struct err *err)
{
    struct catalog *catalog = calloc(1, sizeof(*catalog));
    struct problems own;
    int rc;

    if (!catalog)
        return err_set(err, ERR_NOMEM, "%s: out of memory", name);
    atomic_init(&catalog->refs, 1);
    arena_init(&catalog->arena, chunk_bytes(bytes.len), 0);
    problems_init(&own, &catalog->arena, OWN_PROBLEMS);
    rc = fill(catalog, bytes, problems ? problems : &own, err);
    if (rc) {
        catalog_unref(catalog);
        return err_prefix(err, "%s", name);
    }
    *out = catalog;
    return 0;
}

static int pad(struct buf *bytes, struct err *err)
{
    char *padding = buf_reserve(bytes, DECODE_PADDING);

    if (!padding)
        return err_set(err, ERR_NOMEM, "out of memory");
    memset(padding, 0, DECODE_PADDING);
    return 0;
}

int catalog_open(const char *path, struct problems *problems, struct catalog **out, struct err *err)
{
    struct buf bytes = BUF_INIT;
    int rc = -1;

    if (file_read(path, SIZE_MAX, &bytes, err) || pad(&bytes, err))
        goto out;
    rc = parse_padded(path, buf_view(&bytes), problems, out, err);
out:
    buf_release(&bytes);
    return rc;
}

int catalog_parse(const char *name, struct view lines, struct problems *problems,
                  struct catalog **out, struct err *err)
{
    struct buf bytes = BUF_INIT;
    int rc = -1;

    buf_add_view(&bytes, lines);
    if (pad(&bytes, err))
        goto out;
    rc = parse_padded(name, buf_view(&bytes), problems, out, err);
out:
    buf_release(&bytes);
    return rc;
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
    *n = catalog->n_ads;
    return catalog->ads;
}

const int32_t *catalog_by_prior_ecpm(const struct catalog *catalog)
{
    return catalog->by_prior_ecpm;
}

uint64_t catalog_unknown_fields(const struct catalog *catalog)
{
    return catalog->unknown_fields;
}

const char *catalog_digest(const struct catalog *catalog)
{
    return catalog->digest;
}
