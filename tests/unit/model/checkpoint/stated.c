/* What the files of a directory state beyond sizes: how long a pair may be, its token types, what
 * two labels mean, what sentence-transformers adds. */
#include "model/model_struct.h"
#include "tests/unit/model/model_dir.h"

#define ONE "tests/golden/logits/one-layer"         /* one label, vocab.txt, 32 positions */
#define TWO "tests/golden/logits/seven-heads"       /* two labels, tokenizer.json, 36 positions */
#define REQUESTS "tests/golden/requests/two-layers" /* adrank.json with limits of its own */
#define CONFIG "config.json"
#define ACTIVATED "/sentence_transformers" /* of CONFIG */
#define TOKENIZER "tokenizer_config.json"
#define SBERT "sentence_bert_config.json"
#define ST "config_sentence_transformers.json"

struct edit {
    const char *file, *where, *value;
};

/* The directory with the edits, up to n or one without a file; ' is ". */
static struct model *open_edited(const char *from, const struct edit *edits, int n)
{
    struct model_dir dir AT_END(model_dir_remove);
    struct model *m;
    struct err err;

    model_dir_copy(&dir, from);
    for (int i = 0; i < n && edits[i].file; i++)
        model_dir_edit(&dir, edits[i].file, edits[i].where,
                       edits[i].value ? js("%s", edits[i].value) : NULL);
    CHECK_OK(model_open(dir.path, &m, &err), err);
    return m;
}

/* ---- length ---------------------------------------------------------------------------------- */

static const struct {
    int tokens;
    struct edit edits[2];
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
    {12, {{SBERT, NULL, "{'max_seq_length':12,'do_lower_case':false}"}}},
    {32, {{SBERT, "/max_seq_length", "null"}}},
    {12, {{SBERT, "/max_seq_length", "12"}, {TOKENIZER, "/model_max_length", "20"}}},
    {12, {{SBERT, "/max_seq_length", "20"}, {TOKENIZER, "/model_max_length", "12"}}},
    {32, {{SBERT, "/max_seq_length", "256"}}},
};

static void input_of(const struct model *m, struct view text, int max_tokens, struct input *out)
{
    struct arena arena AT_END(arena_release);
    struct err err;

    arena_init(&arena, 4096, 0);
    CHECK_OK(model_input_pair(m, text, text, true, max_tokens, &arena, out, &err), err);
}

static int pair_tokens(const struct model *m, int max_tokens)
{
    struct buf text AT_END(buf_release) = BUF_INIT;
    struct input input AT_END(input_release) = {0};

    for (int i = 0; i < 40; i++)
        buf_add_str(&text, "red shoes and a kettle for the winter ");
    input_of(m, buf_view(&text), max_tokens, &input);
    return input.n_tokens;
}

TEST(stated__length_limits_pairs)
{
    for (int i = 0; i < COUNT(limits); i++) {
        struct model *m;
        test_row("row %d", i);
        m = open_edited(ONE, limits[i].edits, 2);
        CHECK_INT(m->max_tokens, limits[i].tokens);
        CHECK_INT(pair_tokens(m, 0), limits[i].tokens);
        CHECK_INT(pair_tokens(m, 9), 9);
        CHECK_INT(pair_tokens(m, 1000), 32); /* a larger request is granted */
        /* The default limits of requests share it out. */
        CHECK_INT(m->adrank.max_context_tokens, limits[i].tokens * 3 / 4);
        CHECK_INT(m->adrank.max_ad_tokens, limits[i].tokens / 4);
        model_unref(m);
    }
}

/* The shortest that can be stated still leaves room for both sides. */
TEST(stated__shortest_lengths_open)
{
    for (int tokens = 5; tokens < 10; tokens++) {
        struct model *m;
        test_row("%d", tokens);
        m = open_edited(ONE, &(struct edit){TOKENIZER, "/model_max_length", js("%d", tokens)}, 1);
        CHECK(m->adrank.max_context_tokens >= 3 && m->adrank.max_ad_tokens >= 2);
        CHECK(m->adrank.max_context_tokens + m->adrank.max_ad_tokens <= tokens);
        CHECK_INT(pair_tokens(m, 0), tokens);
        model_unref(m);
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
        {ONE, 0, {{TOKENIZER, "/tokenizer_class", "'DistilBertTokenizerFast'"}}},
        {TWO, 0, {{TOKENIZER, "/tokenizer_class", "'DistilBertTokenizer'"}}},
        {TWO, 1, {{TOKENIZER, "/tokenizer_class", "'ElectraTokenizer'"}}},
        {TWO, 0, {{TOKENIZER, "/tokenizer_class", "'TokenizersBackend'"}}},
        {TWO,
         1,
         {{TOKENIZER, "/tokenizer_class", "'PreTrainedTokenizerFast'"},
          {TOKENIZER, "/model_input_names", "['input_ids','token_type_ids']"}}},
        {TWO, 0, {{TOKENIZER, "/model_input_names", "['input_ids','attention_mask']"}}},
        {ONE,
         0,
         {{TOKENIZER, "/tokenizer_class", NULL},
          {CONFIG, "/tokenizer_class", "'DistilBertTokenizer'"}}},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        struct input input AT_END(input_release) = {0};
        struct model *m;
        test_row("row %d", i);
        m = open_edited(rows[i].dir, rows[i].edits, 2);
        input_of(m, VIEW_LIT("a"), 0, &input);
        CHECK_INT(input.types[1], 0);
        CHECK_INT(input.types[input.n_tokens - 2], rows[i].type);
        CHECK_INT(input.types[input.n_tokens - 1], rows[i].type);
        model_unref(m);
    }
}

/* ---- labels ---------------------------------------------------------------------------------- */

#define ACTIVATION(name_) "{'activation_fn':'torch.nn.modules." name_ "','version':'5.0'}"

TEST(stated__two_labels_are_independent_or_exclude_each_other)
{
    static const struct {
        const char *name;
        bool independent;
        struct edit edits[2];
    } rows[] = {
        {"nothing", false, {{0}}},
        {"null", false, {{CONFIG, "/problem_type", "null"}}},
        {"single", false, {{CONFIG, "/problem_type", "'single_label_classification'"}}},
        {"multi", true, {{CONFIG, "/problem_type", "'multi_label_classification'"}}},
        {"Sigmoid", true, {{CONFIG, ACTIVATED, ACTIVATION("activation.Sigmoid")}}},
        {"Identity", false, {{CONFIG, ACTIVATED, ACTIVATION("linear.Identity")}}},
        {"Identity of multi",
         true,
         {{CONFIG, ACTIVATED, ACTIVATION("linear.Identity")},
          {CONFIG, "/problem_type", "'multi_label_classification'"}}},
        {"Softmax", false, {{CONFIG, ACTIVATED, ACTIVATION("activation.Softmax")}}},
        {"the older key",
         true,
         {{CONFIG, "/sbert_ce_default_activation_function",
           "'torch.nn.modules.activation.Sigmoid'"}}},
        {"the newer file", true, {{ST, NULL, ACTIVATION("activation.Sigmoid")}}},
    };
    const float logits[] = {-0.5F, 1.25F};

    for (int i = 0; i < COUNT(rows); i++) {
        struct model *m;
        test_row("%s", rows[i].name);
        m = open_edited(TWO, rows[i].edits, 2);
        CHECK_INT(model_out_width(m), 2);
        CHECK_NEAR(model_logit(m, logits), rows[i].independent ? 1.25 : 1.75, 1e-12);
        CHECK_NEAR(model_pctr(m, logits),
                   rows[i].independent ? 1 / (1 + exp(-1.25)) : exp(1.25) / (exp(-0.5) + exp(1.25)),
                   1e-12);
        model_unref(m);
    }
}

/* ---- refusals -------------------------------------------------------------------------------- */

#define MODULE(type_, path_) "{'idx':0,'name':'0','path':'" path_ "','type':'" type_ "'}"

static const struct spoilt of_one_label[] = {
    {TOKENIZER, "/model_max_length", "0", ": want an integer of at least 5"},
    {TOKENIZER, "/model_max_length", "-1", ": want"},
    {TOKENIZER, "/model_max_length", "'64'", ": want"},
    {SBERT, "/max_seq_length", "0", ": out of range"},
    {SBERT, "/max_seq_length", "'12'", ": want an integer"},
    {SBERT, NULL, "[]", "sentence_bert_config.json: want a JSON object"},
    {ST, "/default_prompt_name", "'q'", ": \"q\": a prompt"},
    {"modules.json", NULL,
     "[" MODULE("sentence_transformers.models.Transformer",
                "") "," MODULE("sentence_transformers.models.Dense", "1_Dense") "]",
     "modules.json: /1/type: is sentence_transformers.models.Dense: only a Transformer"},
    {"modules.json", NULL, "[" MODULE("sentence_transformers.models.Transformer", "0_BERT") "]",
     "modules.json: /0/path: the model is in 0_BERT"},
    {"modules.json", NULL, "{}", "modules.json: want a list of modules"},
    {CONFIG, ACTIVATED, ACTIVATION("activation.Tanh"),
     "config.json: /sentence_transformers/activation_fn: is torch.nn.modules.activation.Tanh"},
    {CONFIG, "/sbert_ce_default_activation_function", "'mine.Sigmoid'", ": is mine.Sigmoid, want"},
    {CONFIG, ACTIVATED, ACTIVATION("activation.Softmax"),
     "activation_fn: Softmax of one label is always 1"},
};
static const struct spoilt of_two[] = {
    {SBERT, "/do_lower_case", "true", ": the tokenizer keeps capitals"},
    {"special_tokens_map.json", "/cls_token", "{'content':'[SEP]'}",
     ": differs from tokenizer_config.json's"},
    {"added_tokens.json", "/zzz", "255", ": is not among tokenizer.json's added_tokens"},
    {TOKENIZER, "/do_lower_case", NULL,
     "tokenizer.json: /normalizer/lowercase: is false, but tokenizer_config.json lacks"},
    {"tokenizer.json", "/model/max_input_chars_per_word", "64", ": is not BERT's"},
    {"tokenizer.json", "/normalizer/clean_text", "false", ": is not BERT's"},
    {"tokenizer.json", "/truncation/direction", "'Left'",
     "/truncation_side: tokenizer.json's /truncation/direction is Left"},
};
static const struct spoilt of_sigmoid[] = {
    {ST, NULL, ACTIVATION("linear.Identity"),
     "config_sentence_transformers.json: /activation_fn: is torch.nn.modules.linear.Identity"},
    {CONFIG, "/problem_type", "'single_label_classification'",
     ": contradicts the activation of sentence-transformers, Sigmoid"},
};
static const struct spoilt of_softmax[] = {
    {CONFIG, "/problem_type", "'multi_label_classification'",
     ": contradicts the activation of sentence-transformers, Softmax"},
};
static const struct spoilt of_limits[] = {
    {TOKENIZER, "/model_max_length", "80",
     "adrank.json: /input: max_context_tokens + max_ad_tokens is 92, the model takes 80 tokens"},
};

TEST(stated__what_is_not_served_is_refused_by_name)
{
    struct model_dir dir AT_END(model_dir_remove);

    check_spoilt(ONE, ERR_DATA, of_one_label, COUNT(of_one_label));
    check_spoilt(TWO, ERR_DATA, of_two, COUNT(of_two));
    check_spoilt(REQUESTS, ERR_DATA, of_limits, COUNT(of_limits));
    model_dir_copy(&dir, TWO);
    model_dir_edit(&dir, CONFIG, ACTIVATED, js(ACTIVATION("activation.Sigmoid")));
    check_spoilt(dir.path, ERR_DATA, of_sigmoid, COUNT(of_sigmoid));
    model_dir_edit(&dir, CONFIG, ACTIVATED, js(ACTIVATION("activation.Softmax")));
    check_spoilt(dir.path, ERR_DATA, of_softmax, COUNT(of_softmax));
}

TEST(stated__what_changes_no_score_opens)
{
    static const struct edit rows[] = {
        {"modules.json", NULL,
         "[" MODULE("sentence_transformers.base.modules.transformer.Transformer", "") "]"},
        {ST, NULL, "{'prompts':{'q':'query: '},'default_prompt_name':null}"},
        {SBERT, "/do_lower_case", "true"}, /* as the tokenizer does */
        {"special_tokens_map.json", "/cls_token", "{'content':'[CLS]'}"},
        {"model.safetensors.index.json", NULL, "an index beside the whole weights is not read"},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        test_row("%s: %s", rows[i].file, rows[i].value);
        model_unref(open_edited(ONE, &rows[i], 1));
    }
}

/* Cut anywhere, or with a byte that is another, a file is read or refused. */
TEST(stated__spoilt_files_never_open_wrongly)
{
    static const struct edit files[] = {
        {CONFIG, NULL, NULL},
        {"tokenizer.json", NULL, NULL},
        {TOKENIZER, NULL, NULL},
        {"special_tokens_map.json", NULL, "{'cls_token':{'content':'[CLS]','lstrip':false}}"},
        {"added_tokens.json", NULL, "{'[MASK]':4}"},
        {SBERT, NULL, "{'max_seq_length':20,'do_lower_case':false}"},
        {ST, NULL, "{'activation_fn':'torch.nn.modules.linear.Identity','prompts':{}}"},
        {"modules.json", NULL, "[" MODULE("sentence_transformers.models.Transformer", "") "]"},
    };
    struct model_dir dir AT_END(model_dir_remove);

    model_dir_copy(&dir, TWO);
    for (int i = 0; i < COUNT(files); i++) {
        struct buf bytes;
        if (files[i].value)
            model_dir_put(&dir, files[i].file, view_of(js("%s", files[i].value)));
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
