/* CONTRACT 3, the answer: its fields, its scores, its headers. That each answer of every other test
 * is well made is looked at in contract_answer_check.c. */
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
    test_row("an ad of the request's own has no fields of the catalog");
    CHECK_STR(text_of(second, "adid"), "x");
    CHECK(!json_object_get(second, "crid") && !json_object_get(second, "adomain"));
    test_row("the model as /metrics has it");
    CHECK_INT(driver_metric(shared(),
                            js("adrank_model_info{name='e2e',version='%s',digest='%s',"
                               "kind='cross',precision='f32',backend='null'}",
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

/* A calibrated probability is within its bounds whatever the logit; a prior likewise. */
CONTRACT_TEST(answer, pctr_bounds)
{
    struct driver d AT_END(driver_end);
    const json_t *answer;

    driver_start(&d, &(struct driver_args){
                         .backend = "null",
                         .catalog = js("{'adid':'a1','title':'mat','bid':1,'prior_ctr':0}\n"
                                       "{'adid':'a2','title':'mat','bid':1,'prior_ctr':1}\n"
                                       "{'adid':'a3','title':'mat','bid':1}\n"),
                         .sets = {"deadline.network_ms=5"}});
    answer = contract_rank(&d, "{'tmax':1,'rank':{'top_n':3}}"); /* no time: the prior */
    answer_check_source(answer, "prior");
    CHECK_NEAR(answer_pctr(answer, "1", "a1"), 1e-7, 0);
    CHECK_NEAR(answer_pctr(answer, "1", "a2"), 1 - 1e-7, 1e-9);
}

CONTRACT_TEST(answer, generation)
{
    struct driver d AT_END(driver_end);
    const json_t *before, *after;

    driver_start(&d, &(struct driver_args){.backend = "null"});
    before = contract_rank(&d, "{}");
    CHECK_INT(json_integer_value(json_object_get(before, "generation")), 1);
    CHECK_INT(driver_reload(&d, js("{'rank':{'top_n':2}}"))->status, 200);
    after = contract_rank(&d, "{}");
    CHECK_INT(json_integer_value(json_object_get(after, "generation")), 2);
    CHECK_INT(json_array_size(json_object_get(after, "results")), 2);
    CHECK_STR(text_of(after, "model_digest"), text_of(before, "model_digest"));
    CHECK_INT(driver_metric(&d, "adrank_config_generation"), 2);
}

/* ---- scores ---------------------------------------------------------------------------------- */

/* The line of the word in the vocabulary. */
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

/* By hand: [CLS] context [SEP] ad [SEP], the context by the default template, newest behaviour
 * first. */
CONTRACT_TEST(score, formula)
{
    static const char *const plain[] = {"[CLS]", "|", "|", "[SEP]", "yoga", "mat", "[SEP]"};
    static const char *const full[] = {"[CLS]", "garden", "hose", "|",   "phone", "|",
                                       "buy",   "phone",  "case", ";",   "view",  "trail",
                                       ";",     "[SEP]",  "yoga", "mat", "[SEP]"};
    int32_t ids[32];
    const json_t *answer;

    for (int i = 0; i < COUNT(plain); i++)
        ids[i] = id_of(plain[i]);
    answer = contract_rank(shared(), "{'rank':{'candidates':[{'adid':'a5'}]}}");
    CHECK_NEAR(answer_pctr(answer, "1", "a5"),
               sigmoid((double)null_logit(NULL, 0, ids, COUNT(plain), 0)), 1e-9);
    test_row("search, device, behaviour");
    for (int i = 0; i < COUNT(full); i++)
        ids[i] = id_of(full[i]);
    answer = contract_rank(
        shared(), "{'device':{'devicetype':4},'site':{'search':'Garden hose'},'rank':{'behaviour':["
                  "{'t':1,'type':'view','text':'trail'},{'t':2,'type':'buy','item':'i6'}],"
                  "'candidates':[{'adid':'a5'}]}}");
    CHECK_NEAR(answer_pctr(answer, "1", "a5"),
               sigmoid((double)null_logit(NULL, 0, ids, COUNT(full), 0)), 1e-9);
}

#define REQUESTS 24

static const char *numbered(int i)
{
    static const char *const words[] = {"trail", "garden", "mat", "light",
                                        "\xe8\xb7\x91\xe6\xad\xa5"};
    struct buf events = BUF_INIT;
    const char *out;

    for (int k = 0; k < i % 7; k++)
        buf_printf(&events, "%s{'t':%d,'type':'view','text':'%s %d'}", k ? "," : "", k,
                   words[(i + k) % 5], i);
    out = js("{'id':'%d','site':{'search':'%s %d'},'rank':{'top_n':9,'behaviour':[%s]}}", i,
             words[i % 5], i, buf_str(&events));
    buf_release(&events);
    return out;
}

/* Alone, and then with all others at once, again and again. */
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

/* Some batches held more than one request, or nothing was shown. */
static void check_batched(struct driver *d)
{
    double batches = driver_metric(d, "adrank_batch_requests_count");
    double requests = driver_metric(d, "adrank_batch_requests_sum");

    CHECK_INT(requests, REQUESTS * 6);
    CHECK(batches < requests);
}

CONTRACT_TEST(score, same_in_any_batch)
{
    struct driver d AT_END(driver_end);

    driver_start(&d, &(struct driver_args){.backend = "paced",
                                           .sets = {"batch.max_tokens=1024"},
                                           .env = {"ADRANK_PACED_FIXED_US=2000"}});
    check_same_scores(&d);
    check_batched(&d);
}

CONTRACT_TEST(score, same_in_any_batch_cpu)
{
    struct driver d AT_END(driver_end);

    driver_start(&d, &(struct driver_args){.backend = "cpu",
                                           .sets = {"batch.max_tokens=1024", "model.threads=2"}});
    check_same_scores(&d);
    check_batched(&d);
}

/* ---- headers --------------------------------------------------------------------------------- */

/* A line of the head without its end, or NULL. */
static const char *header(const struct driver_response *r, const char *name)
{
    const char *at = strstr(r->head, js("\r\n%s: ", name));

    if (!at)
        return NULL;
    at += strlen(name) + 4;
    return js("%.*s", (int)strcspn(at, "\r"), at);
}

static struct driver_response *rank_with(const char *headers)
{
    return driver_raw(shared()->address, client_post(js("{'rank':{'candidates':[]}}"), headers));
}

CONTRACT_TEST(header, request_id)
{
    static const char *const sane[] = {"abc-123", "0af7651916cd43dd8448eb211c80319c",
                                       "a.b_c:d/e+f=", "x"};
    static const char *const insane[] = {"", "a b", "a<b>", "a\"b", "caf\xc3\xa9", "a;b"};
    const char *before = NULL;

    for (int i = 0; i < COUNT(sane); i++) {
        test_row("sane \"%s\"", sane[i]);
        CHECK_STR(header(rank_with(js("X-Request-Id: %s\r\n", sane[i])), "X-Request-Id"), sane[i]);
    }
    for (int i = 0; i < COUNT(insane); i++) {
        const char *made;

        test_row("insane \"%s\"", insane[i]);
        made = header(rank_with(js("X-Request-Id: %s\r\n", insane[i])), "X-Request-Id");
        CHECK(made && made[0] && strcmp(made, insane[i]) != 0);
        CHECK(!before || strcmp(made, before) != 0);
        before = made;
    }
    test_row("too long");
    CHECK(strlen(header(rank_with(js("X-Request-Id: %0300d\r\n", 1)), "X-Request-Id")) < 200);
    test_row("none");
    CHECK(header(rank_with(""), "X-Request-Id"));
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
    const char *at = header(r, "Server-Timing");
    const json_t *answer = contract_answer(r->body);

    CHECK(at);
    for (int i = 0; i < COUNT(stages); i++) {
        const char *stage = js("%s;dur=", stages[i]);

        test_row("%s in \"%s\"", stages[i], at);
        CHECK(strncmp(at, stage, strlen(stage)) == 0);
        CHECK_NEAR(strtod(at + strlen(stage), NULL), answer_timing(answer, stages[i]) / 1e3, 1e-9);
        at += strcspn(at, ",");
        at += strspn(at, ", ");
    }
    CHECK_STR(at, "");
}

CONTRACT_TEST(header, cache_control)
{
    CHECK_STR(header(rank_with(""), "Cache-Control"), "no-store");
    CHECK_STR(header(rank_with(""), "Content-Type"), "application/json");
    test_row("of an error");
    CHECK_STR(header(driver_raw(shared()->address, client_post("x", "")), "Cache-Control"),
              "no-store");
    test_row("of a path that is not there");
    CHECK_STR(header(driver_raw(shared()->address, VIEW_LIT("GET /x HTTP/1.1\r\nHost: a\r\n\r\n")),
                     "Cache-Control"),
              "no-store");
}

CONTRACT_TEST(header, keep_alive)
{
    static const struct {
        const char *request;
        bool closed;
    } rows[] = {
        {"POST /rank HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}", false},
        {"POST /rank HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}",
         false},
        {"POST /rank HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\nContent-Length: 2\r\n\r\n{}",
         true},
        {"POST /rank HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}", true},
        {"POST /rank HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}", false},
    };
    struct http_client client;

    for (int i = 0; i < COUNT(rows); i++) {
        test_row("%s", rows[i].request);
        contract_expect(shared(), view_of(rows[i].request),
                        &(struct contract_want){.status = 200, .closed = rows[i].closed});
    }
    test_row("again and again");
    client_open(&client, shared()->address);
    for (int i = 0; i < 100; i++)
        contract_good_on(&client);
    contract_end(shared(), &client, false);
}

/* Answers in the order of the requests, whatever each of them takes; a refused one among them ends
 * it. */
CONTRACT_TEST(header, pipelining)
{
    struct http_client client;
    struct buf all = BUF_INIT;

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
    test_row("nothing behind a refused one is served");
    buf_clear(&all);
    buf_add_view(&all, client_post(numbered(1), ""));
    buf_add_str(&all, "POST /rank HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}");
    buf_add_view(&all, client_post(numbered(2), ""));
    client_open(&client, shared()->address);
    client_send(&client, buf_view(&all));
    contract_receive(&client, CONTRACT_OK);
    contract_receive(&client, CONTRACT_CLOSES(400, "bad_host"));
    contract_end(shared(), &client, true);
    buf_release(&all);
}

CONTRACT_DAEMON_ENDS(answer)
