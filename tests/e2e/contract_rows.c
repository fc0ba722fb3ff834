/* Every line of the contract's tables has a row, every row has cases, every case of contract_rows.h has a test: looked for
 * in the text and in the sources, so that none can be forgotten. */
#include <dirent.h>

#include "base/file.h"
#include "tests/e2e/contract_rows.h"
#include "tests/test.h"

#define FOLDER "tests/e2e"
#define CONTRACT "docs/CONTRACT.md"

static const struct {
    const char *name, *line;
} rows[] = {
#define X(row, line, says) {#row, line},
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
        if (strcmp(rows[i].name, name) == 0)
            return true;
    return false;
}

TEST(contract_rows__every_row_has_cases_and_every_case_a_row)
{
    for (int i = 0; i < COUNT(rows); i++) {
        test_row("row %s", rows[i].name);
        CHECK(has_case(rows[i].name));
    }
    for (int i = 0; i < COUNT(cases); i++) {
        test_row("case %s, %s", cases[i].row, cases[i].name);
        CHECK(is_row(cases[i].row));
    }
}

static bool has_prefix(struct view text, const char *prefix)
{
    return text.len >= strlen(prefix) && memcmp(text.ptr, prefix, strlen(prefix)) == 0;
}

/* "| case *(later)* | ..." or "| field | *(later)* |": names that are reserved. */
static bool is_later(struct view line)
{
    const char *cell = memmem(line.ptr, line.len, " | ", 3), *later = "*(later)*";

    return cell &&
           ((cell - line.ptr >= 9 && memcmp(cell - 9, later, 9) == 0) ||
            has_prefix((struct view){cell + 3, (size_t)(line.ptr + line.len - cell) - 3}, later));
}

/* The lines of the tables of section 3, behind their "| "; how many. */
static int table_lines(const char *text, struct view *lines, int max)
{
    const char *at = strstr(text, "\n## 3."), *end;
    int n = 0;

    CHECK(at && (end = strstr(at + 1, "\n## ")));
    while ((at = strstr(at, "\n| ")) && at < end) {
        struct view line = {at + 3, strcspn(at + 3, "\n")};

        at += 3;
        if (has_prefix(line, "---") || has_prefix(line, "field |") || has_prefix(line, "case |") ||
            is_later(line))
            continue;
        CHECK(n < max);
        lines[n++] = line;
    }
    return n;
}

static int rows_of_line(struct view line)
{
    int n = 0;

    for (int i = 0; i < COUNT(rows); i++)
        n += rows[i].line[0] && has_prefix(line, rows[i].line);
    return n;
}

TEST(contract_rows__every_line_of_the_contract_has_a_row_and_every_row_its_line)
{
    struct buf text = BUF_INIT;
    struct view lines[64];
    struct err err;
    int n;

    CHECK_OK(file_read(CONTRACT, 1 << 20, &text, &err), err);
    n = table_lines(buf_str(&text), lines, COUNT(lines));
    CHECK(n >= 20);
    for (int i = 0; i < n; i++) {
        test_row("line %.*s", (int)(lines[i].len < 40 ? lines[i].len : 40), lines[i].ptr);
        CHECK(rows_of_line(lines[i]) > 0);
    }
    for (int i = 0; i < COUNT(rows); i++) {
        int found = 0;

        test_row("line of row %s", rows[i].name);
        for (int k = 0; k < n; k++)
            found += has_prefix(lines[k], rows[i].line);
        CHECK_INT(found, rows[i].line[0] ? 1 : n);
    }
    buf_release(&text);
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
