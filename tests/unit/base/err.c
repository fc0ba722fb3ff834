/* Tests of base/err.c. */
#include "base/err.h"

#include <errno.h>

#include "base/utf8.h"
#include "tests/test.h"

TEST(err__set_fills_code_and_text)
{
    struct err err = {0};

    CHECK_INT(err_set(&err, ERR_DATA, "%s: tensor %d", "a.bin", 7), -1);
    CHECK_INT(err.code, ERR_DATA);
    CHECK_STR(err.text, "a.bin: tensor 7");
}

TEST(err__set_errno_appends_the_reason_and_keeps_errno)
{
    struct err err;

    errno = ENOENT;
    CHECK_INT(err_set_errno(&err, ERR_NOINPUT, "/x"), -1);
    CHECK_INT(errno, ENOENT);
    CHECK_STR(err.text, "/x: No such file or directory");
}

TEST(err__prefix_keeps_code)
{
    struct err err;

    err_set(&err, ERR_CONFIG, "bad");
    CHECK_INT(err_prefix(&err, "file %d", 1), -1);
    CHECK_STR(err.text, "file 1: bad");
    CHECK_INT(err.code, ERR_CONFIG);
}

TEST(err__text_is_one_line)
{
    struct err err;

    err_set(&err, ERR_DATA, "a\nb\tc\x1b[31m\x7f");
    CHECK_STR(err.text, "a b c [31m ");
    err_set(&err, ERR_DATA, "%s",
            "a\x9b"
            "31m\xc2\x9b\xff\xe4\xb8\xad");
    CHECK_STR(err.text, "a 31m  \xe4\xb8\xad");
}

TEST(err__a_cut_text_ends_with_a_whole_character)
{
    struct err err;
    char long_text[3001];

    for (size_t i = 0; i < 3000; i += 3)
        memcpy(long_text + i, "\xe4\xb8\xad", 3);
    long_text[3000] = 0;
    for (int shift = 0; shift < 3; shift++) {
        err_set(&err, ERR_DATA, "%.*s%s", shift, "xx", long_text);
        CHECK(utf8_valid(view_of(err.text)));
        err_prefix(&err, "%s", "x");
        CHECK(utf8_valid(view_of(err.text)));
    }
}

TEST(err__long_text_is_truncated)
{
    struct err err;
    char long_text[3000];

    memset(long_text, 'x', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = 0;
    err_set(&err, ERR_DATA, "%s", long_text);
    CHECK_INT(strlen(err.text), sizeof(err.text) - 1);
    err_prefix(&err, "%s", "start");
    CHECK_INT(strlen(err.text), sizeof(err.text) - 1);
    CHECK(strncmp(err.text, "start: xxx", 10) == 0);
    errno = EIO;
    err_set_errno(&err, ERR_DATA, "%s", long_text);
    CHECK_INT(strlen(err.text), sizeof(err.text) - 1);
}

TEST(err__exit_status_is_the_code)
{
    static const struct {
        enum err_code code;
        int status;
    } rows[] = {{ERR_USAGE, 64},    {ERR_DATA, 65},  {ERR_NOINPUT, 66}, {ERR_UNAVAILABLE, 69},
                {ERR_INTERNAL, 70}, {ERR_NOMEM, 70}, {ERR_CONFIG, 78}};
    struct err err = {0};

    for (int i = 0; i < COUNT(rows); i++) {
        test_row("err__exit_status_is_the_code %d", (int)rows[i].code);
        err.code = rows[i].code;
        CHECK_INT(err_exit_status(&err), rows[i].status);
    }
}

/* The system has one number for a stack that cannot be had and for too many threads. */
TEST(err__reports_why_there_is_no_thread)
{
    struct err err;

    CHECK_ERR(err_set_no_thread(&err, EAGAIN, "loader"), err,
              "loader: no thread: out of memory for its stack, or over a limit on threads");
    CHECK_INT(err.code, ERR_UNAVAILABLE);
    CHECK_ERR(err_set_no_thread(&err, EPERM, "loader"), err, "loader: no thread: Operation not");
}
