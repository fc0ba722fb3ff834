/* Mutates request bodies. */
#include "tests/storm/body.h"

#include "base/file.h"
#include "tests/storm/storm.h"
#include "tests/test.h"

void body_seeds_read(struct body_seeds *seeds)
{
    struct err err;
    char *end, *tab;

    *seeds = (struct body_seeds){0};
    CHECK_OK(file_read("bench/compare/requests.tsv", 1 << 20, &seeds->text, &err), err);
    for (char *line = seeds->text.ptr; (end = strchr(line, '\n')); line = end + 1) {
        tab = memchr(line, '\t', (size_t)(end - line));
        CHECK(tab && seeds->n < BODY_MAX_SEEDS);
        seeds->items[seeds->n] = (struct view){tab + 1, (size_t)(end - tab - 1)};
        if (seeds->items[seeds->n].len > seeds->items[seeds->longest].len)
            seeds->longest = seeds->n;
        seeds->n++;
    }
    CHECK(seeds->n > 10);
}

/* ---- as values ------------------------------------------------------------------------------- */

/* Names with a meaning somewhere in a request. */
static const char *const names[] = {
    "id",        "tmax",     "imp",        "tagid",   "bidfloor",     "bidfloorcur", "site",
    "app",       "device",   "regs",       "gdpr",    "us_privacy",   "coppa",       "gpp",
    "gpp_sid",   "gpc",      "lmt",        "dnt",     "ext",          "rank",        "candidates",
    "behaviour", "top_n",    "adid",       "bid",     "bid_type",     "text",        "item",
    "t",         "type",     "badv",       "bcat",    "cur",          "domain",      "bundle",
    "cat",       "search",   "keywords",   "geo",     "country",      "city",        "utcoffset",
    "os",        "language", "devicetype", "consent", "explain",      "objective",   "at",
    "test",      "wseat",    "source",     "",        "\xe2\x80\xae",
};

static const char *const texts[] = {
    "",
    " ",
    "1",
    "true",
    "null",
    "USD",
    "usd",
    "cpm",
    "cpc",
    "cpa",
    "click",
    "\t\n\r\b\f",
    "\xe7\x94\xb5\xe7\x83\xad\xe6\xb0\xb4\xe5\xa3\xb6",
    "\xf0\x9f\x91\x9f\xf0\x9f\x8f\xbd",
    "\xe2\x80\xae\xe2\x80\x8b\xef\xbb\xbf",
    "e\xcc\x81\xcc\x81\xcc\x81",
    "\x7f\x1b[31m",
    "shop1.example",
    "HTTP://WWW.Shop3.Example./",
    "a1",
    "a60",
    "[CLS]",
    "[PAD] [MASK]",
    "##ing",
    "\"quoted\" \\ key=value\nevent=ready",
    "1YYN",
    "1---",
    "DBABMA~CPXxRfA",
    "%s%n%s",
    "../../etc",
};

static json_t *random_number(struct rng *rng)
{
    static const double reals[] = {0.5,  -0.0, 1e-320, 1e308, -1e308, 100.0,
                                   1e15, 1e19, 0.1,    -1,    1e-7,   2147483648.0};
    static const json_int_t integers[] = {
        0,         1,         2,         -1,           7,
        100,       255,       65536,     INT32_MAX,    (json_int_t)INT32_MAX + 1,
        INT32_MIN, INT64_MAX, INT64_MIN, 1790000000000};

    if (storm_one_in(rng, 2))
        return json_real(reals[storm_below(rng, COUNT(reals))]);
    return json_integer(integers[storm_below(rng, COUNT(integers))]);
}

static json_t *random_text(struct rng *rng)
{
    const char *text = texts[storm_below(rng, COUNT(texts))];
    struct buf out = BUF_INIT;
    json_t *value;
    int n = storm_one_in(rng, 10) ? storm_below(rng, 4000) : storm_below(rng, 3);

    for (int i = 0; i <= n; i++)
        buf_add_str(&out, text);
    value = json_stringn(out.ptr ? out.ptr : "", out.len);
    buf_release(&out);
    return value;
}

static json_t *random_value(struct rng *rng, int depth)
{
    json_t *value;
    int n = storm_one_in(rng, 8) ? storm_below(rng, 300) : storm_below(rng, 4);

    switch (storm_below(rng, depth < 4 ? 8 : 6)) {
    case 0:
        return json_null();
    case 1:
        return json_boolean(storm_one_in(rng, 2));
    case 2:
    case 3:
        return random_number(rng);
    case 4:
    case 5:
        return random_text(rng);
    case 6:
        value = json_array();
        for (int i = 0; i < n; i++)
            json_array_append_new(value, random_value(rng, depth + 2));
        return value;
    default:
        value = json_object();
        for (int i = 0; i < n; i++)
            json_object_set_new(value, names[storm_below(rng, COUNT(names))],
                                random_value(rng, depth + 2));
        return value;
    }
}

static void change_object(json_t *object, struct rng *rng)
{
    int n = (int)json_object_size(object), k = storm_below(rng, n + 1);
    const char *new_name = names[storm_below(rng, COUNT(names))];
    char name[64] = "";
    void *at = json_object_iter(object);

    for (int i = 0; at && i < k; i++)
        at = json_object_iter_next(object, at);
    if (at)
        snprintf(name, sizeof(name), "%s", json_object_iter_key(at));
    switch (storm_below(rng, 4)) {
    case 0:
        json_object_del(object, name);
        return;
    case 1: /* moved to another name */
        json_object_set(object, new_name, json_object_get(object, name));
        return;
    case 2:
        json_object_set_new(object, new_name, random_value(rng, 0));
        return;
    default:
        json_object_set_new(object, name, random_value(rng, 0));
    }
}

static void change_array(json_t *array, struct rng *rng)
{
    size_t n = json_array_size(array), k = rng_below(rng, n + 1);
    int copies = storm_one_in(rng, 4) ? storm_below(rng, 300) : 1;

    switch (storm_below(rng, 4)) {
    case 0:
        json_array_remove(array, k);
        return;
    case 1:
        for (int i = 0; k < n && i < copies; i++)
            json_array_append_new(array, json_deep_copy(json_array_get(array, k)));
        return;
    case 2:
        json_array_insert_new(array, k, random_value(rng, 0));
        return;
    default:
        if (k < n)
            json_array_set_new(array, k, random_value(rng, 0));
    }
}

/* Descends at random and changes the value where it stops. */
static void change_somewhere(json_t *value, struct rng *rng)
{
    for (;;) {
        json_t *inner = NULL;

        if (json_is_array(value) && json_array_size(value))
            inner = json_array_get(value, rng_below(rng, json_array_size(value)));
        else if (json_is_object(value) && json_object_size(value)) {
            void *at = json_object_iter(value);

            for (int i = storm_below(rng, (int)json_object_size(value)); i > 0; i--)
                at = json_object_iter_next(value, at);
            inner = json_object_iter_value(at);
        }
        if (!inner || !(json_is_array(inner) || json_is_object(inner)) || storm_one_in(rng, 4))
            break;
        value = inner;
    }
    if (json_is_object(value))
        change_object(value, rng);
    else if (json_is_array(value))
        change_array(value, rng);
}

/* Small, with a large answer. */
static void ask_for_much(json_t *request)
{
    json_t *imps = json_array();

    for (int i = 0; i < 16; i++)
        json_array_append_new(imps, json_pack("{s:s++}", "id", "a-long-name-", i < 8 ? "a" : "b",
                                              &"hgfedcbahgfedcba"[i]));
    json_object_set_new(request, "imp", imps);
    json_object_set_new(json_object_get(request, "rank"), "top_n", json_integer(50));
}

/* Everywhere a user's or a device's id may be, of right and wrong types. */
static void add_user(json_t *request, struct rng *rng)
{
    static const char *const forms[] = {
        "{'id':'U'}",
        "{'buyeruid':'U'}",
        "{'id':'U','buyeruid':'U','customdata':'U','eids':[{'source':'a','uids':[{'id':'U'}]}]}",
        "{'id':'U','ext':{'consent':'U','eids':[{'uids':[{'id':'U'}]}]}}",
        "{'id':['U']}",
        "{'id':{'U':'U'},'buyeruid':{'a':'U'}}",
        "{'buyeruid':['U',1]}",
        "{'U':1,'id':3}",
        "['U']",
        "'U'",
    };
    const char *form = forms[storm_below(rng, COUNT(forms))];
    struct buf text = BUF_INIT;
    json_t *device;

    for (const char *c = form; *c; c++)
        if (*c == 'U')
            buf_printf(&text, STORM_USER "-%d", storm_below(rng, STORM_USERS));
        else
            buf_add(&text, *c == '\'' ? "\"" : c, 1);
    json_object_set_new(request, "user", json_loads(buf_str(&text), JSON_DECODE_ANY, NULL));
    buf_release(&text);
    device = json_object_get(request, "device");
    if (json_is_object(device) && storm_one_in(rng, 3)) {
        json_object_set_new(device, "ifa", json_string(STORM_USER));
        json_object_set_new(device, "dpidsha1", json_string(STORM_USER));
    }
}

/* ---- as text --------------------------------------------------------------------------------- */

static void insert(struct buf *out, size_t at, const void *bytes, size_t n)
{
    size_t tail = out->len - at;

    if (!n || !buf_reserve(out, n))
        return;
    memmove(out->ptr + at + n, out->ptr + at, tail);
    memcpy(out->ptr + at, bytes, n);
    out->len += n;
}

static void insert_many(struct buf *out, size_t at, const char *text, int n)
{
    struct buf many AT_END(buf_release) = BUF_INIT;

    for (int i = 0; i < n; i++)
        buf_add_str(&many, text);
    insert(out, at, many.ptr, many.len);
}

static void change_text(struct buf *out, struct rng *rng)
{
    static const struct view parts[] = {
        VIEW_LIT("1e999"),
        VIEW_LIT("-0"),
        VIEW_LIT("123456789012345678901234567890"),
        VIEW_LIT("01"),
        VIEW_LIT("\"\\ud800\""),
        VIEW_LIT("\"\\u0000\""),
        VIEW_LIT("\xff\xfe"),
        VIEW_LIT("\xed\xa0\x80"),
        VIEW_LIT("\xef\xbb\xbf"),
        VIEW_LIT("\0"),
        VIEW_LIT("\""),
        VIEW_LIT("\\"),
        VIEW_LIT(","),
        VIEW_LIT("}"),
        VIEW_LIT("]"),
        VIEW_LIT("NaN"),
        VIEW_LIT("/**/"),
        VIEW_LIT("\"id\":\"twice\",\"id\":2,"),
    };
    const struct view *part = &parts[storm_below(rng, COUNT(parts))];
    size_t at = rng_below(rng, out->len + 1);

    switch (storm_below(rng, 8)) {
    case 0:
        out->len = at;
        return;
    case 1:
        if (at < out->len)
            out->ptr[at] = (char)rng_u64(rng);
        return;
    case 2:
        insert(out, at, part->ptr, part->len);
        return;
    case 3:
        insert(out, at < out->len ? at : 0, "[", 1);
        return;
    case 4: /* after a brace: a duplicate key */
        for (size_t i = at; i < out->len; i++)
            if (out->ptr[i] == '{') {
                const char *name = names[storm_below(rng, COUNT(names))];
                char key[64];

                insert(out, i + 1, key, (size_t)snprintf(key, sizeof(key), "\"%s\":1,", name));
                return;
            }
        return;
    case 5:
        insert_many(out, at, storm_one_in(rng, 2) ? "[" : "{\"a\":", storm_below(rng, 40000));
        return;
    case 6:
        insert_many(out, at, " ", storm_below(rng, 30000));
        return;
    default: /* a number in place of another */
        for (size_t i = at; i + 1 < out->len; i++)
            if (out->ptr[i] == ':' && out->ptr[i + 1] >= '0' && out->ptr[i + 1] <= '9') {
                insert(out, i + 1, part->ptr, part->len);
                return;
            }
    }
}

/* ---- a body ---------------------------------------------------------------------------------- */

void body_make(const struct body_seeds *seeds, struct rng *rng, struct buf *out)
{
    const struct view *seed = &seeds->items[storm_below(rng, seeds->n)];
    bool much = storm_one_in(rng, 60);
    struct buf text = BUF_INIT;
    json_t *request;
    char *dumped;

    if (much)
        seed = &seeds->items[seeds->longest];
    while (!much && seed->len > 3000 && !storm_one_in(rng, 8)) /* most are small */
        seed = &seeds->items[storm_below(rng, seeds->n)];
    request = json_loadb(seed->ptr, seed->len, 0, NULL);
    if (much)
        ask_for_much(request);
    for (int n = !much && storm_one_in(rng, 2) ? storm_below(rng, 5) : 0; n > 0; n--)
        change_somewhere(request, rng);
    if (storm_one_in(rng, 3))
        json_object_set_new(request, "tmax", json_integer(storm_below(rng, 30)));
    /* Changed bytes might move a user's id to where it is logged, so never do both. */
    if (storm_one_in(rng, 2)) {
        add_user(request, rng);
        dumped = json_dumps(request, JSON_COMPACT | (storm_one_in(rng, 3) ? JSON_ENSURE_ASCII : 0));
        buf_add_str(&text, dumped);
        if (storm_one_in(rng, 20))
            text.len = rng_below(rng, text.len);
    } else {
        dumped = json_dumps(request, JSON_COMPACT | (storm_one_in(rng, 5) ? JSON_INDENT(3) : 0));
        buf_add_str(&text, dumped);
        for (int n = storm_one_in(rng, 2) ? storm_below(rng, 4) : 0; n > 0; n--)
            change_text(&text, rng);
    }
    buf_add(out, text.ptr ? text.ptr : "", text.len);
    free(dumped);
    json_decref(request);
    buf_release(&text);
}
