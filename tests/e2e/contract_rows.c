/* Every case of contract_rows.h has a test: looked for in the sources, so that a case cannot be forgotten. */
#include <dirent.h>

#include "base/file.h"
#include "tests/e2e/contract_rows.h"
#include "tests/test.h"

#define FOLDER "tests/e2e"

static const char *const rows[] = {
#define X(row, says) #row,
    CONTRACT_ROWS(X)
#undef X
};

static const struct {
    const char *row, *name, *call;
} cases[] = {
#define X(row, case_) {#row, #case_, "\nCONTRACT_TEST(" #row ", " #case_ ")\n"},
    CONTRACT_CASES(X)
#undef X
};

static const struct {
    const char *row, *name, *file, *text;
} elsewhere[] = {
#define X(row, case_, file, text) {#row, #case_, file, text},
    CONTRACT_ELSEWHERE(X)
#undef X
};

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

/* All contract_*.c, one behind the other. */
static void read_sources(struct buf *out)
{
    DIR *dir = opendir(FOLDER);
    struct buf one = BUF_INIT;
    struct dirent *entry;
    struct err err;
    char path[512];

    CHECK(dir);
    while ((entry = readdir(dir))) {
        size_t n = strlen(entry->d_name);

        if (strncmp(entry->d_name, "contract_", 9) != 0 || strcmp(entry->d_name + n - 2, ".c") != 0)
            continue;
        snprintf(path, sizeof(path), FOLDER "/%s", entry->d_name);
        CHECK_OK(file_read(path, 1 << 20, &one, &err), err);
        buf_add_view(out, buf_view(&one));
    }
    closedir(dir);
    buf_release(&one);
}

TEST(contract_rows__every_case_has_one_test)
{
    struct buf sources = BUF_INIT;
    int missing = 0;

    read_sources(&sources);
    for (int i = 0; i < COUNT(cases); i++) {
        const char *at = strstr(buf_str(&sources), cases[i].call);

        if (at && !strstr(at + 1, cases[i].call))
            continue;
        printf("%s: %s, %s\n", at ? "two tests" : "no test", cases[i].row, cases[i].name);
        missing++;
    }
    buf_release(&sources);
    CHECK_INT(missing, 0);
}

static bool has_case(const char *row)
{
    for (int i = 0; i < COUNT(cases); i++)
        if (strcmp(cases[i].row, row) == 0)
            return true;
    for (int i = 0; i < COUNT(elsewhere); i++)
        if (strcmp(elsewhere[i].row, row) == 0)
            return true;
    return false;
}

static bool is_row(const char *name)
{
    for (int i = 0; i < COUNT(rows); i++)
        if (strcmp(rows[i], name) == 0)
            return true;
    return false;
}

TEST(contract_rows__every_row_has_cases_and_every_case_a_row)
{
    for (int i = 0; i < COUNT(rows); i++) {
        test_row("row %s", rows[i]);
        CHECK(has_case(rows[i]));
    }
    for (int i = 0; i < COUNT(cases); i++) {
        test_row("case %s, %s", cases[i].row, cases[i].name);
        CHECK(is_row(cases[i].row));
    }
}

TEST(contract_rows__what_is_elsewhere_is_there)
{
    for (int i = 0; i < COUNT(elsewhere); i++) {
        struct buf source = BUF_INIT;
        struct err err;

        test_row("%s, %s", elsewhere[i].row, elsewhere[i].name);
        CHECK(is_row(elsewhere[i].row));
        CHECK_OK(file_read(elsewhere[i].file, 1 << 20, &source, &err), err);
        CHECK(strstr(buf_str(&source), elsewhere[i].text));
        buf_release(&source);
    }
}

TEST_MAIN
