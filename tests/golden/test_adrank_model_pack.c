/* adrank-model pack: nobody edits golden logits by hand (CONTRACT 8). */

#include "base/rng.h"
#include "tests/golden/model_program.h"
#include "tests/unit/model/model_dir.h"

#define PAIRS "tests/golden/logits/one-layer"       /* no adrank.json */
#define TWO "tests/golden/logits/five-heads"        /* two labels, tokenizer.json */
#define REQUESTS "tests/golden/requests/two-layers" /* kind prefix, adrank.json */
#define FRESH "tests/golden/models/e2e"             /* a head that is not trained */

#define LABELLED 2000 /* lines */

static struct err err;

static json_t *adrank_json(const struct model_dir *dir)
{
    json_t *doc = json_load_file(model_dir_file(dir, "adrank.json"), JSON_REJECT_DUPLICATES, NULL);

    CHECK(doc);
    return doc;
}

static struct model_ran run_on(const char *command, const struct model_dir *dir, const char *more)
{
    char args[600];

    snprintf(args, sizeof(args), "%s %s %s", command, dir->path, more);
    return model_run(args, VIEW_LIT(""));
}

/* The report; the caller decrefs. */
static json_t *pack(const struct model_dir *dir, const char *more)
{
    struct model_ran ran AT_END(model_ran_release) = run_on("pack", dir, more);

    if (ran.status)
        FAIL("pack %s: %d, %s", more, ran.status, buf_str(&ran.err));
    return model_ran_line(&ran, 0);
}

static void pack_refused(const struct model_dir *dir, const char *more, int status,
                         const char *error)
{
    struct model_ran ran AT_END(model_ran_release) = run_on("pack", dir, more);

    test_row("pack %s", more);
    model_ran_failed(&ran, status, error);
}

static int verified_pairs(const struct model_dir *dir, const char *more)
{
    json_t *report = model_run_line(js("verify %s %s", dir->path, more), VIEW_LIT(""));
    int pairs = (int)number_at(report, "/golden_pairs");

    json_decref(report);
    return pairs;
}

static void verify_refused(const struct model_dir *dir, const char *error)
{
    struct model_ran ran AT_END(model_ran_release) = run_on("verify", dir, "");

    model_ran_failed(&ran, 65, error);
}

/* A path for a file beside the directory. */
static const char *beside(const struct model_dir *dir, const char *suffix)
{
    return js("%s.%s", dir->path, suffix);
}

static void put_beside(const struct model_dir *dir, const char *suffix, struct view bytes)
{
    CHECK_OK(file_write(beside(dir, suffix), bytes, &err), err);
}

/* Packs; the report states this origin of the golden requests, and the directory verifies. */
static void pack_from(const struct model_dir *dir, const char *more, const char *origin)
{
    json_t *report = pack(dir, more);

    CHECK_STR(text_at(report, "/golden"), origin);
    json_decref(report);
    CHECK(verified_pairs(dir, "") >= 32);
}

/* ---- a new one ------------------------------------------------------------------------------- */

TEST(pack__makes_adrank_json_from_built_in_texts)
{
    static const char *const dirs[] = {PAIRS, TWO, "tests/golden/logits/odd-sizes"};

    for (int i = 0; i < COUNT(dirs); i++) {
        struct model_dir dir;
        json_t *report, *doc;
        test_row("%s", dirs[i]);
        model_dir_copy(&dir, dirs[i]);
        report = pack(&dir, "--name shop --version 7");
        CHECK_STR(text_at(report, "/golden"), "built in");
        CHECK(number_at(report, "/golden_pairs") >= 32);
        CHECK(number_at(report, "/golden_spread") >= 1);
        doc = adrank_json(&dir);
        CHECK_STR(text_at(doc, "/kind"), "cross");
        CHECK_STR(text_at(doc, "/name"), "shop");
        CHECK_STR(text_at(doc, "/version"), "7");
        CHECK_INT(strlen(text_at(doc, "/weights_sha256")), 64);
        /* What holds is there to be edited. */
        CHECK_STR(text_at(doc, "/input/behaviour"), "{type} {text} ; ");
        CHECK(json_at(doc, "/input/max_ad_tokens"));
        CHECK_NEAR(number_at(doc, "/calibration/a"), 1, 0);
        CHECK_INT(verified_pairs(&dir, ""), number_at(report, "/golden_pairs"));
        CHECK(number_at(doc, "/golden/max_error/f16") < number_at(doc, "/golden/max_error/bf16"));
        CHECK_INT(verified_pairs(&dir, "--precision bf16 --linear plain"),
                  number_at(report, "/golden_pairs"));
        json_decref(doc);
        json_decref(report);
        model_dir_remove(&dir);
    }
}

TEST(pack__prints_what_it_would_write)
{
    struct model_dir dir AT_END(model_dir_remove);
    struct model_ran ran AT_END(model_ran_release);
    json_t *doc;

    model_dir_copy(&dir, PAIRS);
    ran = run_on("pack", &dir, "--dry-run");
    doc = json_loadb(ran.out.ptr, ran.out.len, 0, NULL);
    CHECK(json_at(doc, "/golden"));
    model_ran_failed(&ran, 0, js("'golden':'built in'"));
    CHECK(access(model_dir_file(&dir, "adrank.json"), F_OK) != 0);
    json_decref(doc);
    json_decref(pack(&dir, js("--output %s", beside(&dir, "json"))));
    CHECK(access(model_dir_file(&dir, "adrank.json"), F_OK) != 0);
    CHECK_INT(unlink(beside(&dir, "json")), 0);
}

/* ---- what is there --------------------------------------------------------------------------- */

TEST(pack__keeps_what_is_not_named)
{
    struct model_dir dir AT_END(model_dir_remove);
    json_t *before, *after, *report;

    model_dir_copy(&dir, REQUESTS);
    before = adrank_json(&dir);
    report = pack(&dir, "--version 2 --base-rate 0.2");
    CHECK_STR(text_at(report, "/golden"), "kept");
    after = adrank_json(&dir);
    CHECK_STR(text_at(after, "/version"), "2");
    CHECK_NEAR(number_at(after, "/base_rate"), 0.2, 1e-9);
    json_object_set(before, "weights_sha256", json_object_get(after, "weights_sha256"));
    /* Reals are written with 9 digits. */
    CHECK_INT(json_object_size(after), json_object_size(before));
    CHECK(json_equal(json_at(before, "/input"), json_at(after, "/input")));
    CHECK(json_equal(json_at(before, "/calibration"), json_at(after, "/calibration")));
    CHECK_NEAR(number_at(after, "/golden/max_error/f32"),
               number_at(before, "/golden/max_error/f32"), 0);
    CHECK_NEAR(number_at(after, "/golden/max_error/bf16"),
               number_at(before, "/golden/max_error/bf16"), 0);
    CHECK(verified_pairs(&dir, "") >= 32);
    json_decref(before);
    json_decref(after);
    json_decref(report);
}

/* By hand a template cannot be changed without its logits; with pack it can. */
TEST(pack__refreshes_logits_of_a_changed_template)
{
    struct model_dir dir AT_END(model_dir_remove);
    json_t *doc;

    model_dir_copy(&dir, REQUESTS);
    model_dir_edit(&dir, "adrank.json", "/input/ad", "\"{title} ! {title}\"");
    verify_refused(&dir, "golden request 0, candidate 0: logit");
    pack_from(&dir, "", "refreshed");
    pack_from(&dir, "--ad '{title}' --context '{search} {{x}} | ' --max-ad-tokens 12", "refreshed");
    doc = adrank_json(&dir);
    CHECK_STR(text_at(doc, "/input/ad"), "{title}");
    CHECK_STR(text_at(doc, "/input/context"), "{search} {{x}} | ");
    CHECK_INT(number_at(doc, "/input/max_ad_tokens"), 12);
    json_decref(doc);
    put_beside(&dir, "input", view_of(js("{'ad':'{desc} {text}'}")));
    pack_from(&dir, js("--template %s --golden built-in --kind cross", beside(&dir, "input")),
              "built in");
    CHECK_INT(unlink(beside(&dir, "input")), 0);
    doc = adrank_json(&dir);
    CHECK_STR(text_at(doc, "/kind"), "cross");
    json_decref(doc);
}

/* Limits that are there stay; one that an older file lacks is added. */
TEST(pack__adds_the_bound_that_is_missing)
{
    struct model_dir dir AT_END(model_dir_remove);
    json_t *doc;
    double bound;

    model_dir_copy(&dir, REQUESTS);
    model_dir_edit(&dir, "adrank.json", "/golden/max_error", js("{'f32':0.0001,'bf16':0.09}"));
    pack_from(&dir, "", "kept");
    doc = adrank_json(&dir);
    CHECK_NEAR(number_at(doc, "/golden/max_error/bf16"), 0.09, 0);
    bound = number_at(doc, "/golden/max_error/f16");
    CHECK(bound >= 0.0025 && bound < 0.09);
    json_decref(doc);
}

/* Where a tensor's data begins in the file, and its size in bytes. */
static char *tensor(struct buf *file, const char *name, size_t *bytes)
{
    uint64_t header;
    const json_t *offsets;
    json_t *doc;
    char *at;

    memcpy(&header, file->ptr, sizeof(header));
    doc = json_loadb(file->ptr + 8, header, 0, NULL);
    offsets = json_object_get(json_object_get(doc, name), "data_offsets");
    CHECK_INT(json_array_size(offsets), 2);
    CHECK_STR(json_string_value(json_object_get(json_object_get(doc, name), "dtype")), "BF16");
    at = file->ptr + 8 + header + json_integer_value(json_array_get(offsets, 0));
    *bytes = (size_t)(json_integer_value(json_array_get(offsets, 1)) -
                      json_integer_value(json_array_get(offsets, 0)));
    json_decref(doc);
    return at;
}

/* An inner activation of 100,000 that no output reads: nothing in f32, infinite in f16. */
TEST(pack__omits_a_precision_whose_range_is_too_small)
{
    struct model_dir dir AT_END(model_dir_remove);
    struct model_ran ran AT_END(model_ran_release);
    struct buf file AT_END(buf_release);
    size_t bytes, inner;
    char *bias, *outer;
    json_t *doc;

    model_dir_copy(&dir, "tests/golden/logits/three-heads");
    file = model_dir_get(&dir, "model.safetensors");
    bias = tensor(&file, "bert.encoder.layer.0.intermediate.dense.bias", &inner);
    outer = tensor(&file, "bert.encoder.layer.0.output.dense.weight", &bytes);
    memcpy(bias, "\xc3\x47", 2); /* 99,840 */
    for (size_t at = 0; at < bytes; at += inner)
        memset(outer + at, 0, 2);
    model_dir_put(&dir, "model.safetensors", buf_view(&file));
    ran = run_on("pack", &dir, "");
    CHECK_INT(ran.status, 0);
    CHECK(strstr(buf_str(&ran.err), "f16 loses inf of the spread, more than 0.1: omitted"));
    doc = adrank_json(&dir);
    CHECK(!json_at(doc, "/golden/max_error/f16") && json_at(doc, "/golden/max_error/bf16"));
    json_decref(doc);
}

/* ---- calibration ----------------------------------------------------------------------------- */

/* The members of the i-th pair. */
static const char *pair_of(int i)
{
    static const char *const words[] = {"red", "shoes", "kettle", "winter", "price",
                                        "cat", "tea",   "book",   "river",  "lamp"};

    return js("'text':'%s %s %d','text_pair':'%s %s'", words[i % 10], words[i / 10 % 10], i % 13,
              words[i * 7 % 10], words[i / 100 % 10]);
}

/* Lines of pairs whose labels are drawn from sigmoid(a logit + b): logits come from the program
 * itself. */
static void make_labelled(const struct model_dir *dir, const char *suffix, double a, double b)
{
    struct buf pairs AT_END(buf_release) = BUF_INIT, lines AT_END(buf_release) = BUF_INIT;
    struct model_ran ran AT_END(model_ran_release);
    struct rng rng;

    rng_init(&rng, 5);
    for (int i = 0; i < LABELLED; i++)
        buf_printf(&pairs, "{%s}\n", pair_of(i));
    ran = model_run_ok(js("score %s", dir->path), buf_view(&pairs));
    for (int i = 0; i < LABELLED; i++) {
        json_t *got = model_ran_line(&ran, i);
        double p = 1 / (1 + exp(-(a * number_at(got, "/logits/0") + b)));
        buf_printf(&lines, "{%s,\"label\":%d}\n", pair_of(i), rng_double(&rng) < p);
        json_decref(got);
    }
    put_beside(dir, suffix, buf_view(&lines));
}

TEST(pack__fits_a_calibration_and_keeps_it_only_if_it_is_better)
{
    struct model_dir dir AT_END(model_dir_remove);
    json_t *report, *doc;
    const json_t *c;
    double a, b;

    model_dir_copy(&dir, PAIRS);
    make_labelled(&dir, "lines", 0.6, -1.5);
    report = pack(&dir, js("--calibrate %s", beside(&dir, "lines")));
    c = json_at(report, "/calibration");
    CHECK_INT(number_at(c, "/examples"), LABELLED);
    CHECK(json_is_true(json_at(c, "/stored")));
    CHECK(number_at(c, "/ne_after") < number_at(c, "/ne_before"));
    doc = adrank_json(&dir);
    c = json_at(doc, "/calibration");
    a = number_at(c, "/a");
    b = number_at(c, "/b");
    CHECK_NEAR(a, 0.6, 0.2);
    CHECK_NEAR(b, -1.5, 0.6);
    CHECK(number_at(doc, "/base_rate") > 0.05);
    json_decref(doc);
    json_decref(report);
    CHECK(verified_pairs(&dir, "") >= 32);
    /* What is there already is as good: it stays. */
    report = pack(&dir, js("--calibrate %s", beside(&dir, "lines")));
    c = json_at(report, "/calibration");
    doc = adrank_json(&dir);
    if (!json_is_true(json_at(c, "/stored"))) {
        c = json_at(doc, "/calibration");
        CHECK_NEAR(number_at(c, "/a"), a, 1e-6);
    }
    json_decref(doc);
    json_decref(report);
    unlink(beside(&dir, "lines"));
}

static void put_lines(const struct model_dir *dir, const char *line, int n)
{
    struct buf lines AT_END(buf_release) = BUF_INIT;

    for (int i = 0; i < n; i++)
        buf_printf(&lines, "%s\n", line);
    put_beside(dir, "lines", buf_view(&lines));
}

TEST(pack__takes_requests_with_shown_clicks)
{
    static const char line[] = "{'request':{'site':{'search':'red shoes'},'rank':{'candidates':["
                               "{'adid':'a','text':'shoes'},{'adid':'b','text':'kettle'}]}},"
                               "'shown':[{'adid':'b','pos':1,'click':0,'t':1790000000000},"
                               "{'adid':'a','pos':2,'click':1}]}";
    struct model_dir dir AT_END(model_dir_remove);
    struct model_ran ran AT_END(model_ran_release);

    model_dir_copy(&dir, PAIRS);
    put_lines(&dir, js("%s", line), 30);
    ran = run_on("pack", &dir, js("--calibrate %s", beside(&dir, "lines")));
    /* Two logits that separate the clicks: which of the two it reports depends on the model. */
    CHECK_INT(ran.status, 65);
    CHECK(strstr(buf_str(&ran.err), "separate clicks exactly") ||
          strstr(buf_str(&ran.err), "do not increase with clicks"));
    CHECK(access(model_dir_file(&dir, "adrank.json"), F_OK) != 0);
    unlink(beside(&dir, "lines"));
}

/* ---- given golden lines ---------------------------------------------------------------------- */

TEST(pack__takes_golden_lines)
{
    struct model_dir dir AT_END(model_dir_remove);
    struct buf lines AT_END(buf_release) = BUF_INIT;
    json_t *doc, *request;
    char *text;
    size_t i;

    model_dir_copy(&dir, REQUESTS);
    doc = adrank_json(&dir);
    json_array_foreach(json_at(doc, "/golden/requests"), i, request)
    {
        text = json_dumps(request, JSON_COMPACT);
        buf_printf(&lines, "%s\n", text);
        free(text);
    }
    put_beside(&dir, "lines", buf_view(&lines));
    CHECK_INT(unlink(model_dir_file(&dir, "adrank.json")), 0);
    /* Logits of requests stand for templates that this document lacks. */
    pack_refused(&dir, js("--golden %s", beside(&dir, "lines")), 65,
                 "golden logits (given) and this model's differ by");
    CHECK(access(model_dir_file(&dir, "adrank.json"), F_OK) != 0);
    text = json_dumps(json_at(doc, "/input"), 0);
    put_beside(&dir, "input", view_of(text));
    free(text);
    pack_from(
        &dir,
        js("--golden %s --kind prefix --template %s", beside(&dir, "lines"), beside(&dir, "input")),
        "given");
    CHECK_INT(unlink(beside(&dir, "input")), 0);
    CHECK_INT(unlink(beside(&dir, "lines")), 0);
    json_decref(doc);
}

/* ---- refusals -------------------------------------------------------------------------------- */

static const struct {
    /* lines: n of them in the file that follows the option, ' for "; NULL: no file */
    const char *option, *lines;
    int n, status;
    const char *error;
} refused[] = {
    {"--nosuch 1", NULL, 0, 64, "--nosuch: unknown option"},
    {"--kind hier", NULL, 0, 64, "--kind hier: must be cross or prefix"},
    {"--kind x", NULL, 0, 64, "--kind x: must be cross or prefix"},
    {"--ad '{nosuch}'", NULL, 0, 65, "adrank.json: /input/ad: byte 0: unknown field \"nosuch\""},
    {"--max-context-tokens 30 --max-ad-tokens 30", NULL, 0, 65, "the model takes 32 tokens"},
    {"--base-rate 1", NULL, 0, 64, "--base-rate 1: must be a number from 1e-07 to 0.9999999"},
    {"--name ''", NULL, 0, 64, "--name: must not be empty"},
    {"--golden /nonexistent", NULL, 0, 66, "/nonexistent: No such file"},
    {"--calibrate /nonexistent", NULL, 0, 66, "/nonexistent: No such file"},
    {"--template /nonexistent", NULL, 0, 66, "/nonexistent"},
    {"--golden", "null", 1, 65, "line 1: want an object, this is null"},
    {"--golden", "{", 1, 65, "line 1: column"},
    {"--golden", "{'text':'a'}", 1, 65, "line 1: /text and /text_pair: want strings"},
    {"--golden", "{'text':'a','text_pair':'b','logits':[1]}", 1, 65, "line 1: /logits"},
    {"--golden", "{'text':'red shoes','text_pair':'kettle'}", 3, 65,
     "3 golden pairs, want at least 32"},
    {"--golden", "{'text':'red shoes','text_pair':'kettle'}", 40, 65,
     "standard deviation of 0, want at least 1"},
    {"--golden", "{'request':{'rank':{'candidates':[{'adid':'a'}]}}}", 1, 65,
     "golden request 0: request: /rank/candidates/0/text: missing"},
    {"--calibrate", "{'text':'a','text_pair':'b','label':2}", 1, 65, "line 1: /label: want 0 or 1"},
    {"--calibrate", "{'text':'a','text_pair':'b'}", 1, 65, "line 1: /label: want 0 or 1"},
    {"--calibrate", "{'request':{}}", 1, 65, "line 1: want {\"text\":...,\"text_pair\""},
    {"--calibrate", "[]", 1, 65, "line 1: want {\"text\":...,\"text_pair\""},
    {"--calibrate",
     "{'request':{'rank':{'candidates':[{'adid':'a','text':'b'}]}},'shown':[{'adid':'c','click':1}]"
     "}",
     1, 65, "line 1: /shown/0/adid: is not in /request/rank/candidates"},
    {"--calibrate", "{'text':'a','text_pair':'b','label':1}", 50, 65, "too few to judge"},
};

TEST(pack__refuses_and_leaves_what_is_there)
{
    struct model_dir dir AT_END(model_dir_remove);

    model_dir_copy(&dir, PAIRS);
    for (int i = 0; i < COUNT(refused); i++) {
        char more[300];

        if (refused[i].lines)
            put_lines(&dir, js("%s", refused[i].lines), refused[i].n);
        snprintf(more, sizeof(more), "%s %s", refused[i].option,
                 refused[i].lines ? beside(&dir, "lines") : "");
        pack_refused(&dir, more, refused[i].status, refused[i].error);
        CHECK(access(model_dir_file(&dir, "adrank.json"), F_OK) != 0);
        unlink(beside(&dir, "lines"));
    }
}

TEST(pack__refuses_an_untrained_head_and_no_model)
{
    struct model_ran ran AT_END(model_ran_release) = model_run("pack tests/golden", VIEW_LIT(""));
    struct model_dir dir AT_END(model_dir_remove);

    model_ran_failed(&ran, 66, "tests/golden");
    model_dir_copy(&dir, FRESH);
    pack_refused(&dir, "", 65, "an untrained head");
    CHECK(access(model_dir_file(&dir, "adrank.json"), F_OK) != 0);
}

TEST(pack__leaves_a_broken_adrank_json)
{
    struct model_dir dir AT_END(model_dir_remove);
    struct buf bytes AT_END(buf_release);

    model_dir_copy(&dir, PAIRS);
    model_dir_put(&dir, "adrank.json", view_of(js("{'format':1,")));
    pack_refused(&dir, "", 65, "adrank.json: line 1");
    model_dir_put(&dir, "adrank.json", view_of(js("{'format':1,'colour':'red'}")));
    pack_refused(&dir, "", 65, "adrank.json: /colour: unknown key");
    bytes = model_dir_get(&dir, "adrank.json");
    CHECK_STR(buf_str(&bytes), js("{'format':1,'colour':'red'}"));
}
