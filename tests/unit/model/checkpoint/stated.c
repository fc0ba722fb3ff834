/* What the files of a directory state beyond sizes: how long a pair may be, its token types, what
 * two labels mean, what sentence-transformers adds. */
#include "model/model_struct.h"
#include "tests/unit/model/model_dir.h"

#define ONE "tests/golden/logits/one-layer"         /* one label, vocab.txt, 32 positions */
#define TWO "tests/golden/logits/seven-heads"       /* two labels, tokenizer.json, 36 positions */
#define REQUESTS "tests/golden/requests/two-layers" /* adrank.json with limits of its own */
#define TOKENIZER "tokenizer_config.json"
#define SBERT "sentence_bert_config.json"
#define ST "config_sentence_transformers.json"

struct edit {
    const char *file, *pointer, *value; /* pointer NULL: the file's text */
};

static void apply(const struct model_dir *dir, const struct edit *edits, size_t n)
{
    for (size_t i = 0; i < n && edits[i].file; i++) {
        if (!edits[i].pointer)
            model_dir_put(dir, edits[i].file, view_of(edits[i].value));
        else
            model_dir_edit(dir, edits[i].file, edits[i].pointer, edits[i].value);
    }
}

/* ---- length ---------------------------------------------------------------------------------- */

static const struct {
    int tokens;
    struct edit edits[3];
} limits[] = {
    {32, {{0}}},
    {16, {{TOKENIZER, "/model_max_length", "16"}}},
    {16, {{TOKENIZER, "/model_max_length", "16.0"}}},
    {32, {{TOKENIZER, "/model_max_length", "512"}}},
    {32, {{TOKENIZER, "/model_max_length", "1000000000000000019884624838656"}}}, /* none */
    {32, {{TOKENIZER, "/model_max_length", "null"}}},
    {16, {{TOKENIZER, "/max_len", "16"}}},
    {20, {{TOKENIZER, "/max_len", "16"}, {TOKENIZER, "/model_max_length", "20"}}},
    {32, {{TOKENIZER, "/max_length", "16"}}}, /* left over from a call */
    {12, {{SBERT, NULL, "{\"max_seq_length\":12,\"do_lower_case\":false}"}}},
    {32, {{SBERT, NULL, "{\"max_seq_length\":null}"}}},
    {12, {{SBERT, NULL, "{\"max_seq_length\":12}"}, {TOKENIZER, "/model_max_length", "20"}}},
    {12, {{SBERT, NULL, "{\"max_seq_length\":20}"}, {TOKENIZER, "/model_max_length", "12"}}},
    {32, {{SBERT, NULL, "{\"max_seq_length\":256}"}}},
};

static struct model *open_edited(struct model_dir *dir, const char *from, const struct edit *edits,
                                 size_t n)
{
    struct model *m;
    struct err err;

    model_dir_copy(dir, from);
    apply(dir, edits, n);
    CHECK_OK(model_open(dir->path, &m, &err), err);
    return m;
}

static int pair_tokens(const struct model *m, int max_tokens)
{
    static const char word[] = "red shoes and a kettle for the winter ";
    struct buf text = BUF_INIT;
    struct input input = {0};
    struct arena arena;
    struct err err;
    int n;

    for (int i = 0; i < 40; i++)
        buf_add_str(&text, word);
    arena_init(&arena, 4096, 0);
    CHECK_OK(model_input_pair(m, buf_view(&text), buf_view(&text), true, max_tokens, &arena, &input,
                              &err),
             err);
    n = input.n_tokens;
    input_release(&input);
    arena_release(&arena);
    buf_release(&text);
    return n;
}

TEST(stated__length_limits_pairs)
{
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        struct model_dir dir;
        struct model *m;
        test_row("row %zu", i);
        m = open_edited(&dir, ONE, limits[i].edits, 3);
        CHECK_INT(m->max_tokens, limits[i].tokens);
        CHECK_INT(pair_tokens(m, 0), limits[i].tokens);
        CHECK_INT(pair_tokens(m, 9), 9);
        CHECK_INT(pair_tokens(m, 1000), 32); /* a larger request is granted */
        /* The default limits of requests share it out. */
        CHECK_INT(m->adrank.max_context_tokens, limits[i].tokens * 3 / 4);
        CHECK_INT(m->adrank.max_ad_tokens, limits[i].tokens / 4);
        model_unref(m);
        model_dir_remove(&dir);
    }
}

/* The shortest that can be stated still leaves room for both sides. */
TEST(stated__shortest_lengths_open)
{
    for (int tokens = 5; tokens < 10; tokens++) {
        struct model_dir dir;
        struct model *m;
        char value[8];
        test_row("%d", tokens);
        snprintf(value, sizeof(value), "%d", tokens);
        m = open_edited(&dir, ONE, &(struct edit){TOKENIZER, "/model_max_length", value}, 1);
        CHECK(m->adrank.max_context_tokens >= 3 && m->adrank.max_ad_tokens >= 2);
        CHECK(m->adrank.max_context_tokens + m->adrank.max_ad_tokens <= tokens);
        CHECK_INT(pair_tokens(m, 0), tokens);
        model_unref(m);
        model_dir_remove(&dir);
    }
}

/* ---- token types ----------------------------------------------------------------------------- */

TEST(stated__token_types_follow_the_tokenizer)
{
    static const struct {
        const char *dir;
        int type;
        struct edit edits[2];
    } rows[] = {
        {ONE, 1, {{0}}},
        {TWO, 1, {{0}}},
        {ONE, 0, {{TOKENIZER, "/tokenizer_class", "\"DistilBertTokenizerFast\""}}},
        {TWO, 0, {{TOKENIZER, "/tokenizer_class", "\"DistilBertTokenizer\""}}},
        {TWO, 1, {{TOKENIZER, "/tokenizer_class", "\"ElectraTokenizer\""}}},
        {TWO, 0, {{TOKENIZER, "/tokenizer_class", "\"TokenizersBackend\""}}},
        {TWO,
         1,
         {{TOKENIZER, "/tokenizer_class", "\"PreTrainedTokenizerFast\""},
          {TOKENIZER, "/model_input_names", "[\"input_ids\",\"token_type_ids\"]"}}},
        {TWO, 0, {{TOKENIZER, "/model_input_names", "[\"input_ids\",\"attention_mask\"]"}}},
        {ONE,
         0,
         {{TOKENIZER, "/tokenizer_class", NULL},
          {"config.json", "/tokenizer_class", "\"DistilBertTokenizer\""}}},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct model_dir dir;
        struct input input = {0};
        struct arena arena;
        struct model *m;
        struct err err;
        test_row("row %zu", i);
        m = open_edited(&dir, rows[i].dir, rows[i].edits, 2);
        arena_init(&arena, 4096, 0);
        CHECK_OK(model_input_pair(m, VIEW_LIT("a"), VIEW_LIT("b"), true, 0, &arena, &input, &err),
                 err);
        CHECK_INT(input.types[1], 0);
        CHECK_INT(input.types[input.n_tokens - 2], rows[i].type);
        CHECK_INT(input.types[input.n_tokens - 1], rows[i].type);
        input_release(&input);
        arena_release(&arena);
        model_unref(m);
        model_dir_remove(&dir);
    }
}

/* ---- labels ---------------------------------------------------------------------------------- */

#define ACTIVATION(name_) "{\"activation_fn\":\"torch.nn.modules." name_ "\",\"version\":\"5.0\"}"

TEST(stated__two_labels_are_independent_or_exclude_each_other)
{
    static const struct {
        const char *name;
        bool independent;
        struct edit edits[2];
    } rows[] = {
        {"nothing", false, {{0}}},
        {"null", false, {{"config.json", "/problem_type", "null"}}},
        {"single", false, {{"config.json", "/problem_type", "\"single_label_classification\""}}},
        {"multi", true, {{"config.json", "/problem_type", "\"multi_label_classification\""}}},
        {"Sigmoid",
         true,
         {{"config.json", "/sentence_transformers", ACTIVATION("activation.Sigmoid")}}},
        {"Identity",
         false,
         {{"config.json", "/sentence_transformers", ACTIVATION("linear.Identity")}}},
        {"Identity of multi",
         true,
         {{"config.json", "/sentence_transformers", ACTIVATION("linear.Identity")},
          {"config.json", "/problem_type", "\"multi_label_classification\""}}},
        {"Softmax",
         false,
         {{"config.json", "/sentence_transformers", ACTIVATION("activation.Softmax")}}},
        {"the older key",
         true,
         {{"config.json", "/sbert_ce_default_activation_function",
           "\"torch.nn.modules.activation.Sigmoid\""}}},
        {"the newer file", true, {{ST, NULL, ACTIVATION("activation.Sigmoid")}}},
    };
    const float logits[] = {-0.5F, 1.25F};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct model_dir dir;
        struct model *m;
        test_row("%s", rows[i].name);
        m = open_edited(&dir, TWO, rows[i].edits, 2);
        CHECK_NEAR(model_logit(m, logits), rows[i].independent ? 1.25 : 1.75, 1e-12);
        CHECK_NEAR(model_pctr(m, logits),
                   rows[i].independent ? 1 / (1 + exp(-1.25)) : exp(1.25) / (exp(-0.5) + exp(1.25)),
                   1e-12);
        model_unref(m);
        model_dir_remove(&dir);
    }
}

/* ---- refusals -------------------------------------------------------------------------------- */

#define MODULE(type_, path_)                                                                       \
    "{\"idx\":0,\"name\":\"0\",\"path\":\"" path_ "\",\"type\":\"" type_ "\"}"

TEST(stated__what_is_not_served_is_refused_by_name)
{
    static const struct {
        const char *dir, *error;
        struct edit edits[2];
    } rows[] = {
        {ONE,
         "tokenizer_config.json: /model_max_length: want an integer of at least 5",
         {{TOKENIZER, "/model_max_length", "0"}}},
        {ONE,
         "tokenizer_config.json: /model_max_length: want",
         {{TOKENIZER, "/model_max_length", "-1"}}},
        {ONE,
         "tokenizer_config.json: /model_max_length: want",
         {{TOKENIZER, "/model_max_length", "\"64\""}}},
        {ONE,
         "sentence_bert_config.json: /max_seq_length: out of range",
         {{SBERT, NULL, "{\"max_seq_length\":0}"}}},
        {ONE,
         "sentence_bert_config.json: /max_seq_length: want an integer",
         {{SBERT, NULL, "{\"max_seq_length\":\"12\"}"}}},
        {TWO,
         "sentence_bert_config.json: /do_lower_case: the tokenizer keeps capitals",
         {{SBERT, NULL, "{\"do_lower_case\":true}"}}},
        {ONE, "sentence_bert_config.json: want a JSON object", {{SBERT, NULL, "[]"}}},
        {ONE,
         "config_sentence_transformers.json: /default_prompt_name: \"q\": a prompt",
         {{ST, NULL, "{\"prompts\":{\"q\":\"query: \"},\"default_prompt_name\":\"q\"}"}}},
        {ONE,
         "modules.json: /1/type: is sentence_transformers.models.Dense: only a Transformer",
         {{"modules.json", NULL,
           "[" MODULE("sentence_transformers.models.Transformer",
                      "") "," MODULE("sentence_transformers.models.Dense", "1_Dense") "]"}}},
        {ONE,
         "modules.json: /0/path: the model is in 0_BERT",
         {{"modules.json", NULL,
           "[" MODULE("sentence_transformers.models.Transformer", "0_BERT") "]"}}},
        {ONE, "modules.json: want a list of modules", {{"modules.json", NULL, "{}"}}},
        {ONE,
         "config.json: /sentence_transformers/activation_fn: is torch.nn.modules.activation.Tanh",
         {{"config.json", "/sentence_transformers", ACTIVATION("activation.Tanh")}}},
        {ONE,
         "config.json: /sbert_ce_default_activation_function: is mine.Sigmoid, want",
         {{"config.json", "/sbert_ce_default_activation_function", "\"mine.Sigmoid\""}}},
        {ONE,
         "activation_fn: Softmax of one label is always 1",
         {{"config.json", "/sentence_transformers", ACTIVATION("activation.Softmax")}}},
        {TWO,
         "config_sentence_transformers.json: /activation_fn: is torch.nn.modules.linear.Identity",
         {{"config.json", "/sentence_transformers", ACTIVATION("activation.Sigmoid")},
          {ST, NULL, ACTIVATION("linear.Identity")}}},
        {TWO,
         "config.json: /problem_type: contradicts the activation of sentence-transformers, Sigmoid",
         {{"config.json", "/sentence_transformers", ACTIVATION("activation.Sigmoid")},
          {"config.json", "/problem_type", "\"single_label_classification\""}}},
        {TWO,
         "config.json: /problem_type: contradicts the activation of sentence-transformers, Softmax",
         {{"config.json", "/sentence_transformers", ACTIVATION("activation.Softmax")},
          {"config.json", "/problem_type", "\"multi_label_classification\""}}},
        {TWO,
         "special_tokens_map.json: /cls_token: differs from tokenizer_config.json's",
         {{"special_tokens_map.json", NULL, "{\"cls_token\":{\"content\":\"[SEP]\"}}"}}},
        {TWO,
         "added_tokens.json: /zzz: is not among tokenizer.json's added_tokens",
         {{"added_tokens.json", NULL, "{\"zzz\":255}"}}},
        {TWO,
         "tokenizer.json: /normalizer/lowercase: is false, but tokenizer_config.json lacks",
         {{TOKENIZER, "/do_lower_case", NULL}}},
        {TWO,
         "tokenizer.json: /model/max_input_chars_per_word: is not BERT's",
         {{"tokenizer.json", "/model/max_input_chars_per_word", "64"}}},
        {TWO,
         "tokenizer.json: /normalizer/clean_text: is not BERT's",
         {{"tokenizer.json", "/normalizer/clean_text", "false"}}},
        {REQUESTS,
         "adrank.json: /input: max_context_tokens + max_ad_tokens is 92, the model takes 80 tokens",
         {{TOKENIZER, "/model_max_length", "80"}}},
        {TWO,
         "/truncation_side: tokenizer.json's /truncation/direction is Left",
         {{"tokenizer.json", "/truncation/direction", "\"Left\""}}},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct model_dir dir;
        struct model *m;
        struct err err = {0};
        test_row("%s", rows[i].error);
        model_dir_copy(&dir, rows[i].dir);
        apply(&dir, rows[i].edits, 2);
        CHECK_ERR(model_open(dir.path, &m, &err), err, rows[i].error);
        CHECK_INT(err.code, ERR_DATA);
        model_dir_remove(&dir);
    }
}

TEST(stated__what_changes_no_score_opens)
{
    static const struct edit rows[] = {
        {"modules.json", NULL,
         "[" MODULE("sentence_transformers.base.modules.transformer.Transformer", "") "]"},
        {ST, NULL, "{\"prompts\":{\"q\":\"query: \"},\"default_prompt_name\":null}"},
        {SBERT, NULL, "{\"do_lower_case\":true}"}, /* as the tokenizer does */
        {"special_tokens_map.json", NULL, "{\"cls_token\":{\"content\":\"[CLS]\"}}"},
        {"model.safetensors.index.json", NULL, "an index beside the whole weights is not read"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct model_dir dir;
        test_row("%s: %s", rows[i].file, rows[i].value);
        model_unref(open_edited(&dir, ONE, &rows[i], 1));
        model_dir_remove(&dir);
    }
}

/* Cut anywhere, or with a byte that is another, a file is read or refused. */
TEST(stated__spoilt_files_never_open_wrongly)
{
    static const struct edit files[] = {
        {"config.json", NULL, NULL},
        {"tokenizer.json", NULL, NULL},
        {TOKENIZER, NULL, NULL},
        {"special_tokens_map.json", NULL,
         "{\"cls_token\":{\"content\":\"[CLS]\",\"lstrip\":false}}"},
        {"added_tokens.json", NULL, "{\"[MASK]\":4}"},
        {SBERT, NULL, "{\"max_seq_length\":20,\"do_lower_case\":false}"},
        {ST, NULL, "{\"activation_fn\":\"torch.nn.modules.linear.Identity\",\"prompts\":{}}"},
        {"modules.json", NULL, "[" MODULE("sentence_transformers.models.Transformer", "") "]"},
    };
    struct model_dir dir AT_END(model_dir_remove);

    model_dir_copy(&dir, TWO);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        struct buf bytes;
        if (files[i].value)
            model_dir_put(&dir, files[i].file, view_of(files[i].value));
        bytes = model_dir_get(&dir, files[i].file);
        for (size_t k = 0; k < 60; k++) {
            size_t at = bytes.len * k / 60;
            char was = bytes.ptr[at];
            struct model *m = NULL;
            struct err err = {0};
            test_row("%s, byte %zu", files[i].file, at);
            model_dir_put(&dir, files[i].file, (struct view){bytes.ptr, at});
            if (model_open(dir.path, &m, &err) == 0 && at > 0)
                FAIL("its first %zu bytes were taken", at);
            CHECK(err.code == ERR_DATA || err.code == ERR_NOINPUT);
            bytes.ptr[at] = (char)(was ^ 4);
            model_dir_put(&dir, files[i].file, buf_view(&bytes));
            if (model_open(dir.path, &m, &err))
                CHECK(err.code == ERR_DATA || err.code == ERR_NOINPUT);
            bytes.ptr[at] = was;
            model_unref(m);
        }
        model_dir_put(&dir, files[i].file, buf_view(&bytes));
        buf_release(&bytes);
    }
}
