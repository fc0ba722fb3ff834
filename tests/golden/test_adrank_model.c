/* The program adrank-model: its output, its order and its exit status (CONTRACT 8). */
#include <unistd.h>

#include "base/file.h"
#include "tests/golden/model_program.h"

#define PAIRS "tests/golden/logits/five-heads" /* two labels */
#define CROSS "tests/golden/requests/cross"
#define PREFIX "tests/golden/requests/two-layers"

TEST(adrank_model__ends_with_the_right_status)
{
    static const struct {
        const char *args, *input;
        int status;
        const char *error;
    } rows[] = {
        {"", "", 64, "usage:"},
        {"--help", "", 0, ""},
        {"verify --help", "", 0, ""},
        {"nosuch " CROSS, "", 64, "usage:"},
        {"verify", "", 64, "which model directory?"},
        {"verify a b", "", 64, "b: no such argument"},
        {"verify " CROSS " --pairs 3", "", 64, "--pairs: unknown option"},
        {"verify " CROSS " --threads", "", 64, "--threads: needs a value"},
        {"verify " CROSS " --threads 0", "", 64, "--threads 0: must be an integer from 1"},
        {"verify " CROSS " --precision f31", "", 64, "--precision f31: must be f32"},
        {"verify " CROSS " --gelu fused", "", 64, "--gelu fused: must be auto, erf or tanh"},
        {"verify " CROSS " --gelu tanh", "", 65, "in f32 with gelu_tanh"},
        {"verify " CROSS " --precision f16", "", 64, "precision f16 is not built"},
        {"verify " CROSS " --precision int8", "", 64, "precision int8 is not built"},
        {"score " CROSS " --precision f16", "{'text':'a'}", 64, "precision f16 is not built"},
        {"score " CROSS " --precision int8", "{'text':'a'}", 64, "precision int8 is not built"},
        {"score " CROSS " --max-tokens 2", "", 64,
         "--max-tokens 2: must be an integer from 3 to 65536"},
        {"bench " CROSS " --precision f16 --prefix 30", "", 64, "precision f16 is not built"},
        {"bench " CROSS " --precision int8 --prefix 30", "", 64, "precision int8 is not built"},
        {"bench " CROSS " --kind hier", "", 64, "--kind hier: must be cross or prefix"},
        {"bench " CROSS " --ads 9:8", "", 64, "--ads 9:8: must be FROM:TO"},
        {"bench " CROSS " --prefix 63", "", 64, "the model has 64 positions"},
        {"verify /nonexistent", "", 66, "/nonexistent/config.json"},
        {"tokenize /nonexistent", "'a'", 66, "/nonexistent"},
        {"score /nonexistent", "{'text':'a'}", 66, "/nonexistent/config.json"},
        {"bench /nonexistent", "", 66, "/nonexistent/config.json"},
        {"inspect /nonexistent", "", 66, "/nonexistent/config.json"},
        {"inspect tests/golden", "", 66, "tests/golden/config.json"},
        {"verify " CROSS " --backend nosuch", "", 69, "nosuch"},
        {"verify " CROSS, "", 0, ""},
        {"verify " PREFIX " --threads 2", "", 0, ""},
        {"score " CROSS, "{'text':'a'}\nnonsense\n", 65, "line 2: column"},
        {"score " CROSS, "[]", 65, "line 1: want an object"},
        {"score " CROSS, "{'text':'a','text':'b'}", 65, "duplicate key"},
        {"score " CROSS, "{'rank':{'candidates':[{'adid':'a'}]}}", 65,
         "line 1: request: /rank/candidates/0/text"},
        {"score " CROSS, "{'rank':{'candidates':[]}}", 65,
         "line 1: request: /rank/candidates: none"},
        {"score " CROSS, "{'id':[]}", 65, "line 1: request: /id"},
        {"score " CROSS, "null", 65,
         "line 1: want an object, {'text':...,'text_pair':...} or a "
         "/rank request; this is null"},
        {"score " CROSS, "5", 65, "line 1: want an object, {'text':...,'text_pair':...} or"},
        {"score " CROSS, "'a'", 65, "this is a string"},
        {"score " CROSS, "true", 65, "this is true"},
        {"score " CROSS, "[1]", 65, "this is an array"},
        {"score " CROSS, "{'text':7}", 65, "line 1: /text: want a string, this is a number"},
        {"score " CROSS, "{'text':'a','text_pair':[]}", 65,
         "line 1: /text_pair: want a string, this is an array"},
        {"score " CROSS, "{'request':null}", 65, "/request: want an object, this is null"},
        {"score " CROSS, "{'request':{},'now_ms':'x'}", 65, "/now_ms: want unix"},
        {"score " CROSS, "{'text':'a','x':1e999}", 65, "a number out of range"},
        {"score " CROSS, "{'text':'a','x':123456789012345678901234567890}", 0, ""},
        {"score " CROSS " --catalog /nonexistent", "", 66, "/nonexistent"},
        {"score " PREFIX, "{'text':'a'}", 65, "line 1: kind prefix also needs a text_pair: the ad"},
        {"score " PREFIX, "{'text':'a','text_pair':'b'}", 0, ""},
        {"verify " PAIRS, "", 0, "no golden pairs: nothing was verified; run adrank-model pack"},
        {"tokenize " CROSS, "null", 65, "line 1: want a string, or an array of two; this is null"},
        {"tokenize " CROSS, "['a',7]", 65, "line 1: want a string, or an array of two; this is a"},
        {"tokenize " CROSS, "['a']", 65, "line 1: want a string, or an array of two"},
        {"tokenize " CROSS, "{", 65, "line 1: column"},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        const char *input = js("%s", rows[i].input);
        struct model_ran ran AT_END(model_ran_release) = model_run(rows[i].args, view_of(input));
        test_row("%s <<< %s", rows[i].args, input);
        model_ran_failed(&ran, rows[i].status, js("%s", rows[i].error));
    }
}

static void check_logits(const json_t *got, const json_t *pair, double allowed)
{
    CHECK_NEAR(number_at(got, "/logits/0"), number_at(pair, "/logits/0"), allowed);
    CHECK_NEAR(number_at(got, "/logits/1"), number_at(pair, "/logits/1"), allowed);
}

/* transformers' logits of every golden pair: those without a limit in order, in batches as the
 * program likes; each of the others in a run with its limit. */
TEST(adrank_model__scores_pairs_in_order)
{
    json_t *golden = json_load_file(PAIRS "/golden.json", 0, NULL);
    const json_t *pairs = json_at(golden, "/pairs"), *plain[200];
    double allowed = 1e-4 * number_at(golden, "/spread");
    struct buf input AT_END(buf_release) = BUF_INIT;
    int n_plain = 0, n_cut = 0;

    for (size_t i = 0; i < json_array_size(pairs); i++) {
        const json_t *pair = json_array_get(pairs, i);
        char *text = json_dumps(pair, JSON_COMPACT);
        if (json_at(pair, "/max_tokens")) {
            const char *args =
                js("score " PAIRS " --max-tokens %d", (int)number_at(pair, "/max_tokens"));
            json_t *got;
            test_row("%s", args);
            got = model_run_line(args, view_of(text));
            check_logits(got, pair, allowed);
            json_decref(got);
            n_cut++;
        } else {
            CHECK(n_plain < COUNT(plain));
            plain[n_plain++] = pair;
            buf_printf(&input, "%s\n\n", text);
        }
        free(text);
    }
    CHECK(n_plain > 20 && n_cut >= 5);
    for (int threads = 1; threads <= 2; threads++) {
        struct model_ran ran AT_END(model_ran_release);
        test_row("%d threads", threads);
        ran = model_run_ok(js("score " PAIRS " --threads %d", threads), buf_view(&input));
        CHECK_INT(model_ran_lines(&ran), n_plain);
        for (int i = 0; i < n_plain; i++) {
            json_t *got = model_ran_line(&ran, i);
            check_logits(got, plain[i], allowed);
            json_decref(got);
        }
    }
    json_decref(golden);
}

static void check_request(const char *dir)
{
    json_t *doc = json_load_file(js("%s/adrank.json", dir), 0, NULL);
    const json_t *requests = json_at(doc, "/golden/requests");
    struct model_ran ran AT_END(model_ran_release);
    struct buf input AT_END(buf_release) = BUF_INIT;

    for (size_t i = 0; i < json_array_size(requests); i++) {
        char *text = json_dumps(json_array_get(requests, i), JSON_COMPACT);
        buf_printf(&input, "%s\n", text);
        free(text);
    }
    ran = model_run_ok(js("score %s", dir), buf_view(&input));
    CHECK_INT(model_ran_lines(&ran), json_array_size(requests));
    for (size_t i = 0; i < json_array_size(requests); i++) {
        const json_t *want = json_array_get(requests, i), *request = json_at(want, "/request");
        const json_t *candidates = json_at(request, "/rank/candidates");
        json_t *got = model_ran_line(&ran, (int)i);
        const json_t *scores = json_at(got, "/scores");
        CHECK_STR(text_at(got, "/id"), text_at(request, "/id"));
        CHECK_INT(json_array_size(scores), json_array_size(candidates));
        for (size_t k = 0; k < json_array_size(scores); k++) {
            const json_t *score = json_array_get(scores, k);
            double logit = number_at(score, "/logit");
            CHECK_STR(text_at(score, "/adid"),
                      json_string_value(json_object_get(json_array_get(candidates, k), "adid")));
            CHECK_NEAR(logit, json_real_value(json_array_get(json_at(want, "/logits"), k)), 2e-4);
            CHECK_NEAR(number_at(score, "/pctr"), 1 / (1 + exp(-(0.9 * logit - 1.5))), 1e-7);
        }
        json_decref(got);
    }
    json_decref(doc);
}

TEST(adrank_model__scores_requests_of_any_kind)
{
    check_request(PREFIX);
    check_request(CROSS);
}

/* Pairs and requests mixed, and far more than one batch holds. */
TEST(adrank_model__keeps_the_order_over_many_batches)
{
    struct buf input AT_END(buf_release) = BUF_INIT;
    struct model_ran ran AT_END(model_ran_release);
    json_t *first, *got;

    for (int i = 0; i < 900; i++)
        buf_add_str(&input,
                    i % 7
                        ? js("{'text':'red shoes %d','text_pair':'tea'}\n", i)
                        : js("{'id':'%d','rank':{'candidates':[{'adid':'x','text':'tea'}]}}\n", i));
    ran = model_run_ok("score " CROSS, buf_view(&input));
    CHECK_INT(model_ran_lines(&ran), 900);
    for (int i = 0; i < 900; i += 7) {
        got = model_ran_line(&ran, i);
        CHECK_STR(text_at(got, "/id"), js("%d", i));
        json_decref(got);
    }
    first =
        model_run_line("score " CROSS, view_of(js("{'text':'red shoes 899','text_pair':'tea'}")));
    got = model_ran_line(&ran, 899);
    CHECK(json_equal(first, got)); /* alone or in the fourth batch: the same digits */
    json_decref(first);
    json_decref(got);
}

TEST(adrank_model__reports_lines_before_a_bad_one)
{
    struct model_ran ran AT_END(model_ran_release) = model_run(
        "score " CROSS, view_of(js("{'text':'a'}\n{'text':'b'}\n{'text':7}\n{'text':'c'}\n")));

    CHECK_INT(ran.status, 65);
    CHECK_INT(model_ran_lines(&ran), 2);
}

static void check_ids(const struct model_ran *ran, int line, int n_ids, int middle, int last)
{
    json_t *ids = model_ran_line(ran, line);

    CHECK_INT(json_array_size(ids), n_ids);
    CHECK_INT(number_at(ids, "/0"), 2);
    CHECK_INT(number_at(ids, js("/%d", middle)), 3); /* [SEP] */
    CHECK_INT(number_at(ids, js("/%d", last)), 3);
    json_decref(ids);
}

TEST(adrank_model__tokenizes_strings_and_pairs)
{
    struct model_ran ran AT_END(model_ran_release) = model_run_ok(
        "tokenize " CROSS " --max-tokens 6", view_of(js("'a b c d e f'\n['a b c d','e']\n''\n")));

    check_ids(&ran, 0, 6, 5, 5);
    check_ids(&ran, 1, 6, 3, 5);
    check_ids(&ran, 2, 2, 1, 1);
}

/* Without a limit the model's (64 here) does not apply: all ids of the text are printed. */
TEST(adrank_model__tokenizes_whole_texts)
{
    struct buf input AT_END(buf_release) = BUF_INIT;
    struct model_ran ran AT_END(model_ran_release);

    buf_add_str(&input, "[\"a b c d\",\"e\"]\n\"");
    for (int i = 0; i < 100; i++)
        buf_add_str(&input, "a ");
    buf_add_str(&input, "\"\n");
    ran = model_run_ok("tokenize " CROSS, buf_view(&input));
    check_ids(&ran, 0, 4 + 1 + 3, 5, 7);
    check_ids(&ran, 1, 100 + 2, 101, 101);
}

/* Texts from a catalog score as the same texts in the request do. */
TEST(adrank_model__takes_texts_from_a_catalog)
{
    static const char lines[] =
        "{'rank':{'behaviour':[{'t':1,'type':'click','item':'i','text':'red shoes'}],"
        "'candidates':[{'adid':'a','text':'red shoes'}]},'site':{'search':'hat'}}\n"
        "{'rank':{'behaviour':[{'t':1,'type':'click','item':'i'}],"
        "'candidates':[{'adid':'a'}]},'site':{'search':'hat'}}\n"
        "{'rank':{'candidates':[{'adid':'none'}]}}\n";
    char file[] = "/tmp/adrank-test-XXXXXX";
    struct model_ran ran AT_END(model_ran_release);
    json_t *given, *found;
    struct err err;
    int fd = mkstemp(file);

    CHECK(fd != -1 && close(fd) == 0);
    CHECK_OK(file_write(file,
                        view_of(js("{'adid':'a','item':'i','title':'red shoes','bid':1,"
                                   "'bid_type':'cpm'}\n")),
                        &err),
             err);
    ran = model_run(js("score " PREFIX " --catalog %s", file), view_of(js("%s", lines)));
    model_ran_failed(&ran, 65, "line 3: request: /rank/candidates/0/adid: not in the catalog");
    given = model_ran_line(&ran, 0);
    found = model_ran_line(&ran, 1);
    CHECK(json_equal(given, found));
    json_decref(given);
    json_decref(found);
    unlink(file);
}

TEST(adrank_model__inspects)
{
    json_t *got = model_run_line("inspect " PREFIX, VIEW_LIT(""));
    const json_t *input = json_at(got, "/input");

    CHECK_STR(text_at(got, "/kind"), "prefix");
    CHECK_STR(text_at(got, "/precision"), "F16");
    CHECK_INT(number_at(got, "/max_tokens"), 128);
    CHECK_INT(number_at(got, "/pair_type"), 1);
    CHECK_INT(strlen(text_at(got, "/digest")), 12);
    CHECK_INT(number_at(got, "/encoder/hidden"), 48);
    CHECK_STR(text_at(input, "/behaviour"), "{type} {text} ; ");
    CHECK_INT(number_at(input, "/max_context_tokens"), 72);
    CHECK_NEAR(number_at(got, "/calibration/b"), -1.5, 0);
    json_decref(got);
}
