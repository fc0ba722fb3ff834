/* Reads golden pairs of texts and their logits. */
#include "tests/golden/golden_pairs.h"

#include <jansson.h>

#include "tests/js.h"

static void read_pair(struct golden_pairs *pairs, int i, const json_t *pair,
                      const struct model *model)
{
    const json_t *text = json_object_get(pair, "text"),
                 *second = json_object_get(pair, "text_pair");
    const json_t *logits = json_object_get(pair, "logits");
    const struct view v = {json_string_value(text), json_string_length(text)};
    const struct view v2 = {json_string_value(second), json_string_length(second)};
    struct arena scratch;
    struct err err;

    arena_init(&scratch, 4096, 0);
    /* transformers treats an empty second text as none. */
    CHECK_OK(model_input_pair(model, v, v2, v2.len > 0,
                              (int)json_integer_value(json_object_get(pair, "max_tokens")),
                              &scratch, &pairs->inputs[i], &err),
             err);
    arena_release(&scratch);
    CHECK_INT(json_array_size(logits), model_out_width(model));
    for (int l = 0; l < model_out_width(model); l++)
        pairs->want[i][l] = json_real_value(json_array_get(logits, (size_t)l));
}

void golden_pairs_open(struct golden_pairs *pairs, const char *dir, const struct model *model)
{
    json_t *doc = json_load_file(js("%s/golden.json", dir), 0, NULL);
    const json_t *list = json_object_get(doc, "pairs");

    CHECK(doc);
    *pairs = (struct golden_pairs){
        .n = (int)json_array_size(list),
        .spread = json_real_value(json_object_get(doc, "spread")),
        .bf16_error = json_real_value(json_object_get(doc, "bf16_error")),
    };
    CHECK(pairs->n >= 20 && pairs->spread >= 1 && pairs->bf16_error > 0);
    pairs->inputs = calloc((size_t)pairs->n, sizeof(*pairs->inputs));
    pairs->want = calloc((size_t)pairs->n, sizeof(*pairs->want));
    pairs->got = calloc((size_t)pairs->n, sizeof(*pairs->got));
    CHECK(pairs->inputs && pairs->want && pairs->got);
    for (int i = 0; i < pairs->n; i++)
        read_pair(pairs, i, json_array_get(list, (size_t)i), model);
    json_decref(doc);
}

void golden_pairs_close(struct golden_pairs *pairs)
{
    for (int i = 0; i < pairs->n; i++)
        input_release(&pairs->inputs[i]);
    free(pairs->inputs);
    free(pairs->want);
    free(pairs->got);
}

double golden_pairs_score(struct golden_pairs *pairs, struct golden_engine *g, int per_batch)
{
    const struct input *inputs[256];
    float *logits[256];
    double worst = 0;

    for (int from = 0; from < pairs->n; from += per_batch) {
        int n = pairs->n - from < per_batch ? pairs->n - from : per_batch;
        for (int i = 0; i < n; i++) {
            inputs[i] = &pairs->inputs[from + i];
            logits[i] = pairs->got[from + i];
        }
        golden_engine_score(g, inputs, logits, n);
    }
    for (int i = 0; i < pairs->n; i++)
        for (int l = 0; l < model_out_width(g->model); l++)
            worst = fmax(worst, fabs((double)pairs->got[i][l] - pairs->want[i][l]));
    return worst / pairs->spread;
}

void golden_pairs_check(struct golden_pairs *pairs, struct golden_engine *g, const char *name,
                        int per_batch)
{
    const enum precision precision = engine_caps(g->engine)->precision;
    const double error = golden_pairs_score(pairs, g, per_batch);
    double limit = 1.2 * pairs->bf16_error;

    if (precision == PRECISION_F32)
        limit = 1e-4;
    else if (precision == PRECISION_F16)
        limit /= 8; /* three more bits: so is PyTorch's own */
    test_row("%s %s: error over spread %.3g", precision_names[precision], name, error);
    printf("     %-4s %-14s error over spread %.2e, allowed %.2e\n", precision_names[precision],
           name, error, limit);
    CHECK(error <= limit && (error > 0 || precision == PRECISION_F32));
}
