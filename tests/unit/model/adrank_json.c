/* Tests of model/adrank_json.c. */
#include "tests/unit/model/adrank_document.h"

static json_t *right_document(void)
{
    json_t *doc = json_load_file("tests/golden/requests/two-layers/adrank.json", 0, NULL);

    CHECK(doc);
    return doc;
}

static const struct {
    /* ' is "; error: from ": " on where "adrank.json: pointer" comes before; NULL: it is taken */
    const char *pointer, *value, *error;
} rows[] = {
    {"/format", "2", ": out of range"},
    {"/format", NULL, ": missing"},
    {"/format", "'1'", ": want an integer"},
    {"/kind", "'hier'", ": kind hier is not built yet"},
    {"/kind", "'Cross'", ": want cross or prefix"},
    {"/kind", NULL, ": want cross or prefix"},
    {"/name", "''", ": want a string"},
    {"/name", "'a\\nb'", ": control characters"},
    {"/version", "7", ": want a string"},
    {"/nmae", "1", ": unknown key"},
    {"/$schema", "'x'", NULL},
    {"/input", NULL, NULL},
    {"/input", "[]", ": want an object"},
    {"/input/contxt", "''", ": unknown key"},
    {"/input/context", "'{serach}'", ": byte 0: unknown field \"serach\""},
    {"/input/context", "'{search'", ": byte 0: unmatched '{'"},
    {"/input/context", "3", ": want a string"},
    {"/input/behaviour", "'{title}'", ": byte 0: unknown field"},
    {"/input/ad", "'x}'", ": byte 1: unmatched '}'"},
    {"/input/max_context_tokens", "2", ": out of range"},
    {"/input/max_ad_tokens", "2", ": out of range"},
    {"/input/max_ad_tokens", "56", NULL},
    {"/input/max_ad_tokens", "57",
     "max_context_tokens + max_ad_tokens is 129, the model takes 128"},
    {"/heads", NULL, ": want an object"},
    {"/heads/cvr", "{}", ": unknown key"},
    {"/heads/ctr/labels", "3", ": out of range"},
    {"/heads/ctr/labels", NULL, ": missing"},
    {"/calibration", NULL, NULL},
    {"/calibration/type", "'isotonic'", ": want platt"},
    {"/calibration/a", "0", ": out of range"},
    {"/calibration/a", "-1", ": out of range"},
    {"/calibration/b", NULL, ": missing"},
    {"/calibration/c", "1", ": unknown key"},
    {"/base_rate", "0", ": out of range"},
    {"/base_rate", "1", ": out of range"},
    {"/base_rate", NULL, ": missing"},
    {"/weights_sha256", "'AB'", ": want 64 hex digits"},
    {"/golden", NULL, ": missing"},
    {"/golden", "[]", ": want an object"},
    {"/golden/requests", "[]", ": 0 (request, ad) pairs, want at least 32"},
    {"/golden/requests", NULL, ": want an array"},
    {"/golden/max_error", "{}", ": want an object"},
    {"/golden/max_error/f32", "0.11", ": want a number over 0 and at most 0.1"},
    {"/golden/max_error/f32", "0.1", NULL},
    {"/golden/max_error/f32", "0.1000001", ": want a number over 0 and at most 0.1"},
    {"/golden/max_error/bf16", "0.11", ": want a number over 0"},
    {"/golden/max_error/int8", "0.1", NULL},
    {"/golden/max_error/f32", "1e-9", NULL},
    {"/golden/max_error/f32", "0", ": want"},
    {"/golden/max_error/f32", "'x'", ": want"},
    {"/golden/max_error/f64", "0.01", "adrank.json: /golden/max_error: unknown precision"},
    {"/golden/requests/1/now_ms", "-1", ": want unix"},
    {"/golden/requests/1/now_ms", NULL, ": want unix"},
    {"/golden/requests/2/request", "7", ": want an object"},
    {"/golden/requests/2/request/rank/candidates", "[]",
     "adrank.json: /golden/requests/2/logits: want one"},
    {"/golden/requests/0/logits", "[]", ": want one"},
    {"/golden/requests/0/logits/0", "'x'", ": want a finite"},
};

TEST(adrank_json__names_what_is_wrong)
{
    for (int i = 0; i < COUNT(rows); i++) {
        const char *pointer = rows[i].pointer, *error = rows[i].error;
        const char *value = rows[i].value ? js("%s", rows[i].value) : NULL;
        struct document d AT_END(document_release);
        json_t *doc = right_document();
        char whole[200];
        test_row("%s = %s", pointer, value ? value : "none");
        json_edit(doc, pointer, value);
        if (error && error[0] == ':') {
            snprintf(whole, sizeof(whole), "adrank.json: %s%s", pointer, error);
            error = whole;
        }
        document_init(&d, doc, error);
    }
}

TEST(adrank_json__reads_every_field)
{
    struct document d AT_END(document_release);
    const struct adrank_json *a = &d.read;

    document_init(&d, right_document(), NULL);
    CHECK(a->kind == &kind_prefix);
    CHECK_STR(a->name, "golden-two-layers");
    CHECK_STR(a->version, "1");
    CHECK_INT(a->max_context_tokens, 72);
    CHECK_INT(a->max_ad_tokens, 20);
    CHECK_INT(a->labels, 1);
    CHECK_NEAR(a->calibration.a, 0.9, 0);
    CHECK_NEAR(a->calibration.b, -1.5, 0);
    CHECK_NEAR(a->base_rate, 0.03, 0);
    CHECK(!a->weights_sha256);
    CHECK_INT(a->golden.n_requests, 14);
    CHECK_NEAR(a->golden.spread, 2, 0.01);
    CHECK_NEAR(a->golden.max_error[PRECISION_F32], 1e-4, 0);
    CHECK_NEAR(a->golden.max_error[PRECISION_INT8], 0, 0);
}

/* One golden request of n pairs whose logits deviate by exactly that much: half of them above 0,
 * half below; of an odd number, one is 0. */
static json_t *document_of(int n, double deviation)
{
    json_t *doc = right_document(), *entry = json_object(), *candidates = json_array();
    json_t *logits = json_array();
    double above = deviation * sqrt(n / (double)(n - n % 2));

    for (int i = 0; i < n; i++) {
        json_array_append_new(candidates, json_pack("{s:s,s:s}", "adid", "a", "text", "tea"));
        json_array_append_new(logits, json_real(i == n - 1 && n % 2 ? 0 : i % 2 ? above : -above));
    }
    json_object_set_new(entry, "now_ms", json_integer(1));
    json_object_set_new(entry, "request", json_pack("{s:{s:o}}", "rank", "candidates", candidates));
    json_object_set_new(entry, "logits", logits);
    json_object_set_new(json_object_get(doc, "golden"), "requests", json_pack("[o]", entry));
    return doc;
}

/* An absolute tolerance would pass constants: scores that hardly differ are refused, and so are too
 * few. */
TEST(adrank_json__requires_pairs_and_spread)
{
    static const struct {
        int n;
        double deviation;
        const char *error; /* NULL: is taken */
    } spreads[] = {
        {31, 2, "/golden/requests: 31 (request, ad) pairs, want at least 32"},
        {32, 2, NULL},
        {33, 2, NULL},
        {32, 0.4, "standard deviation of 0.4, want at least 1"},
        {32, 0.999, "standard deviation of 0.999, want at least 1"},
        {32, 1.001, NULL},
        {32, 0, "standard deviation of 0, want at least 1"},
    };

    for (int i = 0; i < COUNT(spreads); i++) {
        struct document d AT_END(document_release);
        test_row("%d pairs of a deviation of %g", spreads[i].n, spreads[i].deviation);
        document_init(&d, document_of(spreads[i].n, spreads[i].deviation), spreads[i].error);
        if (!spreads[i].error)
            CHECK_NEAR(d.read.golden.spread, spreads[i].deviation, 1e-9);
    }
}

TEST(adrank_json__a_draft_may_lack_golden_requests)
{
    const char *text = js("{'format':1,'kind':'cross','name':'a','version':'1',"
                          "'heads':{'ctr':{'labels':1}},'base_rate':0.1}");
    struct adrank_json_args args = {
        .file = "a.json", .text = view_of(text), .positions = 64, .draft = true};
    struct adrank_json a;
    struct arena arena AT_END(arena_release);
    struct err err;

    arena_init(&arena, 4096, 0);
    CHECK_OK(adrank_json_parse(&a, &args, &arena, &err), err);
    CHECK_INT(a.golden.n_requests, 0);
    args.draft = false;
    CHECK_ERR(adrank_json_parse(&a, &args, &arena, &err), err, "a.json: /golden: missing");
}

TEST(adrank_json__default_is_cross)
{
    struct adrank_json a;
    struct arena arena AT_END(arena_release);
    struct err err;

    arena_init(&arena, 4096, 0);
    CHECK_OK(adrank_json_default(&a, "demo", 512, 2, &arena, &err), err);
    CHECK(a.kind == &kind_cross);
    CHECK_STR(a.name, "demo");
    CHECK_INT(a.max_context_tokens, 384);
    CHECK_INT(a.max_ad_tokens, 128);
    CHECK_INT(a.labels, 2);
    CHECK_INT(a.golden.n_requests, 0);
}
