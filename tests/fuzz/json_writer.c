/* What the writer writes for any bytes is UTF-8 and one JSON string of the same characters. */
#include "json/writer.h"

#include "base/number.h"
#include "base/utf8.h"
#include "tests/fuzz/fuzz.h"

/* The character that starts at text[*at] inside a JSON string. */
static uint32_t unescape(struct view text, size_t *at)
{
    static const char names[] = "bfnrt", values[] = "\b\f\n\r\t";
    const char *found;
    uint32_t c;

    if (text.ptr[*at] != '\\') {
        *at += utf8_decode(text.ptr + *at, text.len - *at, &c);
        check(c >= 0x20 && c != '"');
        return c;
    }
    check(*at + 1 < text.len);
    c = (unsigned char)text.ptr[*at + 1];
    *at += 2;
    found = strchr(names, (int)c);
    if (found && c)
        return (unsigned char)values[found - names];
    if (c == 'u') {
        char digits[5] = {0};

        check(*at + 4 < text.len);
        memcpy(digits, text.ptr + *at, 4);
        *at += 4;
        return (uint32_t)strtoul(digits, NULL, 16);
    }
    check(c == '"' || c == '\\');
    return c;
}

static void fuzz(struct view input)
{
    struct buf out = BUF_INIT;
    struct json_writer w;
    struct view text;
    size_t at = 1, from = 0;
    double v;

    json_writer_init(&w, &out);
    jw_view(&w, input);
    text = buf_view(&out);
    check(!buf_failed(&out) && utf8_valid(text));
    check(text.len >= 2 && text.ptr[0] == '"' && text.ptr[text.len - 1] == '"');
    while (at < text.len - 1) {
        uint32_t want;

        check(from < input.len);
        from += utf8_decode(input.ptr + from, input.len - from, &want);
        check(unescape(text, &at) == want);
    }
    check(from == input.len);
    if (number_double(input, -1e308, 1e308, &v) == 0) {
        buf_clear(&out);
        json_writer_init(&w, &out);
        jw_double(&w, v);
        check(strtod(buf_str(&out), NULL) == v);
    }
    buf_release(&out);
}
