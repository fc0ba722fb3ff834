/* Tests of base/buf.c. */
#include "base/buf.h"

#include <stdint.h>

#include "tests/test.h"

TEST(buf__grows_and_keeps_bytes)
{
    struct buf buf = BUF_INIT;

    for (int i = 0; i < 10000; i++)
        buf_printf(&buf, "%04d", i);
    CHECK_INT(buf.len, 40000);
    CHECK_INT(memcmp(buf.ptr + 4 * 1234, "1234", 4), 0);
    CHECK(!buf_failed(&buf));
    buf_release(&buf);
    CHECK(!buf.ptr && !buf.capacity);
}

TEST(buf__str_is_terminated_and_uncounted)
{
    struct buf buf AT_END(buf_release) = BUF_INIT;

    CHECK_STR(buf_str(&buf), "");
    buf_add_str(&buf, "abc");
    buf_add_view(&buf, VIEW_LIT("de"));
    buf_add_view(&buf, (struct view){NULL, 0});
    CHECK_STR(buf_str(&buf), "abcde");
    CHECK_INT(buf.len, 5);
    CHECK_VIEW(buf_view(&buf), "abcde");
}

TEST(buf__clear_keeps_memory)
{
    struct buf buf AT_END(buf_release) = BUF_INIT;
    char *before;

    buf_add_str(&buf, "abc");
    before = buf.ptr;
    buf_clear(&buf);
    CHECK_INT(buf.len, 0);
    buf_add_str(&buf, "xyz");
    CHECK(buf.ptr == before);
}

/* Of a size that no memory holds, or whose sum overflows. */
TEST(buf__failure_is_sticky_until_clear)
{
    static const size_t sizes[] = {SIZE_MAX - 1, SIZE_MAX};

    for (int i = 0; i < COUNT(sizes); i++) {
        struct buf buf AT_END(buf_release) = BUF_INIT;

        buf_add_str(&buf, "abc");
        CHECK(!buf_reserve(&buf, sizes[i]));
        CHECK(buf_failed(&buf));
        buf_add_str(&buf, "def");
        buf_printf(&buf, "%d", 1);
        CHECK_INT(buf.len, 3);
        CHECK_STR(buf_str(&buf), "");
        buf_clear(&buf);
        buf_add_str(&buf, "x");
        CHECK_STR(buf_str(&buf), "x");
    }
}
