/* Directories whose files state more than sizes: tokens, logits and probabilities equal
 * transformers' (stated.py). */
#include "tests/golden/golden_engine.h"
#include "tests/unit/model/model_dir.h"

#define FILE_NAME "tests/golden/stated.json"

static void edit(const struct model_dir *dir, const json_t *edits)
{
    for (size_t i = 0; i < json_array_size(edits); i++) {
        const json_t *one = json_array_get(edits, i), *value = json_object_get(one, "value");
        char *text = json_is_null(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY);
        model_dir_edit(dir, json_string_value(json_object_get(one, "file")),
                       json_string_value(json_object_get(one, "pointer")), text);
        free(text);
    }
}

static void check_pair(struct golden_engine *g, const json_t *texts, const json_t *want)
{
    const struct view text = view_of(json_string_value(json_array_get(texts, 0)));
    const struct view pair = view_of(json_string_value(json_array_get(texts, 1)));
    const json_t *logits = json_object_get(want, "logits");
    struct input input AT_END(input_release) = {0};
    const struct input *inputs[] = {&input};
    float got[2], *rows[] = {got};
    struct arena arena AT_END(arena_release);
    struct err err;

    arena_init(&arena, 4096, 0);
    CHECK_OK(model_input_pair(g->model, text, pair, true, 0, &arena, &input, &err), err);
    CHECK_INT(input.n_tokens, json_integer_value(json_object_get(want, "tokens")));
    golden_engine_score(g, inputs, rows, 1);
    CHECK_INT(json_array_size(logits), model_out_width(g->model));
    for (size_t l = 0; l < json_array_size(logits); l++)
        CHECK_NEAR(got[l], json_number_value(json_array_get(logits, l)), 2e-4);
    CHECK_NEAR(model_pctr(g->model, got), json_number_value(json_object_get(want, "pctr")), 1e-4);
}

TEST(stated__directories_score_as_transformers_scores_them)
{
    json_t *doc = json_load_file(FILE_NAME, 0, NULL), *one;
    const json_t *texts = json_object_get(doc, "texts");
    size_t i;

    CHECK(json_array_size(json_object_get(doc, "cases")) >= 20);
    json_array_foreach(json_object_get(doc, "cases"), i, one)
    {
        const char *from = json_string_value(json_object_get(one, "dir"));
        const json_t *pairs = json_object_get(one, "pairs");
        struct golden_engine g;
        struct model_dir dir;
        char path[100];
        test_row("%s of %s", json_string_value(json_object_get(one, "name")), from);
        snprintf(path, sizeof(path), "tests/golden/logits/%s", from);
        model_dir_copy(&dir, path);
        edit(&dir, json_object_get(one, "edits"));
        golden_engine_open(&g, &(struct golden_engine_args){.dir = dir.path});
        CHECK_INT(json_array_size(pairs), json_array_size(texts));
        for (size_t k = 0; k < json_array_size(pairs); k++)
            check_pair(&g, json_array_get(texts, k), json_array_get(pairs, k));
        golden_engine_close(&g);
        model_dir_remove(&dir);
    }
    json_decref(doc);
}
