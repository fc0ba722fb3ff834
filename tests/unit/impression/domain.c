/* Tests of impression/domain.c. */
#include "impression/domain.h"

#include "base/buf.h"
#include "impression/punycode.h"
#include "tests/test.h"

TEST(domain__is_the_same_however_it_is_written)
{
    static const struct {
        const char *written, *domain;
    } rows[] = {
        {"shop1.example", "shop1.example"},
        {"SHOP1.Example", "shop1.example"},
        {"www.shop1.example", "shop1.example"},
        {"WwW.shop1.example", "shop1.example"},
        {"shop1.example.", "shop1.example"},
        {"shop1.example..", "shop1.example"},
        {"shop1.example .", "shop1.example"},
        {"*. shop1.example", "shop1.example"},
        {".shop1.example", "shop1.example"},
        {"*.shop1.example", "shop1.example"},
        {" shop1.example\t", "shop1.example"},
        {"\n\r shop1.example \x7f", "shop1.example"},
        {"http://shop1.example", "shop1.example"},
        {"HTTP://Shop1.EXAMPLE/", "shop1.example"},
        {"https://www.shop1.example./a/b?c=d@e#f:80", "shop1.example"},
        {" https:// shop1.example ", "shop1.example"},
        {"//shop1.example/x", "shop1.example"},
        {"android-app://shop1.example", "shop1.example"},
        {"shop1.example:443", "shop1.example"},
        {"shop1.example:", "shop1.example"},
        {"shop1.example.:8080/", "shop1.example"},
        {"user:word@shop1.example:80", "shop1.example"},
        {"http://a@b@shop1.example", "shop1.example"},
        {"shop1.example/http://other.example", "shop1.example"},
        {"shop1.example?x=//other.example", "shop1.example"},
        {"shop1.example#top", "shop1.example"},
        {"shop1.example\\x", "shop1.example"},
        {"m.shop1.example", "m.shop1.example"},
        {"www2.shop1.example", "www2.shop1.example"},
        {"wwwshop1.example", "wwwshop1.example"},
        {"www.www.shop1.example", "www.shop1.example"},
        {"www.example", "www.example"}, /* else all of .example */
        {"example", "example"},
        {"127.0.0.1:80", "127.0.0.1"},
        {"[::1]:80", "[::1]"},
        {"", ""},
        {"   ", ""},
        {".", ""},
        {"http://", ""},
        {"/path", ""},
        {"*", "*"},
        {"*.", ""},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        char out[DOMAIN_MAX_BYTES];
        size_t len = domain_normalize(view_of(rows[i].written), out);

        test_row("\"%s\"", rows[i].written);
        CHECK_VIEW(((struct view){out, len}), rows[i].domain);
    }
}

/* U-labels, with the A-labels that Python's own Punycode gives. */
TEST(domain__writes_international_labels_in_ascii)
{
    static const struct {
        const char *written, *domain;
    } rows[] = {
        {"b\xc3\xbc"
         "cher.example",
         "xn--bcher-kva.example"},
        {"BU\xcc\x88"
         "CHER.example",
         "xn--bcher-kva.example"}, /* U and a combining diaeresis */
        {"B\xc3\x9c"
         "CHER.EXAMPLE.",
         "xn--bcher-kva.example"},
        {"XN--Bcher-KVA.example", "xn--bcher-kva.example"},
        {"https://www.b\xc3\xbc"
         "cher.example/\xc3\xbc",
         "xn--bcher-kva.example"},
        {"b\xc2\xad\xc3\xbc"
         "cher.example",
         "xn--bcher-kva.example"}, /* a soft hyphen */
        {"stra\xc3\x9f"
         "e.example",
         "xn--strae-oqa.example"},
        {"\xe4\xbe\x8b\xe3\x81\x88.\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88", "xn--r8jz45g.xn--zckzah"},
        {"\xe4\xbe\x8b\xe3\x81\x88\xe3\x80\x82\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88",
         "xn--r8jz45g.xn--zckzah"}, /* an ideographic full stop */
        {"\xd0\x9f\xd1\x80\xd0\xb8\xd0\xbc\xd0\xb5\xd1\x80."
         "\xd0\xb8\xd1\x81\xd0\xbf\xd1\x8b\xd1\x82\xd0\xb0\xd0\xbd\xd0\xb8\xd0\xb5",
         "xn--e1afmkfd.xn--80akhbyknj4f"},
        {"\xd9\x85\xd8\xab\xd8\xa7\xd9\x84.\xd8\xa5\xd8\xae\xd8\xaa\xd8\xa8\xd8\xa7\xd8\xb1",
         "xn--mgbh0fb.xn--kgbechtv"},
        {"\xe2\x98\x83.example", "xn--n3h.example"},
        {"\xef\xbc\xb3\xef\xbd\x88op1\xef\xbc\x8e"
         "example",
         "shop1.example"},                                      /* full width */
        {"\xe3\x80\x80shop1.example\xc2\xa0", "shop1.example"}, /* other blanks */
        {"a.\xc2\xad.b", "a..b"},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        char out[DOMAIN_MAX_BYTES];
        size_t len = domain_normalize(view_of(rows[i].written), out);

        test_row("%s", rows[i].domain);
        CHECK_VIEW(((struct view){out, len}), rows[i].domain);
    }
}

static size_t length_of(const char *unit, int n, const char *tail)
{
    struct buf text = BUF_INIT;
    char out[DOMAIN_MAX_BYTES];
    size_t len;

    for (int i = 0; i < n; i++)
        buf_add_str(&text, unit);
    buf_add_str(&text, tail);
    len = domain_normalize(buf_view(&text), out);
    buf_release(&text);
    return len;
}

TEST(domain__that_is_too_long_is_none)
{
    CHECK_INT(length_of("a", 253, ""), 253);
    CHECK_INT(length_of("a", 253, "."), 253);
    CHECK_INT(length_of("a", 254, ""), 0);
    CHECK_INT(length_of("a", 200000, ""), 0);
    CHECK_INT(length_of(" ", 200000, "a.example"), 9);
    CHECK_INT(length_of(".", 200000, "a"), 1);
    CHECK_INT(length_of("\xc3\xbc", 54, ""), 60);
    CHECK_INT(length_of("\xc3\xbc", 100, ""), 0);
    CHECK_INT(length_of("\xc3\xbc.", 30, ""), 239);
    CHECK_INT(length_of("\xc3\xbc.", 100, ""), 0);
    CHECK_INT(length_of("\xe2\x98\x83", 200000, ""), 0);
    CHECK_INT(length_of("\xef\xb7\xba", 300, ""),
              0); /* one character, eighteen in its compatibility form */
}

/* RFC 3492, 7.1: (A), (B), (D), (I), (L), (S). */
TEST(punycode__encodes_the_samples_of_the_rfc)
{
    static const struct {
        int32_t points[32];
        size_t n;
        const char *ascii;
    } rows[] = {
        {{0x644, 0x64a, 0x647, 0x645, 0x627, 0x628, 0x62a, 0x643, 0x644, 0x645, 0x648, 0x634, 0x639,
          0x631, 0x628, 0x64a, 0x61f},
         17,
         "egbpdaj6bu4bxfgehfvwxn"},
        {{0x4ed6, 0x4eec, 0x4e3a, 0x4ec0, 0x4e48, 0x4e0d, 0x8bf4, 0x4e2d, 0x6587},
         9,
         "ihqwcrb4cv8a8dqg056pqjye"},
        {{0x33, 0x5e74, 'B', 0x7d44, 0x91d1, 0x516b, 0x5148, 0x751f},
         8,
         "3B-ww4c5e180e575a65lsy2b"},
        {{0x3072, 0x3068, 0x3064, 0x5c4b, 0x6839, 0x306e, 0x4e0b, 0x32}, 8, "2-u9tlzr9756bt3uc0v"},
        {{0x305d, 0x306e, 0x30b9, 0x30d4, 0x30fc, 0x30c9, 0x3067}, 7, "d9juau41awczczp"},
        {{'-', '>', ' ', '$', '1', '.', '0', '0', ' ', '<', '-'}, 11, "-> $1.00 <--"},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        char out[64];
        size_t len = punycode_encode(rows[i].points, rows[i].n, out, sizeof(out));

        test_row("%s", rows[i].ascii);
        CHECK_VIEW(((struct view){out, len}), rows[i].ascii);
        for (size_t size = 0; size < len; size++)
            CHECK_INT(punycode_encode(rows[i].points, rows[i].n, out, size), 0);
    }
}
