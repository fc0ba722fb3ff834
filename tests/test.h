/*
 * A test program is a file of TEST functions; tests/main.c runs them. Every TEST is one case; a
 * CHECK that fails ends it. The program prints a line a case and closes with "N passed, N failed, N
 * skipped"; arguments choose cases by substring. SKIP reports what was missing.
 */
#ifndef TESTS_TEST_H
#define TESTS_TEST_H

#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/view.h"

struct test_case {
    const char *name;
    void (*run)(void);
    struct test_case *next;
};

extern struct test_case *test_cases;
void test_add(struct test_case *test);
_Noreturn void test_fail(const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
_Noreturn void test_skip(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Counted as a case of its own, for tables: test_row("name %d", i) then CHECKs; a failure ends the
 * TEST. */
void test_row(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int test_main(int argc, char **argv);
/* Root of the evaluation data (ADRANK_TEST_DATA, default ../shared), or NULL when it is not there.
 */
const char *test_data(void);

#define TEST(name_)                                                                                \
    static void name_(void);                                                                       \
    static struct test_case name_##_case = {#name_, name_, NULL};                                  \
    __attribute__((constructor)) static void name_##_register(void)                                \
    {                                                                                              \
        test_add(&name_##_case);                                                                   \
    }                                                                                              \
    static void name_(void)

/* struct buf text AT_END(buf_release) = BUF_INIT: released where its block ends. */
#define AT_END(release) __attribute__((cleanup(release)))
#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define SKIP(...) test_skip(__VA_ARGS__)
#define FAIL(...) test_fail(__FILE__, __LINE__, __VA_ARGS__)
#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond))                                                                               \
            FAIL("%s", #cond);                                                                     \
    } while (0)
#define CHECK_INT(got, want)                                                                       \
    do {                                                                                           \
        long long got_ = (long long)(got), want_ = (long long)(want);                              \
        if (got_ != want_)                                                                         \
            FAIL("%s is %lld, want %lld", #got, got_, want_);                                      \
    } while (0)
#define CHECK_STR(got, want)                                                                       \
    do {                                                                                           \
        const char *got_ = (got), *want_ = (want);                                                 \
        if (strcmp(got_, want_) != 0)                                                              \
            FAIL("%s is \"%s\", want \"%s\"", #got, got_, want_);                                  \
    } while (0)
#define CHECK_VIEW(got, want)                                                                      \
    do {                                                                                           \
        struct view got_ = (got);                                                                  \
        if (!view_is(got_, (want)))                                                                \
            FAIL("%s is \"%.*s\", want \"%s\"", #got, VIEW_ARG(got_), (want));                     \
    } while (0)
#define CHECK_NEAR(got, want, tolerance)                                                           \
    do {                                                                                           \
        double got_ = (got), want_ = (want);                                                       \
        if (!(fabs(got_ - want_) <= (tolerance)))                                                  \
            FAIL("%s is %.9g, want %.9g within %g", #got, got_, want_, (double)(tolerance));       \
    } while (0)
/* expr returns 0, else its err is reported. */
#define CHECK_OK(expr, err_)                                                                       \
    do {                                                                                           \
        if ((expr) != 0)                                                                           \
            FAIL("%s: %s", #expr, (err_).text);                                                    \
    } while (0)
/* expr fails and its err's text holds `part`. */
#define CHECK_ERR(expr, err_, part)                                                                \
    do {                                                                                           \
        if ((expr) == 0)                                                                           \
            FAIL("%s succeeded", #expr);                                                           \
        if (!strstr((err_).text, (part)))                                                          \
            FAIL("err is \"%s\", want \"%s\" in it", (err_).text, (part));                         \
    } while (0)

#endif
