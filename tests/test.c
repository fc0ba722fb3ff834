/* Registers and runs test cases and prints their verdicts. */
#include "tests/test.h"

#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

struct test_case *test_cases;

static struct {
    jmp_buf leave;
    const char *name;
    int passed, failed, skipped;
    bool in_row;
} run;

void test_add(struct test_case *test)
{
    struct test_case **end = &test_cases;

    while (*end)
        end = &(*end)->next;
    *end = test;
}

void test_fail(const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    printf("FAIL %s: %s:%d: ", run.name, file, line);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\n");
    run.failed++;
    longjmp(run.leave, 1);
}

void test_skip(const char *fmt, ...)
{
    va_list ap;

    printf("skip %s: ", run.name);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\n");
    run.skipped++;
    longjmp(run.leave, 1);
}

void test_row(const char *fmt, ...)
{
    static char name[256];
    va_list ap;

    if (run.in_row)
        run.passed++;
    va_start(ap, fmt);
    vsnprintf(name, sizeof(name), fmt, ap);
    va_end(ap);
    run.in_row = true;
    run.name = name;
}

static bool chosen(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strstr(name, argv[i]))
            return true;
    return argc <= 1;
}

/* A function of its own: what setjmp() returns into holds no variable that changes meanwhile. */
static void run_case(struct test_case *test)
{
    run.name = test->name;
    run.in_row = false;
    if (setjmp(run.leave) == 0) {
        test->run();
        printf("ok   %s\n", test->name);
        run.passed++;
    }
}

/* A case that was left half-way does not free what it holds: those leaks are not reported. */
static void leave_leaks(void)
{
#ifdef __SANITIZE_ADDRESS__
    fflush(stdout);
    _exit(run.failed ? 1 : 0);
#endif
}

int test_main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (struct test_case *t = test_cases; t; t = t->next)
        if (chosen(t->name, argc, argv))
            run_case(t);
    printf("%d passed, %d failed, %d skipped\n", run.passed, run.failed, run.skipped);
    if (run.failed || run.skipped)
        leave_leaks();
    return run.failed ? 1 : 0;
}

const char *test_data(void)
{
    struct stat st;
    const char *dir = getenv("ADRANK_TEST_DATA");

    if (!dir)
        dir = "../shared";
    return stat(dir, &st) == 0 ? dir : NULL;
}
