/* Reads lines one by one, and copies what they hold. */
#include "impression/catalog_read.h"

#include <math.h>
#include <stdio.h>

#include "adrank/decode.h"
#include "impression/domain.h"
#include "json/object.h"

#define MIN_CHUNK_BYTES ((size_t)4 << 10)
#define MAX_CHUNK_BYTES ((size_t)1 << 20)
/* {"adid":"a","title":"t","bid":1}: the shortest possible ad. */
#define MIN_AD_BYTES 32

/* ---- the fields of a line, strict ------------------------------------------------------------ */

static const char *const status_names[] = {"active", "paused"};

#define AT(member) .at = offsetof(struct ad, member)

static const struct field ad_fields[] = {
    {FIELD("adid"), FIELD_STRING, FIELD_REQUIRED | FIELD_NOT_EMPTY, AT(adid)},
    {FIELD("title"), FIELD_STRING, FIELD_REQUIRED | FIELD_NOT_EMPTY, AT(title)},
    {FIELD("bid"), FIELD_NUMBER, FIELD_REQUIRED, AT(bid), .max = DECODE_MAX_MONEY},
    {FIELD("item"), FIELD_STRING, AT(item)},
    {FIELD("crid"), FIELD_STRING, AT(crid)},
    {FIELD("cid"), FIELD_STRING, AT(cid)},
    {FIELD("seat"), FIELD_STRING, AT(seat)},
    {FIELD("adomain"), FIELD_STRINGS, FIELD_NOT_EMPTY, AT(adomain)},
    {FIELD("cat"), FIELD_STRINGS, FIELD_NOT_EMPTY, AT(cat)},
    {FIELD("desc"), FIELD_STRING, AT(desc)},
    {FIELD("bid_type"), FIELD_NAME, AT(bid_type), .names = bid_type_names, .n_names = BID_TYPES},
    {FIELD("prior_ctr"), FIELD_NUMBER, AT(prior_ctr), .max = 1},
    {FIELD("status"), FIELD_NAME, AT(status), .names = status_names, .n_names = 2},
    {FIELD("start"), FIELD_INT64, AT(start_ms), .max = INT64_MAX},
    {FIELD("end"), FIELD_INT64, AT(end_ms), .max = INT64_MAX},
    {FIELD("emb"), FIELD_VECTORS},
};

static void check_ad(struct object_reader *reader, const struct place *place, const void *object)
{
    const struct ad *ad = object;

    if (ad->end_ms <= ad->start_ms)
        field_problem(reader, place, "end", "must be later than start");
}

static const struct ad blank_ad = {
    .bid_type = BID_CPM, .prior_ctr = NAN, .status = AD_ACTIVE, .end_ms = INT64_MAX};

static const struct schema ad_schema = SCHEMA(ad_fields, struct ad, &blank_ad, .check = check_ad);

/* ---- what is kept of it ---------------------------------------------------------------------- */

static struct view ad_adid(const struct ad *ad)
{
    return ad->adid;
}

static struct view ad_item(const struct ad *ad)
{
    return ad->item;
}

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

/* ad->domains of ad->adomain; entries that are not a domain are left out. */
static int make_domains(struct arena *arena, struct ad *ad)
{
    struct view *domains = arena_array(arena, (size_t)ad->adomain.n, sizeof(*domains));
    int n = 0;

    if (!domains)
        return -1;
    for (int i = 0; i < ad->adomain.n; i++) {
        char name[DOMAIN_MAX_BYTES];
        size_t len = domain_normalize(ad->adomain.items[i], name);

        if (len == 0)
            continue;
        domains[n] = arena_copy(arena, (struct view){name, len});
        if (!domains[n++].ptr)
            return -1;
    }
    ad->domains = (struct views){domains, n};
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

static int keep_ad(struct ad_table *table, const struct ad *read, struct arena *arena,
                   size_t number, struct err *err)
{
    struct ad *ad = &table->ads[table->n_ads];

    *ad = *read;
    ad->index = table->n_ads;
    if (copy_view(arena, &ad->adid) || copy_view(arena, &ad->item) || copy_view(arena, &ad->crid) ||
        copy_view(arena, &ad->cid) || copy_view(arena, &ad->seat) ||
        copy_views(arena, &ad->adomain) || make_domains(arena, ad) || copy_views(arena, &ad->cat) ||
        make_text(arena, ad))
        return err_set(err, ERR_NOMEM, "out of memory");
    table->lines[table->n_ads++] = (int32_t)number;
    return 0;
}

/* -1: an earlier line has the adid. For an item only the first ad is needed. */
static int index_ad(struct ad_table *table, const struct ad *ad)
{
    if (ad_index_add(&table->by_adid, table->ads, ad))
        return -1;
    if (ad->item.len)
        (void)ad_index_add(&table->by_item, table->ads, ad);
    return 0;
}

/* ---- lines ----------------------------------------------------------------------------------- */

/* State of one reading. */
struct reading {
    struct ad_table *table;
    struct arena *arena;
    struct arena scratch; /* of one line */
    struct problems *problems;
};

/* Returns 0 with the line's ad in the table or a problem added; -1 with err. */
static int read_line(struct reading *r, struct view bytes, size_t number, struct err *err)
{
    char prefix[32];
    struct object_reader reader = {.problems = r->problems, .prefix = prefix};
    struct ad ad;

    snprintf(prefix, sizeof(prefix), "line %zu", number);
    if (bytes.len > CATALOG_MAX_LINE_BYTES) {
        field_problem(&reader, NULL, NULL, "longer than %zu bytes", CATALOG_MAX_LINE_BYTES);
        return 0;
    }
    switch (object_read(&reader, bytes, &r->scratch, &ad_schema, &ad)) {
    case READ_OK:
        break;
    case READ_OUT_OF_MEMORY:
        return err_set(err, ERR_NOMEM, "out of memory");
    default:
        return 0;
    }
    r->table->unknown_fields += reader.unknown;
    if (keep_ad(r->table, &ad, r->arena, number, err))
        return -1;
    if (index_ad(r->table, &r->table->ads[r->table->n_ads - 1]))
        field_problem(&reader, NULL, "adid", "is also the adid of an earlier line");
    return 0;
}

/* How many lines there are, and how many of them are long enough for an ad, which determines the
 * allocation. */
static size_t count_lines(struct view bytes, size_t *n_ads)
{
    const char *p = bytes.ptr, *end = p + bytes.len;
    size_t n;

    *n_ads = 0;
    for (n = 0; p < end; n++) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));

        *n_ads += (newline ? newline : end) - p >= MIN_AD_BYTES;
        p = newline ? newline + 1 : end;
    }
    return n;
}

static int read_lines(struct reading *r, struct view bytes, struct err *err)
{
    const char *p = bytes.ptr, *end = p + bytes.len;
    int rc = 0;

    arena_init(&r->scratch, MIN_CHUNK_BYTES, 0);
    for (size_t number = 1; p < end && rc == 0; number++) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        struct view line = {p, (size_t)((newline ? newline : end) - p)};

        if (!view_is_blank(line))
            rc = read_line(r, line, number, err);
        arena_reset(&r->scratch, MAX_CHUNK_BYTES);
        p = newline ? newline + 1 : end;
    }
    arena_release(&r->scratch);
    return rc;
}

int ad_table_read(struct ad_table *table, struct view bytes, struct problems *problems,
                  struct arena *arena, struct err *err)
{
    struct reading reading = {.table = table, .arena = arena, .problems = problems};
    size_t n, lines = count_lines(bytes, &n);

    *table = (struct ad_table){0};
    if (lines >= INT32_MAX)
        return err_set(err, ERR_DATA, "more than %d lines", INT32_MAX - 1);
    table->ads = arena_array(arena, n, sizeof(*table->ads));
    table->lines = arena_array(arena, n, sizeof(*table->lines));
    if (!table->ads || !table->lines)
        return err_set(err, ERR_NOMEM, "out of memory");
    if (ad_index_init(&table->by_adid, ad_adid, (int32_t)n, arena, err) ||
        ad_index_init(&table->by_item, ad_item, (int32_t)n, arena, err))
        return -1;
    return read_lines(&reading, bytes, err);
}
