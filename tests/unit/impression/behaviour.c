/* Tests of impression/behaviour.c. */
#include "adrank/behaviour.h"

#include "tests/test.h"

static struct err err;

static struct behaviour event(int64_t t_ms, enum behaviour_type type, const char *item,
                              const char *text)
{
    return (struct behaviour){t_ms, type, view_of(item), view_of(text)};
}

static void pack(const struct behaviour *e, struct buf *out)
{
    buf_clear(out);
    CHECK_OK(behaviour_pack(e, out, &err), err);
}

TEST(behaviour__packs_as_documented)
{
    static const char want[] = "\x01\x03\x00\xd8\x85\xc4\xa0\x01\x00\x00\x04\x00\x06\x00sku9"
                               "\xe8\xb7\x91\xe9\x9e\x8b";
    struct behaviour e = event(0x1a0c485d800, BEHAVIOUR_BUY, "sku9", "\xe8\xb7\x91\xe9\x9e\x8b");
    struct buf out AT_END(buf_release) = BUF_INIT;

    pack(&e, &out);
    CHECK_INT(out.len, sizeof(want) - 1);
    CHECK(memcmp(out.ptr, want, out.len) == 0);
}

TEST(behaviour__unpacks_what_it_packed)
{
    char longest[BEHAVIOUR_MAX_STRING + 1];
    struct buf out AT_END(buf_release) = BUF_INIT;
    struct behaviour rows[4], got;

    memset(longest, 'x', BEHAVIOUR_MAX_STRING);
    longest[BEHAVIOUR_MAX_STRING] = 0;
    rows[0] = event(0, BEHAVIOUR_VIEW, "a", "");
    rows[1] = event(INT64_MAX, BEHAVIOUR_SEARCH, "", "trail shoes");
    rows[2] = event(1790000000000, BEHAVIOUR_CART, longest, longest);
    rows[3] = event(1, BEHAVIOUR_CLICK, "a", "b");
    for (int i = 0; i < 4; i++) {
        pack(&rows[i], &out);
        CHECK_OK(behaviour_unpack(buf_view(&out), &got, &err), err);
        CHECK(got.t_ms == rows[i].t_ms);
        CHECK_INT(got.type, rows[i].type);
        CHECK(view_eq(got.item, rows[i].item));
        CHECK(view_eq(got.text, rows[i].text));
    }
}

TEST(behaviour__refuses_to_pack)
{
    char too_long[BEHAVIOUR_MAX_STRING + 2];
    struct buf out AT_END(buf_release) = BUF_INIT;
    struct behaviour e;

    memset(too_long, 'x', BEHAVIOUR_MAX_STRING + 1);
    too_long[BEHAVIOUR_MAX_STRING + 1] = 0;
    e = event(1, BEHAVIOUR_VIEW, too_long, "");
    CHECK_ERR(behaviour_pack(&e, &out, &err), err, "item is longer than 1024 bytes");
    e = event(1, BEHAVIOUR_VIEW, "a", too_long);
    CHECK_ERR(behaviour_pack(&e, &out, &err), err, "text is longer");
    e = event(-1, BEHAVIOUR_VIEW, "a", "");
    CHECK_ERR(behaviour_pack(&e, &out, &err), err, "t is negative");
    e = event(1, BEHAVIOUR_VIEW, "", "");
    CHECK_ERR(behaviour_pack(&e, &out, &err), err, "neither item nor text");
    e = event(1, BEHAVIOUR_VIEW, "a\xff", "");
    CHECK_ERR(behaviour_pack(&e, &out, &err), err, "item is not UTF-8");
    e = (struct behaviour){1, BEHAVIOUR_VIEW, {"a\0b", 3}, {0}};
    CHECK_ERR(behaviour_pack(&e, &out, &err), err, "item contains U+0000");
    CHECK_INT(out.len, 0);
}

TEST(behaviour__refuses_to_unpack)
{
    /* Each row changes one byte of a good event, or its length. */
    static const struct {
        const char *name;
        int at, value, cut;
        const char *why;
    } rows[] = {
        {"version 0", 0, 0, 0, "version 0"},         {"version 2", 0, 2, 0, "version 2"},
        {"type", 1, BEHAVIOUR_TYPES, 0, "type"},     {"type 255", 1, 255, 0, "type"},
        {"negative t", 9, 0x80, 0, "negative"},      {"item one longer", 10, 3, 0, "length"},
        {"item much longer", 11, 0xff, 0, "length"}, {"text one shorter", 12, 2, 0, "length"},
        {"not UTF-8", 14, 0xff, 0, "UTF-8"},         {"NUL", 17, 0, 0, "U+0000"},
    };
    struct behaviour e = event(1790000000000, BEHAVIOUR_CLICK, "ab", "cde"), got;
    struct buf out AT_END(buf_release) = BUF_INIT;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        test_row("%s", rows[i].name);
        pack(&e, &out);
        out.ptr[rows[i].at] = (char)rows[i].value;
        CHECK_ERR(behaviour_unpack(buf_view(&out), &got, &err), err, rows[i].why);
    }
    pack(&e, &out);
    for (size_t n = 0; n < out.len; n++) {
        test_row("cut to %zu", n);
        CHECK_ERR(behaviour_unpack((struct view){out.ptr, n}, &got, &err), err, "stored event");
    }
    buf_add_str(&out, "x");
    CHECK_ERR(behaviour_unpack(buf_view(&out), &got, &err), err, "length");
}

/* RFC 4231: test cases 1, 2, 3, 6 and 7 (keys shorter and longer than a block). */
TEST(behaviour_pid__is_hmac_sha256)
{
    static const struct {
        const char *key;
        int repeat;
        const char *message, *hex;
    } rows[] = {
        {"\x0b", 20, "Hi There",
         "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {"Jefe", 1, "what do ya want for nothing?",
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {"\xaa", 131, "Test Using Larger Than Block-Size Key - Hash Key First",
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
        {"\xaa", 131,
         "This is a test using a larger than block-size key and a larger than block-size data. "
         "The key needs to be hashed before being used by the HMAC algorithm.",
         "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        char pid[BEHAVIOUR_PID_HEX + 1];
        struct buf key = BUF_INIT;

        test_row("%s", rows[i].message);
        for (int k = 0; k < rows[i].repeat; k++)
            buf_add_str(&key, rows[i].key);
        behaviour_pid(buf_view(&key), view_of(rows[i].message), pid);
        CHECK_STR(pid, rows[i].hex);
        buf_release(&key);
    }
}

TEST(behaviour_redis_key__has_a_hash_tag)
{
    char pid[BEHAVIOUR_PID_HEX + 1], key[BEHAVIOUR_KEY_BYTES];

    memset(pid, 'a', BEHAVIOUR_PID_HEX);
    pid[BEHAVIOUR_PID_HEX] = 0;
    behaviour_redis_key(pid, key);
    CHECK_INT(strlen(key), BEHAVIOUR_KEY_BYTES - 1);
    CHECK(strncmp(key, "adrank:{u:aaaa", 14) == 0);
    CHECK_STR(key + strlen(key) - 4, "a}:h");
}

/* ---- merge ----------------------------------------------------------------------------------- */

/* "5ca" is t 5, click, item a; an upper-case item stands for a text without an item; a third letter
 * is the text of the item. */
static int parse(const char *words, struct behaviour *out)
{
    static const char types[] = "vctbs";
    int n = 0;

    for (const char *p = words; *p; p += *p == ' ') {
        struct behaviour *e = &out[n++];

        *e = (struct behaviour){.t_ms = *p - '0',
                                .type = (enum behaviour_type)(strchr(types, p[1]) - types)};
        if (p[2] >= 'A' && p[2] <= 'Z')
            e->text = (struct view){p + 2, 1};
        else
            e->item = (struct view){p + 2, 1};
        p += 3;
        if (*p && *p != ' ')
            e->text = (struct view){p++, 1};
    }
    return n;
}

static void print(const struct behaviour *list, int n, struct buf *out)
{
    for (int i = 0; i < n; i++)
        buf_printf(out, "%s%d%c%.*s%.*s", i ? " " : "", (int)list[i].t_ms, "vctbs"[list[i].type],
                   VIEW_ARG(list[i].item), VIEW_ARG(list[i].text));
}

TEST(behaviour_merge__orders_dedups_and_cuts)
{
    static const struct {
        const char *stored, *sent;
        int max;
        const char *want;
        int truncated;
    } rows[] = {
        {"", "", 5, "", 0},
        {"1va 2va", "", 5, "1va 2va", 0},
        {"", "2va 1va", 5, "1va 2va", 0},
        {"3va 2va 1va", "4vb 0vb", 5, "0vb 1va 2va 3va 4vb", 0},
        {"3va 2va 1va", "4vb 0vb", 3, "2va 3va 4vb", 1},
        {"1va", "1va", 5, "1va", 0},
        {"1va", "1vax", 5, "1vax", 0},
        {"1vax", "1va", 5, "1vax", 0},
        {"1vax", "1vay", 5, "1vax", 0},
        {"1va 1vb", "1vax 1vc", 5, "1vax 1vb 1vc", 0},
        {"1va", "1ca", 5, "1va 1ca", 0},
        {"1va", "2va", 5, "1va 2va", 0},
        {"1sA", "1sA 1sB", 5, "1sA 1sB", 0},
        {"1vb 1va", "1vd 1vc", 5, "1vb 1va 1vd 1vc", 0},
        {"1va 1va 1va", "1va", 1, "1va", 0},
        {"9va 8va 7va 6va 5va 4va 3va 2va 1va", "9vb 1vb 5vb", 0, "", 1},
        {"9va 1va 7va 3va 5va 4va 6va 2va 8va", "9vb 1vb 5vb", 20,
         "1va 1vb 2va 3va 4va 5va 5vb 6va 7va 8va 9va 9vb", 0},
    };
    struct buf got AT_END(buf_release) = BUF_INIT;
    struct arena arena AT_END(arena_release);

    arena_init(&arena, 4096, 0);
    for (int i = 0; i < COUNT(rows); i++) {
        struct behaviour stored[16], sent[16];
        const struct behaviour *merged;
        bool truncated;
        int n;

        test_row("%s + %s", rows[i].stored, rows[i].sent);
        merged = behaviour_merge(stored, parse(rows[i].stored, stored), sent,
                                 parse(rows[i].sent, sent), rows[i].max, &arena, &n, &truncated);
        CHECK(merged);
        buf_clear(&got);
        print(merged, n, &got);
        CHECK_STR(buf_str(&got), rows[i].want);
        CHECK_INT(truncated, rows[i].truncated);
    }
}

TEST(behaviour_merge__reports_a_full_arena)
{
    struct behaviour stored[4];
    int n = parse("1va 2vb 3vc 4vd", stored), n_out;
    struct arena arena;
    bool truncated;

    for (size_t limit = 1; limit < 256; limit += 32) {
        arena_init(&arena, 256, limit);
        CHECK(!behaviour_merge(stored, n, stored, n, 9, &arena, &n_out, &truncated));
        arena_release(&arena);
    }
}
