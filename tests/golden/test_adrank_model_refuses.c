/* adrank-model on spoiled directories: 65 and the reason, from verify and score alike (CONTRACT 8);
 * and bf16. */
#include "tests/golden/model_program.h"
#include "tests/unit/model/model_dir.h"

#define MODEL "tests/golden/requests/two-layers"
#define LINE "{\"rank\":{\"candidates\":[{\"adid\":\"a\",\"text\":\"red shoes\"}]}}\n"

static void put_nan(const struct model_dir *dir)
{
    struct buf bytes AT_END(buf_release) = model_dir_get(dir, "model.safetensors");

    memcpy(bytes.ptr + bytes.len - 2, "\x00\x7e", 2); /* of the last F16 */
    model_dir_put(dir, "model.safetensors", buf_view(&bytes));
}

static void put_golden_off(const struct model_dir *dir)
{
    model_dir_edit(dir, "adrank.json", "/golden/requests/3/logits/0", "9");
}

/* What the model's files are refused for, and what only an engine finds. */
TEST(adrank_model_refuses__spoiled_directories)
{
    static const struct {
        void (*spoil)(const struct model_dir *dir);
        const char *error;
    } rows[] = {
        {put_nan, "NaN"},
        {put_golden_off, "golden request 3, candidate 0: logit"},
    };
    static const char *const commands[] = {"verify", "score"};

    for (int i = 0; i < COUNT(rows); i++) {
        struct model_dir dir AT_END(model_dir_remove);
        model_dir_copy(&dir, MODEL);
        rows[i].spoil(&dir);
        for (int k = 0; k < COUNT(commands); k++) {
            struct model_ran ran AT_END(model_ran_release);
            test_row("%s: %s", commands[k], rows[i].error);
            ran = model_run(js("%s %s", commands[k], dir.path), VIEW_LIT(LINE));
            model_ran_failed(&ran, 65, rows[i].error);
            CHECK_INT(ran.out.len, 0);
        }
    }
}

TEST(adrank_model_refuses__nothing_of_a_copy_as_it_was)
{
    struct model_dir dir AT_END(model_dir_remove);

    model_dir_copy(&dir, MODEL);
    json_decref(model_run_line(js("verify %s", dir.path), VIEW_LIT("")));
}

static double logit_of(const char *args)
{
    json_t *got = model_run_line(args, VIEW_LIT(LINE));
    double logit = number_at(got, "/scores/0/logit");

    json_decref(got);
    return logit;
}

/* The portable provider always has bf16: its error is larger than f32's and within the directory's
 * limit. */
TEST(adrank_model_refuses__not_bf16)
{
    json_t *got = model_run_line("verify " MODEL " --precision bf16 --linear plain", VIEW_LIT(""));
    double error = number_at(got, "/golden_error"), off;

    CHECK_STR(text_at(got, "/precision"), "bf16");
    CHECK(error > 1e-3 && error <= 0.1);
    json_decref(got);
    off = logit_of("score " MODEL " --precision bf16 --linear plain") - logit_of("score " MODEL);
    CHECK(off != 0 && fabs(off) <= 0.1 * 2);
}

/* By processor: bf16 where there is an instruction for it, else f32 and a notice. */
TEST(adrank_model_refuses__no_processor)
{
    static const char *const commands[] = {
        "verify " MODEL, "bench " MODEL " --pairs 2 --prefix 30 --seconds 0.05", "score " MODEL};

    for (int i = 0; i < COUNT(commands); i++) {
        struct model_ran ran AT_END(model_ran_release);
        const char *precision;
        json_t *got;
        test_row("%s", commands[i]);
        ran = model_run_ok(js("%s --precision bf16", commands[i]), VIEW_LIT(LINE));
        got = model_ran_line(&ran, 0);
        precision = json_string_value(json_at(got, "/precision"));
        if (precision && strcmp(precision, "bf16") != 0)
            model_ran_failed(&ran, 0, "bf16 was requested, but this processor has neither");
        json_decref(got);
    }
}
