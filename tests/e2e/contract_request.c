/* CONTRACT 3, the request: id, tmax, imp, rank.unique, bounds, and lenient parsing. */
#include "tests/e2e/contract.h"

/* ---- id -------------------------------------------------------------------------------------- */

static const char *id_of(const json_t *answer)
{
    return json_string_value(json_object_get(answer, "id"));
}

CONTRACT_TEST(id, echoed)
{
    CHECK_STR(id_of(contract_rank(shared(), "{'id':'r-1'}")), "r-1");
    CHECK_STR(id_of(contract_rank(shared(), "{'id':'\\u8dd1 \\\\ \\n /'}")),
              "\xe8\xb7\x91 \\ \n /");
    CHECK_STR(id_of(contract_rank(shared(), "{'id':42}")), "42");
    CHECK_STR(id_of(contract_rank(shared(), "{'id':42.0}")), "42");
    CHECK_STR(id_of(contract_rank(shared(), "{'id':18446744073709551616}")),
              "18446744073709551616");
}

CONTRACT_TEST(id, made_up)
{
    const json_t *a = contract_rank(shared(), "{}"), *b = contract_rank(shared(), "{'id':''}");

    CHECK(id_of(a)[0] && id_of(b)[0]);
    CHECK(strcmp(id_of(a), id_of(b)) != 0);
}

/* ---- tmax ------------------------------------------------------------------------------------ */

/* The device hangs, so the answer comes when the 300 ms are up: not earlier, and long before
 * `never_ms`, as any other budget would give. */
CONTRACT_TEST(tmax, budgets)
{
    static const struct {
        const char *name, *sets[3], *tmax;
        int never_ms;
    } rows[] = {
        {"absent", {"deadline.default_ms=300", "deadline.network_ms=200"}, "", 20000},
        {"zero", {"deadline.default_ms=300", "deadline.network_ms=200"}, "'tmax':0,", 20000},
        {"clamped",
         {"deadline.default_ms=100", "deadline.max_ms=300", "deadline.network_ms=0"},
         "'tmax':2147483647,",
         60000},
        {"less the network's time",
         {"deadline.max_ms=60000", "deadline.network_ms=30000"},
         "'tmax':30300,",
         30300},
        {"less it, from the clamped budget",
         {"deadline.max_ms=30300", "deadline.network_ms=30000"},
         "'tmax':60000,",
         30300},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        struct driver_args args = {.backend = "failing", .sets = {"deadline.encode_reserve_us=0"}};
        struct driver d;
        json_t *answer;

        test_row("%s", rows[i].name);
        memcpy(args.sets + 1, rows[i].sets, sizeof(rows[i].sets));
        driver_start(&d, &args);
        driver_write(&d, "device", "hang");
        answer = contract_rank(&d, "{%s'rank':{'candidates':[{'adid':'a1'}]}}", rows[i].tmax);
        CHECK_STR(answer_degraded(answer), "deadline");
        CHECK(answer_timing(answer, "total") >= 300000);
        CHECK(answer_timing(answer, "total") < rows[i].never_ms * 1000);
        driver_write(&d, "device", "");
    }
}

/* The time the client takes to send the request counts towards tmax. */
CONTRACT_TEST(tmax, from_the_first_byte)
{
    const char *body = js("{'tmax':600,'rank':{'candidates':[{'adid':'a1'}]}}");
    struct view whole = client_post(body, "");
    size_t head = whole.len - strlen(body);
    struct http_client client;
    struct driver d;
    json_t *answer;

    driver_start(&d, &(struct driver_args){.sets = {"deadline.network_ms=0"}});
    for (int late = 0; late < 2; late++) {
        test_row(late ? "the body 700 ms after the head" : "immediately");
        client_open(&client, d.address);
        client_send(&client, (struct view){whole.ptr, head});
        usleep(late ? 700000 : 0);
        client_send(&client, (struct view){whole.ptr + head, whole.len - head});
        answer = contract_answer(contract_receive(&client, CONTRACT_OK));
        CHECK_STR(answer_degraded(answer), late ? "deadline" : "");
        answer_check_source(answer, late ? "prior" : "model");
        http_client_release(&client);
    }
}

/* ---- imp ------------------------------------------------------------------------------------- */

CONTRACT_TEST(imp, tagid)
{
    json_t *all =
        contract_rank(shared(), "{'imp':[{'id':'1','tagid':'home-top'},{'id':'2','tagid':'footer'},"
                                "{'id':'3','tagid':'home-top'},{'id':'4'}],"
                                "'rank':{'candidates':[{'adid':'a1'},{'adid':'a3'}]}}");

    CHECK_NEAR(answer_pctr(all, "1", "a1"), answer_pctr(all, "3", "a1"), 0);
    CHECK(answer_pctr(all, "1", "a1") != answer_pctr(all, "2", "a1"));
    CHECK(answer_pctr(all, "1", "a1") != answer_pctr(all, "4", "a1"));
    /* Each as if it were the only one. */
    CHECK_NEAR(answer_pctr(in_context(",'imp':[{'id':'1','tagid':'footer'}]"), "1", "a3"),
               answer_pctr(all, "2", "a3"), 0);
    CHECK_NEAR(answer_pctr(in_context(""), "1", "a3"), answer_pctr(all, "4", "a3"), 0);
}

/* tests/unit/market/rank.c checks that the ecpm is not rounded first. */
CONTRACT_TEST(imp, bidfloor)
{
    json_t *answer =
        contract_rank(shared(), "{'imp':[{'id':'1','bidfloor':0.9},{'id':'2'}],'rank':"
                                "{'candidates':[{'adid':'a1'},{'adid':'a3'},{'adid':'a4'}]}}");

    CHECK_STR(answer_ads(answer, "1"), "a1 a3");
    CHECK_STR(answer_ads(answer, "2"), "a1 a3 a4");
    CHECK_INT(answer_filtered(answer, "floor"), 1);
}

CONTRACT_TEST(imp, implied)
{
    static const char *const rows[] = {"", ",'imp':[]", ",'imp':[{'id':'1'}]",
                                       ",'imp':[{'id':'1','bidfloor':0}]"};

    for (int i = 0; i < COUNT(rows); i++) {
        test_row("implied by \"%s\"", rows[i]);
        CHECK_STR(answer_ads(in_context(rows[i]), "1"), "a1 a3");
        CHECK(answer_same_scores(in_context(rows[i]), in_context("")));
    }
}

/* Counted so far. */
static int ignored(const char *what)
{
    return (int)contract_metric(shared(), "request_ignored_total", "what", what);
}

CONTRACT_TEST(imp, too_many)
{
    const char *imps = js_list(16, "{'id':'#'}");
    const json_t *answer;

    CHECK_STR(answer_ads(in_context(js(",'imp':[%s]", imps)), "15"), "a1 a3");
    CHECK_INT(ignored("imps"), 0);
    test_row("the first ones are answered");
    answer = in_context(js(",'imp':[%s,{'id':'16'},{'id':'17'},{}]", imps));
    CHECK_STR(answer_ads(answer, "0"), "a1 a3");
    CHECK_STR(answer_ads(answer, "15"), "a1 a3");
    CHECK_STR(answer_ads(answer, "16"), "");
    CHECK_INT(answer_size(answer), 32);
    CHECK_STR(answer_degraded(answer), "");
    CHECK_INT(ignored("imps"), 3);
}

/* ---- rank.unique ----------------------------------------------------------------------------- */

/* tests/unit/market/rank.c covers which pairs are chosen. Ties go in the order of imps, then of
 * adids. */
static const char two_imps[] = "{'imp':[{'id':'z'},{'id':'y'}],'rank':{'top_n':2,'candidates':"
                               "[{'adid':'d','bid':1,'text':'t'},{'adid':'c','bid':1,'text':'t'},"
                               "{'adid':'b','bid':1,'text':'t'},{'adid':'a','bid':1,'text':'t'}]}}";

static void check_two_imps(struct driver *d, const char *of_z, const char *of_y)
{
    json_t *answer = contract_rank(d, "%s", two_imps);

    CHECK_STR(answer_ads(answer, "z"), of_z);
    CHECK_STR(answer_ads(answer, "y"), of_y);
}

CONTRACT_TEST(unique, imp)
{
    check_two_imps(shared(), "a b", "a b");
}

CONTRACT_TEST(unique, request)
{
    struct driver d;

    driver_start(&d, &(struct driver_args){.sets = {"rank.unique=request"}});
    check_two_imps(&d, "a b", "c d");
}

/* ---- bounds ---------------------------------------------------------------------------------- */

/* n objects of ids that are 254 to 256 bytes long. */
static const char *long_ids(const char *name, int n, const char *more)
{
    return js_list(n, js("{'%s':'#-%0252d'%s}", name, 0, more));
}

/* With every option at its maximum: the work of one request of 256 KiB. */
CONTRACT_TEST(bounds, answer)
{
    static const struct {
        int imps, candidates, top_n;
        const char *refused;
    } rows[] = {
        {5, 200, 1000, NULL},
        {250, 4, 4, NULL},
        {256, 3, 1000, NULL},
        {5, 201, 1000, "/rank/top_n"},
        {251, 4, 1000, "/rank/top_n"},
        {256, 0, 1000, "/rank/top_n"},
        {256, 257, 1, "/rank/candidates"},
    };
    struct driver d;

    driver_start(
        &d, &(struct driver_args){.sets = {"rank.max_imps=256", "rank.max_top_n=1000",
                                           "rank.max_candidates=4096", "deadline.default_ms=60000",
                                           "deadline.max_ms=60000"}});
    for (int i = 0; i < COUNT(rows); i++) {
        const char *imps = long_ids("id", rows[i].imps, "");
        const char *ads = long_ids("adid", rows[i].candidates, ",'text':'mat','bid':1");
        const char *body =
            rows[i].candidates
                ? js("{'imp':[%s],'rank':{'top_n':%d,'candidates':[%s]}}", imps, rows[i].top_n, ads)
                : js("{'imp':[%s],'rank':{'top_n':%d}}", imps, rows[i].top_n);
        const char *answer;

        test_row("%d imps, %d candidates, top_n %d", rows[i].imps, rows[i].candidates,
                 rows[i].top_n);
        if (rows[i].refused) {
            CHECK_STR(contract_refused_at(&d, body), rows[i].refused);
            continue;
        }
        answer = contract_expect(&d, client_post(body, ""), CONTRACT_OK);
        CHECK(strlen(answer) < 1 << 20);
        CHECK(strlen(answer) > (size_t)rows[i].imps * (size_t)rows[i].candidates * 512);
        CHECK_INT(answer_size(contract_answer(answer)), rows[i].imps * rows[i].candidates);
    }
}

/* ---- other spellings ------------------------------------------------------------------------- */

/* Both columns get the same answer; tests/unit/impression/decode_lenient.c covers the rest. */
CONTRACT_TEST(lenient, requests)
{
    static const char *const rows[][2] = {
        {"'user':null,'device':null,'site':null,'app':null,'regs':null", ""},
        {"'imp':[{'id':'1','bidfloor':null,'bidfloorcur':null,'tagid':null},null]", ""},
        {"'device':{'devicetype':4.0,'geo':{'utcoffset':6e1}},'tmax':4000.0",
         "'device':{'devicetype':4,'geo':{'utcoffset':60}},'tmax':4000"},
        {"'imp':[{'id':1,'tagid':7}]", "'imp':[{'id':'1','tagid':'7'}]"},
        {"'site':{'cat':'IAB3'}", "'site':{'cat':['IAB3']}"},
        {"'x':123456789012345678901234567890,'y':[1e999],'z':{'\\u0000':-1e-999}", ""},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        static const char rank[] = "'rank':{'candidates':[{'adid':'a1'},{'adid':'a3'}]}";
        json_t *left, *right;

        test_row("%s", rows[i][0]);
        left = contract_rank(shared(), "{%s,%s}", rows[i][0], rank);
        right = contract_rank(shared(), "{%s%s%s}", rows[i][1], rows[i][1][0] ? "," : "", rank);
        CHECK_STR(answer_degraded(left), "");
        CHECK_STR(answer_ads(left, "1"), "a1 a3");
        CHECK(answer_same_scores(left, right));
    }
}

CONTRACT_DAEMON_ENDS(request)
