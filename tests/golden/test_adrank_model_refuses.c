/* adrank-model on spoiled directories: 65 and the reason, from verify and score alike (CONTRACT 8);
 * and bf16. */
#include "tests/golden/model_program.h"
#include "tests/unit/model/model_dir.h"

#define MODEL "tests/golden/requests/two-layers"
#define LINE "{\"rank\":{\"candidates\":[{\"adid\":\"a\",\"text\":\"red shoes\"}]}}\n"

static void put_golden_off(const struct model_dir *dir)
{
    json_t *doc = json_load_file(MODEL "/adrank.json", 0, NULL);
    const json_t *request = json_array_get(json_at(doc, "/golden/requests"), 3);
    double logit = json_real_value(json_array_get(json_at(request, "/logits"), 0));
    char value[40];

    /* Five times the allowed error of f32. */
    snprintf(value, sizeof(value), "%.9f", logit + 2 * 5e-4);
    model_dir_edit(dir, "adrank.json", "/golden/requests/3/logits/0", value);
    json_decref(doc);
}

static void put_nan(const struct model_dir *dir)
{
    struct buf bytes AT_END(buf_release) = model_dir_get(dir, "model.safetensors");

    memcpy(bytes.ptr + bytes.len - 2, "\x00\x7e", 2); /* of the last F16 */
    model_dir_put(dir, "model.safetensors", buf_view(&bytes));
}

static void cut_tensors(const struct model_dir *dir)
{
    struct buf bytes AT_END(buf_release) = model_dir_get(dir, "model.safetensors");

    model_dir_put(dir, "model.safetensors", (struct view){bytes.ptr, bytes.len - 1});
}

static void cut_header(const struct model_dir *dir)
{
    struct buf bytes AT_END(buf_release) = model_dir_get(dir, "model.safetensors");

    model_dir_put(dir, "model.safetensors", (struct view){bytes.ptr, 7});
}

static void drop_bf16(const struct model_dir *dir)
{
    model_dir_edit(dir, "adrank.json", "/golden/max_error/bf16", NULL);
}

TEST(adrank_model_refuses__spoiled_directories)
{
    static const struct {
        const char *name;
        void (*spoil)(const struct model_dir *dir);
        const char *options, *told;
    } rows[] = {
        {"a golden logit is off", put_golden_off, "", "golden request 3, candidate 0: logit"},
        {"a NaN", put_nan, "", "NaN"},
        {"tensors cut", cut_tensors, "", "model.safetensors"},
        {"a header cut", cut_header, "", "model.safetensors"},
        {"bf16 is not stated", drop_bf16, " --precision bf16 --linear plain",
         "adrank.json: /golden/max_error: bf16 is not stated"},
    };
    static const char *const commands[] = {"verify", "score"};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct model_dir dir;
        model_dir_copy(&dir, MODEL);
        rows[i].spoil(&dir);
        for (size_t k = 0; k < 2; k++) {
            char args[200];
            struct model_ran ran;
            test_row("%s: %s", commands[k], rows[i].name);
            snprintf(args, sizeof(args), "%s %s%s", commands[k], dir.path, rows[i].options);
            ran = model_run(args, VIEW_LIT(LINE));
            CHECK_INT(ran.status, 65);
            model_ran_told(&ran, rows[i].told);
            CHECK_INT(ran.out.len, 0);
            model_ran_release(&ran);
        }
        model_dir_remove(&dir);
    }
}

TEST(adrank_model_refuses__nothing_of_a_copy_as_it_was)
{
    struct model_dir dir AT_END(model_dir_remove);
    struct model_ran ran AT_END(model_ran_release);
    char args[100];

    model_dir_copy(&dir, MODEL);
    snprintf(args, sizeof(args), "verify %s", dir.path);
    ran = model_run(args, VIEW_LIT(""));
    CHECK_INT(ran.status, 0);
}

/* The portable provider always has bf16: its error is larger than f32's and within the directory's
 * limit. */
TEST(adrank_model_refuses__not_bf16)
{
    struct model_ran ran =
        model_run("verify " MODEL " --precision bf16 --linear plain", VIEW_LIT(""));
    json_t *got, *f32;
    double error, off;

    CHECK_INT(ran.status, 0);
    got = model_ran_line(&ran, 0);
    CHECK_STR(text_at(got, "/precision"), "bf16");
    error = number_at(got, "/golden_error");
    CHECK(error > 1e-3 && error <= 0.1);
    json_decref(got);
    model_ran_release(&ran);

    ran = model_run("score " MODEL " --precision bf16 --linear plain", VIEW_LIT(LINE));
    CHECK_INT(ran.status, 0);
    got = model_ran_line(&ran, 0);
    model_ran_release(&ran);
    ran = model_run("score " MODEL, VIEW_LIT(LINE));
    f32 = model_ran_line(&ran, 0);
    model_ran_release(&ran);
    off = json_number_value(json_object_get(json_array_get(json_at(got, "/scores"), 0), "logit")) -
          json_number_value(json_object_get(json_array_get(json_at(f32, "/scores"), 0), "logit"));
    CHECK(off != 0 && fabs(off) <= 0.1 * 2);
    json_decref(got);
    json_decref(f32);
}

/* By processor: bf16 where there is an instruction for it, else f32 and a notice. */
TEST(adrank_model_refuses__no_processor)
{
    static const char *const commands[] = {
        "verify " MODEL, "bench " MODEL " --pairs 2 --prefix 30 --seconds 0.05", "score " MODEL};

    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        char args[200];
        struct model_ran ran;
        json_t *got;
        const char *precision;
        test_row("%s", commands[i]);
        snprintf(args, sizeof(args), "%s --precision bf16", commands[i]);
        ran = model_run(args, VIEW_LIT(LINE));
        CHECK_INT(ran.status, 0);
        got = model_ran_line(&ran, 0);
        precision = json_string_value(json_at(got, "/precision"));
        if (precision && strcmp(precision, "bf16") != 0)
            model_ran_told(&ran, "bf16 was requested, but this processor has neither");
        json_decref(got);
        model_ran_release(&ran);
    }
}
