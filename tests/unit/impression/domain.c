/* Tests of impression/domain.c. */
#include "impression/domain.h"

#include "impression/punycode.h"
#include "tests/js.h"
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
        /* U-labels, with the A-labels that Python's own Punycode gives. */
        {"b\u00fccher.example", "xn--bcher-kva.example"},
        {"BU\u0308CHER.example", "xn--bcher-kva.example"}, /* U and a combining diaeresis */
        {"B\u00dcCHER.EXAMPLE.", "xn--bcher-kva.example"},
        {"XN--Bcher-KVA.example", "xn--bcher-kva.example"},
        {"https://www.b\u00fccher.example/\u00fc", "xn--bcher-kva.example"},
        {"b\u00ad\u00fccher.example", "xn--bcher-kva.example"}, /* a soft hyphen */
        {"stra\u00dfe.example", "xn--strae-oqa.example"},
        {"\u4f8b\u3048.\u30c6\u30b9\u30c8", "xn--r8jz45g.xn--zckzah"},
        {"\u4f8b\u3048\u3002\u30c6\u30b9\u30c8",
         "xn--r8jz45g.xn--zckzah"}, /* an ideographic full stop */
        {"\u041f\u0440\u0438\u043c\u0435\u0440."
         "\u0438\u0441\u043f\u044b\u0442\u0430\u043d\u0438\u0435",
         "xn--e1afmkfd.xn--80akhbyknj4f"},
        {"\u0645\u062b\u0627\u0644.\u0625\u062e\u062a\u0628\u0627\u0631",
         "xn--mgbh0fb.xn--kgbechtv"},
        {"\u2603.example", "xn--n3h.example"},
        {"\uff33\uff48op1\uff0eexample", "shop1.example"}, /* full width */
        {"\u3000shop1.example\u00a0", "shop1.example"},    /* other blanks */
        {"a.\u00ad.b", "a..b"},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        char out[DOMAIN_MAX_BYTES];
        size_t len = domain_normalize(view_of(rows[i].written), out);

        test_row("\"%s\"", rows[i].written);
        CHECK_VIEW(((struct view){out, len}), rows[i].domain);
    }
}

static size_t length_of(const char *unit, int n, const char *tail)
{
    char out[DOMAIN_MAX_BYTES];

    return domain_normalize(view_of(js("%s%s", js_repeat(n, unit), tail)), out);
}

TEST(domain__that_is_too_long_is_none)
{
    CHECK_INT(length_of("a", 253, ""), 253);
    CHECK_INT(length_of("a", 253, "."), 253);
    CHECK_INT(length_of("a", 254, ""), 0);
    CHECK_INT(length_of("a", 200000, ""), 0);
    CHECK_INT(length_of(" ", 200000, "a.example"), 9);
    CHECK_INT(length_of(".", 200000, "a"), 1);
    CHECK_INT(length_of("\u00fc", 54, ""), 60);
    CHECK_INT(length_of("\u00fc", 100, ""), 0);
    CHECK_INT(length_of("\u00fc.", 30, ""), 239);
    CHECK_INT(length_of("\u00fc.", 100, ""), 0);
    CHECK_INT(length_of("\u2603", 200000, ""), 0);
    CHECK_INT(length_of("\ufdfa", 300, ""),
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
