/* adrank-sim as a program: it writes the same bytes every time, and reports the reference for the
 * demo's figures. */
#include "base/file.h"
#include "tests/e2e/driver.h"
#include "tests/e2e/shell.h"
#include "tests/test.h"

enum { MAX_FILE = 64 << 20 };

/* The output of adrank-sim with these arguments; checks the exit status. */
static void run(const char *arguments, int status, struct buf *out)
{
    int got = shell(out, "'%s' %s 2>&1", driver_build_path("bin/adrank-sim"), arguments);

    if (got != status)
        FAIL("adrank-sim %s exits with %d: %s", arguments, got, buf_str(out));
}

static void make_world(const char *folder, int seed, struct buf *out)
{
    char arguments[256];
    snprintf(arguments, sizeof(arguments),
             "world --seed %d --out %s --train 3000 --calib 50 --eval 4000 --warm 1000 --replay 80",
             seed, folder);
    run(arguments, 0, out);
}

static bool same_file(const char *folder_a, const char *folder_b, const char *name)
{
    char path_a[128], path_b[128];
    struct buf a AT_END(buf_release) = BUF_INIT, b AT_END(buf_release) = BUF_INIT;
    struct err err;

    snprintf(path_a, sizeof(path_a), "%s/%s", folder_a, name);
    snprintf(path_b, sizeof(path_b), "%s/%s", folder_b, name);
    CHECK_OK(file_read(path_a, MAX_FILE, &a, &err), err);
    CHECK_OK(file_read(path_b, MAX_FILE, &b, &err), err);
    CHECK(a.len > 0);
    return view_eq(buf_view(&a), buf_view(&b));
}

TEST(world__same_seed_same_bytes)
{
    static const char *const names[] = {
        "catalog.jsonl",      "histories.jsonl",    "impressions.jsonl",
        "clicks.train.jsonl", "clicks.calib.jsonl", "clicks.eval.jsonl",
        "clicks.warm.jsonl",  "truth.train.jsonl",  "truth.eval.jsonl",
    };
    const char *a = shell_folder(), *b = shell_folder(), *c = shell_folder();
    struct buf out AT_END(buf_release) = BUF_INIT;

    make_world(a, 1, &out);
    make_world(b, 1, &out);
    make_world(c, 2, &out);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        test_row("%s", names[i]);
        CHECK(same_file(a, b, names[i]));
        CHECK(!same_file(a, c, names[i]));
    }
}

static double number_after(struct buf *text, const char *word)
{
    const char *at = strstr(buf_str(text), word);

    CHECK(at);
    return strtod(at + strlen(word), NULL);
}

static double share_of(struct buf *text, const char *row)
{
    char *at = strstr(text->ptr, row);
    CHECK(at);
    at = strstr(at, "AUC");
    CHECK(at);
    return strtod(at + strlen("AUC 0.0000 "), NULL);
}

TEST(world__report_shows_that_the_text_is_needed)
{
    const char *folder = shell_folder();
    char arguments[128];
    struct buf out AT_END(buf_release) = BUF_INIT;

    make_world(folder, 1, &out);
    snprintf(arguments, sizeof(arguments), "report %s", folder);
    run(arguments, 0, &out);
    printf("%s", buf_str(&out));
    CHECK(number_after(&out, "AUC ") > .70 && number_after(&out, "AUC ") < .85);
    CHECK(number_after(&out, "log loss ") > .1);
    CHECK(share_of(&out, "the same, titles shuffled") < 20);
    CHECK(share_of(&out, "ids and priors") < 60);
}

TEST(world__reports_usage_errors)
{
    static const struct {
        const char *arguments;
        int status;
        const char *output;
    } rows[] = {
        {"", 64, "a command is missing"},
        {"world", 64, "adrank-sim: world: --out DIR is missing"},
        {"world /tmp/x", 64, "adrank-sim: /tmp/x: no such argument: the folder to write is --out"},
        {"report", 64, "adrank-sim: report: the folder is missing"},
        {"walk", 64, "adrank-sim: walk: no such command: world or report"},
        {"world --out /tmp/x --train many", 64, "--train many: must be an integer from 0"},
        {"report a b", 64, "b: no such argument"},
        {"world --out /nonexistent/x", 69, "/nonexistent/x"},
        {"report /nonexistent", 66, "/nonexistent/world.json"},
        {"--help", 0, "usage:"},
    };
    struct buf out AT_END(buf_release) = BUF_INIT;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        test_row("adrank-sim %s", rows[i].arguments);
        run(rows[i].arguments, rows[i].status, &out);
        CHECK(strstr(buf_str(&out), rows[i].output));
    }
}
