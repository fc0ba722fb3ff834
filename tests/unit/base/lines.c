/* Tests of base/lines.c. */
#include "base/lines.h"

#include "tests/test.h"

static struct err err;

static FILE *stream(const char *text)
{
    FILE *in = fmemopen((void *)(size_t)text, strlen(text), "r");

    CHECK(in);
    return in;
}

TEST(line_read__returns_lines_without_newlines)
{
    static const char *const want[] = {"a", "", "  bc", "last"};
    FILE *in = stream("a\n\n  bc\nlast");
    struct buf line AT_END(buf_release) = BUF_INIT;

    for (int i = 0; i < COUNT(want); i++) {
        CHECK_INT(line_read(in, 10, &line, &err), 1);
        CHECK_STR(buf_str(&line), want[i]);
        CHECK_INT(line.len, strlen(want[i]));
    }
    CHECK_INT(line_read(in, 10, &line, &err), 0);
    CHECK_INT(line_read(in, 10, &line, &err), 0);
    fclose(in);
    in = stream("\n");
    CHECK_INT(line_read(in, 10, &line, &err), 1);
    CHECK_INT(line.len, 0);
    CHECK_INT(line_read(in, 10, &line, &err), 0);
    fclose(in);
}

/* Of a line of any length no more is kept than the bound and a page. */
TEST(line_read__refuses_a_line_that_does_not_end)
{
    FILE *in = fopen("/dev/zero", "re");
    struct buf line AT_END(buf_release) = BUF_INIT;

    CHECK(in);
    CHECK_ERR(line_read(in, 100000, &line, &err), err, "longer than 100000 bytes");
    CHECK_INT(err.code, ERR_DATA);
    CHECK(line.capacity < 300000);
    fclose(in);
    in = stream("12345678901\n");
    CHECK_ERR(line_read(in, 10, &line, &err), err, "longer than 10 bytes");
    fclose(in);
    in = stream("1234567890\n");
    CHECK_INT(line_read(in, 10, &line, &err), 1);
    CHECK_INT(line.len, 10);
    fclose(in);
}

/* Pieces of 4 KiB are put together. */
TEST(line_read__puts_long_lines_together)
{
    struct buf text = BUF_INIT, line = BUF_INIT;

    for (size_t len = 4094; len <= 8194; len += 1025) {
        FILE *in;

        test_row("%zu", len);
        buf_clear(&text);
        for (size_t i = 0; i < len; i++)
            buf_printf(&text, "%c", (int)('a' + i % 26));
        buf_add_str(&text, "\nb");
        in = stream(buf_str(&text));
        CHECK_INT(line_read(in, 10000, &line, &err), 1);
        CHECK_INT(line.len, len);
        CHECK(memcmp(line.ptr, text.ptr, len) == 0);
        CHECK_INT(line_read(in, 10000, &line, &err), 1);
        CHECK_STR(buf_str(&line), "b");
        fclose(in);
    }
    buf_release(&text);
    buf_release(&line);
}

TEST(line_read__reports_a_read_error)
{
    FILE *in = fopen("/", "re");
    struct buf line AT_END(buf_release) = BUF_INIT;

    CHECK(in);
    CHECK_ERR(line_read(in, 10, &line, &err), err, "input");
    CHECK_INT(err.code, ERR_NOINPUT);
    fclose(in);
}
