/* CONTRACT 3, the answer: its fields, its scores, its headers. contract_answer_check.c checks that
 * every answer of all other tests is well-formed. */
#include "tests/backends/null_logit.h"
#include "tests/e2e/contract.h"

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* ---- fields ---------------------------------------------------------------------------------- */

CONTRACT_TEST(answer, fields)
{
    const json_t *answer = contract_rank(
        shared(), "{'id':'r','rank':{'candidates':[{'adid':'a1'},{'adid':'x','text':'mat',"
                  "'bid':0.5}]}}");
    const json_t *first = json_array_get(json_object_get(answer, "results"), 0);
    const json_t *second = json_array_get(json_object_get(answer, "results"), 1);

    CHECK_STR(text_of(answer, "model"), "e2e");
    CHECK_STR(text_of(first, "impid"), "1");
    CHECK_STR(text_of(first, "adid"), "a1");
    CHECK_STR(text_of(first, "crid"), "c1");
    CHECK_STR(text_of(first, "cid"), "k1");
    CHECK_STR(text_of(first, "seat"), "s1");
    CHECK_STR(text_of(first, "bid_type"), "cpm");
    CHECK_STR(text_of(first, "source"), "model");
    CHECK_STR(json_string_value(json_array_get(json_object_get(first, "adomain"), 0)),
              "shop.example");
    CHECK_STR(json_string_value(json_array_get(json_object_get(first, "cat"), 0)), "IAB17");
    test_row("an ad defined by the request has no catalog fields");
    CHECK_STR(text_of(second, "adid"), "x");
    CHECK(!json_object_get(second, "crid") && !json_object_get(second, "adomain"));
    test_row("the model is the one in /metrics");
    CHECK_INT(driver_metric(shared(),
                            js("adrank_model_info{name='e2e',version='%s',digest='%s',"
                               "kind='cross',precision='f32',activation='gelu_erf',backend='null'}",
                               text_of(answer, "model_version"), text_of(answer, "model_digest"))),
              1);
}

CONTRACT_TEST(answer, ecpm)
{
    static const char *const bids[] = {"0", "0.000001", "0.05", "1", "12345.678", "1000000000"};

    for (int i = 0; i < COUNT(bids); i++) {
        const json_t *answer;
        double pctr;

        test_row("bid %s", bids[i]);
        answer = contract_rank(shared(),
                               "{'rank':{'top_n':2,'candidates':[{'adid':'a1','bid':%s},"
                               "{'adid':'a3','bid':%s,'bid_type':'cpc'}]}}",
                               bids[i], bids[i]);
        pctr = answer_pctr(answer, "1", "a3");
        CHECK_NEAR(answer_ecpm(answer, "1", "a1"), atof(bids[i]), atof(bids[i]) * 1e-8);
        CHECK_NEAR(answer_ecpm(answer, "1", "a3"), 1000 * pctr * atof(bids[i]),
                   1000 * pctr * atof(bids[i]) * 1e-8);
    }
}

CONTRACT_TEST(answer, order)
{
    CHECK_STR(answer_ads(contract_rank(shared(), "{'rank':{'top_n':9,'candidates':["
                                                 "{'adid':'m','bid':1,'text':'mat'},"
                                                 "{'adid':'B','bid':1,'text':'hose'},"
                                                 "{'adid':'aa','bid':1,'text':'the'},"
                                                 "{'adid':'z','bid':1.00000001,'text':'ad'},"
                                                 "{'adid':'\xe8\xb7\x91','bid':1,'text':'kettle'},"
                                                 "{'adid':'a','bid':1,'text':'case'}]}}"),
                         "1"),
              "z B a aa m \xe8\xb7\x91");
}

CONTRACT_TEST(answer, generation)
{
    struct driver d;
    const json_t *before, *after;

    driver_start(&d, &(struct driver_args){0});
    before = contract_rank(&d, "{}");
    CHECK_INT(json_integer_value(json_object_get(before, "generation")), 1);
    CHECK_INT(driver_reload(&d, js("{'rank':{'top_n':2}}"))->status, 200);
    after = contract_rank(&d, "{}");
    CHECK_INT(json_integer_value(json_object_get(after, "generation")), 2);
    CHECK_INT(answer_size(after), 2);
    CHECK_STR(text_of(after, "model_digest"), text_of(before, "model_digest"));
    CHECK_INT(driver_metric(&d, "adrank_config_generation"), 2);
}

/* ---- scores ---------------------------------------------------------------------------------- */

/* The word's line number in the vocabulary. */
static int32_t id_of(const char *word)
{
    FILE *file = fopen("tests/golden/models/e2e/vocab.txt", "re");
    char line[64];

    CHECK(file);
    for (int32_t id = 0; fgets(line, sizeof(line), file); id++) {
        line[strcspn(line, "\n")] = '\0';
        if (strcmp(line, word) == 0) {
            fclose(file);
            return id;
        }
    }
    FAIL("%s is not in the vocabulary", word);
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* By hand: [CLS] context [SEP] ad [SEP]. */
static void check_formula(const char *words, const char *members, const char *behaviour)
{
    const json_t *answer =
        contract_rank(shared(), "{%s'rank':{%s'candidates':[{'adid':'a5'}]}}", members, behaviour);
    char text[128];
    int32_t ids[32];
    int n = 0;

    snprintf(text, sizeof(text), "%s", words);
    for (const char *word = strtok(text, " "); word; word = strtok(NULL, " "))
        ids[n++] = id_of(word);
    CHECK_NEAR(answer_pctr(answer, "1", "a5"), sigmoid((double)null_logit(NULL, 0, ids, n, 0)),
               1e-9);
}

/* The context as the default template renders it, newest behaviour first. */
CONTRACT_TEST(score, formula)
{
    check_formula("[CLS] | | [SEP] yoga mat [SEP]", "", "");
    test_row("search, device, behaviour");
    check_formula("[CLS] garden hose | phone | buy phone case ; view trail ; [SEP] yoga mat [SEP]",
                  "'device':{'devicetype':4},'site':{'search':'Garden hose'},",
                  "'behaviour':[{'t':1,'type':'view','text':'trail'},"
                  "{'t':2,'type':'buy','item':'i6'}],");
}

#define REQUESTS 24

static const char *numbered(int i)
{
    static const char *const words[] = {"trail", "garden", "mat", "light",
                                        "\xe8\xb7\x91\xe6\xad\xa5"};
    struct buf events AT_END(buf_release) = BUF_INIT;

    for (int k = 0; k < i % 7; k++)
        buf_printf(&events, "%s{'t':%d,'type':'view','text':'%s %d'}", k ? "," : "", k,
                   words[(i + k) % 5], i);
    return js("{'id':'%d','site':{'search':'%s %d'},'rank':{'top_n':9,'behaviour':[%s]}}", i,
              words[i % 5], i, buf_str(&events));
}

/* Alone, then repeatedly with all the others at the same time. */
static void check_same_scores(struct driver *d)
{
    struct http_client clients[REQUESTS];
    struct buf alone[REQUESTS];

    for (int i = 0; i < REQUESTS; i++) {
        alone[i] = BUF_INIT;
        client_open_rank(&clients[i], d->address, numbered(i));
        buf_add_str(&alone[i], contract_receive(&clients[i], CONTRACT_OK));
    }
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < REQUESTS; i++)
            client_send(&clients[i], client_post(numbered(i), ""));
        for (int i = 0; i < REQUESTS; i++) {
            const json_t *together = contract_answer(contract_receive(&clients[i], CONTRACT_OK));
            const json_t *before = contract_answer(buf_str(&alone[i]));

            CHECK_STR(answer_degraded(together), "");
            answer_check_source(together, "model");
            CHECK_STR(text_of(together, "id"), text_of(before, "id"));
            CHECK(json_equal(json_object_get(together, "results"),
                             json_object_get(before, "results")));
        }
    }
    for (int i = 0; i < REQUESTS; i++) {
        buf_release(&alone[i]);
        http_client_release(&clients[i]);
    }
}

/* Some batches must hold more than one request, or the test proves nothing. */
CONTRACT_TEST(score, same_in_any_batch)
{
    static const struct driver_args rows[] = {
        {.backend = "paced",
         .sets = {"batch.max_tokens=1024"},
         .env = {"ADRANK_PACED_FIXED_US=2000"}},
        {.backend = "cpu", .sets = {"batch.max_tokens=1024", "model.threads=2"}},
#ifndef __SANITIZE_THREAD__ /* there a batch of the emulator takes seconds: "deadline" */
        {.backend = "simt", .sets = {"batch.max_tokens=1024"}},
#endif
    };

    for (int i = 0; i < COUNT(rows); i++) {
        struct driver d;

        test_row("on %s", rows[i].backend);
        driver_start(&d, &rows[i]);
        check_same_scores(&d);
        CHECK_INT(driver_metric(&d, "adrank_batch_requests_sum"), REQUESTS * 6);
        CHECK(driver_metric(&d, "adrank_batch_requests_count") < REQUESTS * 6);
    }
}

/* ---- headers --------------------------------------------------------------------------------- */

static struct driver_response *rank_with(const char *headers)
{
    return driver_raw(shared()->address, client_post(js("{'rank':{'candidates':[]}}"), headers));
}

CONTRACT_TEST(header, traceparent)
{
    static const char sane[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    static const char insane[] = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";

    rank_with(js("X-Request-Id: traced\r\ntraceparent: %s\r\n", sane));
    driver_wait_log(shared(), js("request_id=traced traceparent=%s", sane));
    rank_with(js("X-Request-Id: untraced\r\ntraceparent: %s\r\n", insane));
    driver_wait_log(shared(), "request_id=untraced");
    CHECK(!strstr(driver_log(shared()), insane));
}

CONTRACT_TEST(header, server_timing)
{
    static const char *const stages[] = {"parse", "features", "queue", "infer", "rank", "total"};
    struct driver_response *r = rank_with("");
    const char *name = "\r\nServer-Timing: ", *at = strstr(r->head, name);
    const json_t *answer = contract_answer(r->body);

    CHECK(at);
    at += strlen(name);
    for (int i = 0; i < COUNT(stages); i++) {
        const char *stage = js("%s;dur=", stages[i]);

        test_row("%s in \"%.*s\"", stages[i], (int)strcspn(at, "\r"), at);
        CHECK(strncmp(at, stage, strlen(stage)) == 0);
        CHECK_NEAR(strtod(at + strlen(stage), NULL), answer_timing(answer, stages[i]) / 1e3, 1e-9);
        at += strcspn(at, ",\r");
        at += strspn(at, ", ");
    }
    CHECK(*at == '\r');
}

/* Answers come in the order of the requests, however long each takes. */
CONTRACT_TEST(header, pipelining)
{
    struct http_client client;
    struct buf all AT_END(buf_release) = BUF_INIT;

    for (int i = 0; i < 50; i++)
        buf_add_view(&all, client_post(i % 5 == 3 ? js("{'id':}") : numbered(i), ""));
    client_open(&client, shared()->address);
    client_send(&client, buf_view(&all));
    for (int i = 0; i < 50; i++) {
        test_row("pipelined %d", i);
        if (i % 5 == 3) {
            contract_receive(&client, CONTRACT_REFUSES(400, "not_json"));
            continue;
        }
        CHECK_STR(text_of(contract_answer(contract_receive(&client, CONTRACT_OK)), "id"),
                  js("%d", i));
    }
    contract_end(shared(), &client, false);
}

CONTRACT_DAEMON_ENDS(answer)
