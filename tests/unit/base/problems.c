/* Tests of base/problems.c. */
#include "base/problems.h"

#include <stdint.h>

#include "tests/test.h"

static struct arena arena;
static struct problems problems;

/* limit_bytes: of the arena. */
static void start(size_t limit_bytes, size_t max)
{
    arena_release(&arena);
    arena_init(&arena, 256, limit_bytes);
    problems_init(&problems, &arena, max);
}

TEST(problems__copies_its_strings)
{
    char pointer[] = "/imp/0/id";

    start(0, 100);
    CHECK_INT(problems_add(&problems, pointer, "must be %s", "a string"), -1);
    pointer[1] = 'X';
    CHECK_INT(problems.n, 1);
    CHECK_STR(problems.items[0].pointer, "/imp/0/id");
    CHECK_STR(problems.items[0].detail, "must be a string");
}

TEST(problems__keeps_max_and_counts_the_rest)
{
    start(0, 20);
    for (int i = 0; i < 25; i++)
        problems_add(&problems, "/a", "number %d", i);
    CHECK_INT(problems.n, 20);
    CHECK_INT(problems.dropped, 5);
    CHECK_STR(problems.items[0].detail, "number 0");
    CHECK_STR(problems.items[19].detail, "number 19");
}

TEST(problems__out_of_memory_is_counted)
{
    start(64, 20);
    for (int i = 0; i < 3; i++)
        problems_add(&problems, "/a", "number %d", i);
    CHECK_INT(problems.n + problems.dropped, 3);
    CHECK(problems.dropped > 0);
}

/* What fits is kept from the first on, without a gap, whatever came behind would have fitted. */
TEST(problems__bounded_by_bytes_count_the_rest)
{
    start(0, 0);
    problems_init_bytes(&problems, &arena, 64 << 10);
    for (int i = 0; i < 2000; i++)
        problems_add(&problems, i % 2 ? "/a" : "/a/longer/place", "number %d", i);
    CHECK_INT(problems.n + problems.dropped, 2000);
    CHECK(problems.n > 1000 && problems.dropped > 0);
    CHECK(problems.bytes <= 64 << 10);
    for (size_t i = 0; i < problems.n; i++) {
        char want[32];

        snprintf(want, sizeof(want), "number %zu", i);
        CHECK_STR(problems.items[i].detail, want);
    }
}

TEST(problems__to_err_joins_all)
{
    struct err err;

    start(0, 20);
    problems_add(&problems, "/a/0", "too small");
    problems_add(&problems, "", "not an object");
    CHECK_INT(problems_to_err(&problems, "f.json", ERR_CONFIG, &err), -1);
    CHECK_INT(err.code, ERR_CONFIG);
    CHECK_STR(err.text, "f.json: /a/0: too small; f.json: not an object");
    problems_to_err(&problems, NULL, ERR_CONFIG, &err);
    CHECK_STR(err.text, "/a/0: too small; not an object");
}

TEST(problems__to_err_counts_those_that_do_not_fit)
{
    struct err err;

    start(0, 50);
    for (int i = 0; i < 100; i++)
        problems_add(&problems, "/a", "a complaint of some length with number %d", i);
    problems_to_err(&problems, "f", ERR_DATA, &err);
    CHECK(strlen(err.text) < sizeof(err.text) - 1);
    CHECK(strstr(err.text, "number 0; "));
    CHECK(strstr(err.text, "; and "));
    CHECK_STR(err.text + strlen(err.text) - 5, " more");
}
