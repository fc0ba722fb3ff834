/* Tests of base/utf8.c. */
#include "base/utf8.h"

#include "tests/test.h"

TEST(utf8__every_code_point_goes_there_and_back)
{
    for (uint32_t c = 0; c <= 0x110010; c++) {
        bool real = c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
        char bytes[UTF8_MAX_BYTES];
        size_t n = utf8_encode(c, bytes);
        uint32_t back;

        if (utf8_decode(bytes, n, &back) != n || back != (real ? c : UTF8_REPLACEMENT) ||
            !utf8_valid((struct view){bytes, n}))
            FAIL("U+%04X", c);
        for (size_t cut = 1; cut < n; cut++)
            if (utf8_valid((struct view){bytes, cut}))
                FAIL("U+%04X cut to %zu bytes", c, cut);
    }
}

/* The table of RFC 3629: lead bytes, what may be second, how many bytes follow. */
static const struct {
    unsigned char from, to, low, high, tail;
} leads[] = {
    {0x00, 0x7f, 0, 0, 0},       {0xc2, 0xdf, 0x80, 0xbf, 1}, {0xe0, 0xe0, 0xa0, 0xbf, 2},
    {0xe1, 0xec, 0x80, 0xbf, 2}, {0xed, 0xed, 0x80, 0x9f, 2}, {0xee, 0xef, 0x80, 0xbf, 2},
    {0xf0, 0xf0, 0x90, 0xbf, 3}, {0xf1, 0xf3, 0x80, 0xbf, 3}, {0xf4, 0xf4, 0x80, 0x8f, 3},
};

static bool by_table(const unsigned char *s, size_t n)
{
    for (size_t at = 0; at < n; at++) {
        int k = 0;

        while (k < COUNT(leads) && (s[at] < leads[k].from || s[at] > leads[k].to))
            k++;
        if (k == COUNT(leads) || n - at <= leads[k].tail)
            return false;
        for (int i = 0; i < leads[k].tail; i++) {
            at++;
            if (s[at] < (i ? 0x80 : leads[k].low) || s[at] > (i ? 0xbf : leads[k].high))
                return false;
        }
    }
    return true;
}

/* All texts of one to three bytes, and four with chosen leads. */
TEST(utf8__valid_agrees_with_the_rfc)
{
    unsigned char s[4];

    for (uint32_t i = 0; i < 1u << 24; i++) {
        size_t n = i < 1u << 8 ? 1 : i < 1u << 16 ? 2 : 3;

        s[0] = (unsigned char)i;
        s[1] = (unsigned char)(i >> 8);
        s[2] = (unsigned char)(i >> 16);
        if (utf8_valid((struct view){(const char *)s, n}) != by_table(s, n))
            FAIL("%02x %02x %02x", s[0], s[1], s[2]);
    }
    for (unsigned lead = 0xee; lead <= 0xff; lead++)
        for (uint32_t i = 0; i < 1u << 18; i++) {
            s[0] = (unsigned char)lead;
            s[1] = (unsigned char)(0x70 + (i & 0x3f) * 3);
            s[2] = (unsigned char)(0x70 + (i >> 6 & 0x3f) * 3);
            s[3] = (unsigned char)(0x70 + (i >> 12) * 3);
            if (utf8_valid((struct view){(const char *)s, 4}) != by_table(s, 4))
                FAIL("%02x %02x %02x %02x", s[0], s[1], s[2], s[3]);
        }
}

TEST(utf8__valid_len_finds_the_place)
{
    char text[64];

    for (size_t at = 0; at < sizeof(text); at++) {
        memset(text, 'a', sizeof(text));
        CHECK(utf8_valid((struct view){text, sizeof(text)}));
        text[at] = (char)0xff;
        CHECK_INT(utf8_valid_len((struct view){text, sizeof(text)}), at);
    }
    CHECK(utf8_valid((struct view){NULL, 0}));
}

/* The example of Unicode 3.9, table 3-8, and the three forms nobody may take for a character. */
TEST(utf8__malformed_parts_are_maximal)
{
    static const struct {
        const char *name, *bytes, *want;
    } rows[] = {
        {"truncated sequences", "\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", "????A"},
        {"table 3-8", "\x61\xf1\x80\x80\xe1\x80\xc2\x62\x80\x63\x80\xbf\x64", "a???b?c??d"},
        {"overlong", "\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41", "????????A"},
        {"surrogates", "\xed\xa0\x80\xed\xbf\xbf\x41", "??????A"},
        {"too large", "\xf4\x91\x92\x93\xff\x41\x80\xbf\x42", "?????A??B"},
        {"cut at the end", "ab\xe4\xbd", "ab?"},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        struct view v = view_of(rows[i].bytes);
        char got[32];
        size_t n = 0;

        test_row("%s", rows[i].name);
        for (size_t at = 0; at < v.len;) {
            uint32_t c;

            at += utf8_decode(v.ptr + at, v.len - at, &c);
            got[n++] = c == UTF8_REPLACEMENT ? '?' : (char)c;
        }
        got[n] = 0;
        CHECK_STR(got, rows[i].want);
    }
}
