/* adrank-model bench: what it measures, and where it reports it (CONTRACT 8). */
#include <unistd.h>

#include "base/file.h"
#include "tests/golden/model_program.h"

#define MODEL "tests/golden/requests/two-layers"
#define SHORT "bench " MODEL " --pairs 9 --prefix 30 --ads 4:9 --seconds 0.05"

/* Every member of the contract, as the options request. */
static void check_result(const json_t *got, const char *kind, const char *precision, int threads)
{
    static const char *const numbers[] = {"median_ms", "p99_ms", "pairs_per_s", "gflops",
                                          "bare_gflops"};

    CHECK_STR(text_at(got, "/kind"), kind);
    CHECK_STR(text_at(got, "/precision"), precision);
    CHECK_STR(text_at(got, "/backend"), "cpu");
    CHECK(json_is_integer(json_at(got, "/threads")));
    CHECK_INT(number_at(got, "/threads"), threads);
    for (size_t k = 0; k < sizeof(numbers) / sizeof(numbers[0]); k++)
        CHECK(json_number_value(json_object_get(got, numbers[k])) > 0);
}

TEST(adrank_model_bench__reports_what_it_measured)
{
    static const struct {
        const char *args, *kind, *precision;
        int threads;
    } rows[] = {
        {" --threads 1", "prefix", "f32", 1},
        {" --threads 2 --json -", "prefix", "f32", 2},
        {" --threads 1 --kind cross", "cross", "f32", 1},
        {" --threads 1 --kind prefix", "prefix", "f32", 1},
        {" --threads 1 --precision bf16 --linear plain", "prefix", "bf16", 1},
        {" --threads 2 --precision bf16 --linear plain --kind cross", "cross", "bf16", 2},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        struct model_ran ran AT_END(model_ran_release);
        json_t *got;
        test_row("%s", rows[i].args);
        ran = model_run_ok(js(SHORT "%s", rows[i].args), VIEW_LIT(""));
        CHECK_INT(model_ran_lines(&ran), 1);
        got = model_ran_line(&ran, 0);
        check_result(got, rows[i].kind, rows[i].precision, rows[i].threads);
        json_decref(got);
    }
}

TEST(adrank_model_bench__writes_the_result_to_a_file)
{
    char dir[] = "/tmp/adrank-test-XXXXXX", path[64];
    struct model_ran ran;
    json_t *got;

    CHECK(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/result.json", dir);
    ran = model_run_ok(js(SHORT " --threads 1 --json %s", path), VIEW_LIT(""));
    CHECK_INT(ran.out.len, 0);
    got = json_load_file(path, 0, NULL);
    CHECK(got);
    check_result(got, "prefix", "f32", 1);
    json_decref(got);
    model_ran_release(&ran);

    ran = model_run(js(SHORT " --json %s/no-folder/result.json", dir), VIEW_LIT(""));
    CHECK(ran.status != 0);
    model_ran_failed(&ran, ran.status, "/no-folder/result.json");
    model_ran_release(&ran);
    unlink(path);
    rmdir(dir);
}
