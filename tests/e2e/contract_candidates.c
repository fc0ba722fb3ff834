/* CONTRACT 3, the request: candidates, behaviour sent in the request, top_n. contract_history.c
 * covers stored behaviour. */
#include "tests/e2e/contract.h"

/* ---- candidates ------------------------------------------------------------------------------ */

CONTRACT_TEST(candidates, with_text)
{
    json_t *answer =
        contract_rank(shared(), "{'rank':{'top_n':9,'candidates':[{'adid':'a1','text':'yoga mat'},"
                                "{'adid':'new','text':'yoga mat','bid':0.65},{'adid':'a5'},"
                                "{'adid':'other','text':'phone case','bid':0.1}]}}");

    CHECK_STR(answer_ads(answer, "1"), "a1 a5 new other");
    CHECK_NEAR(answer_pctr(answer, "1", "a1"), answer_pctr(answer, "1", "new"), 0);
    CHECK_NEAR(answer_pctr(answer, "1", "a5"), answer_pctr(answer, "1", "new"), 0);
    CHECK(answer_pctr(answer, "1", "other") != answer_pctr(answer, "1", "new"));
    test_row("text replaces title and description");
    CHECK(answer_pctr(answer, "1", "a1") != answer_pctr(in_context(""), "1", "a1"));
}

/* tests/unit/market/candidates.c covers which bid and type win. */
CONTRACT_TEST(candidates, bid)
{
    json_t *answer = contract_rank(
        shared(), "{'rank':{'top_n':9,'candidates':[{'adid':'a1'},{'adid':'a2','bid':0.3},"
                  "{'adid':'x','text':'mat','bid':1.25},{'adid':'a4','bid':0.02,"
                  "'bid_type':'cpm'},{'adid':'a3','bid':1.5,'bid_type':'cpm'}]}}");

    CHECK_NEAR(answer_ecpm(answer, "1", "a1"), 1.0, 0);
    CHECK_NEAR(answer_ecpm(answer, "1", "a2"), 1000 * answer_pctr(answer, "1", "a2") * 0.3, 1e-5);
    CHECK_NEAR(answer_ecpm(answer, "1", "x"), 1.25, 0);
    CHECK_NEAR(answer_ecpm(answer, "1", "a4"), 0.02, 0);
    CHECK_NEAR(answer_ecpm(answer, "1", "a3"), 1.5, 0);
}

static const char *many(int n)
{
    return js("{'rank':{'top_n':2,'candidates':[%s]}}",
              js_list(n, "{'adid':'c#','bid':#,'text':'mat'}"));
}

CONTRACT_TEST(candidates, too_many)
{
    CHECK_STR(answer_ads(contract_rank(shared(), "%s", many(200)), "1"), "c199 c198");
    CHECK_STR(contract_refused_at(shared(), many(201)), "/rank/candidates");
}

CONTRACT_TEST(candidates, absent)
{
    json_t *answer = contract_rank(shared(), "{'rank':{'top_n':50}}");

    CHECK_INT(answer_size(answer), 7); /* a1 to a7 */
    CHECK(answer_pctr(answer, "1", "a2") > 0);
    CHECK_INT(answer_filtered(answer, "no_cvr"), 1); /* a8 */
    CHECK_INT(answer_filtered(answer, "inactive"), 0);
    CHECK_STR(answer_degraded(answer), "");
    test_row("an empty list is a list");
    CHECK_STR(answer_ads(contract_rank(shared(), "{'rank':{'candidates':[]}}"), "1"), "");
}

/* ---- behaviour ------------------------------------------------------------------------------- */

static json_t *behaved(const char *events)
{
    return contract_rank(
        shared(), "{'rank':{'behaviour':[%s],'candidates':[{'adid':'a1'},{'adid':'a3'}]}}", events);
}

CONTRACT_TEST(behaviour, fields)
{
    static const char *const types[] = {"view", "click", "cart", "buy", "search"};
    json_t *seen[COUNT(types)];

    for (int i = 0; i < COUNT(types); i++) {
        test_row("%s", types[i]);
        seen[i] = behaved(js("{'t':1,'type':'%s','text':'mat'}", types[i]));
        CHECK(!answer_same_scores(seen[i], in_context("")));
        for (int k = 0; k < i; k++)
            CHECK(!answer_same_scores(seen[i], seen[k]));
    }
    test_row("text");
    CHECK(!answer_same_scores(seen[0], behaved("{'t':1,'type':'view','text':'hose'}")));
    test_row("events are ordered by t");
    CHECK(answer_same_scores(
        behaved("{'t':1,'type':'view','text':'mat'},{'t':2,'type':'view','text':'hose'}"),
        behaved("{'t':2,'type':'view','text':'hose'},{'t':1,'type':'view','text':'mat'}")));
}

/* tests/unit/impression/behaviour.c covers which events are duplicates. */
CONTRACT_TEST(behaviour, same_event)
{
    json_t *once = behaved("{'t':1,'type':'view','item':'i5','text':'mat'}");

    CHECK(answer_same_scores(once, behaved("{'t':1,'type':'view','item':'i5','text':'mat'},"
                                           "{'t':1,'type':'view','item':'i5','text':'hose'}")));
    CHECK(!answer_same_scores(once, behaved("{'t':1,'type':'view','item':'i5','text':'mat'},"
                                            "{'t':1,'type':'view','item':'i6','text':'mat'}")));
}

CONTRACT_TEST(behaviour, catalog_text)
{
    CHECK(answer_same_scores(behaved("{'t':1,'type':'view','item':'i5'}"),
                             behaved("{'t':1,'type':'view','text':'yoga mat'}")));
    CHECK(answer_same_scores(behaved("{'t':1,'type':'view','item':'i5','text':'hose'}"),
                             behaved("{'t':1,'type':'view','text':'hose'}")));
    test_row("an unknown item");
    CHECK(answer_same_scores(behaved("{'t':1,'type':'view','item':'nothing'}"), in_context("")));
}

/* ---- top_n, and unknown members -------------------------------------------------------------- */

CONTRACT_TEST(top_n, given)
{
    for (int n = 1; n <= 7; n++) {
        json_t *answer =
            contract_rank(shared(), "{'imp':[{'id':'1'},{'id':'2'}],'rank':{'top_n':%d}}", n);

        test_row("top_n %d", n);
        CHECK_INT(answer_size(answer), 2 * n);
    }
}

CONTRACT_TEST(top_n, configured)
{
    struct driver d;

    CHECK_INT(answer_size(contract_rank(shared(), "{}")), 3);
    driver_start(&d, &(struct driver_args){.sets = {"rank.top_n=5", "rank.max_top_n=6"}});
    CHECK_INT(answer_size(contract_rank(&d, "{}")), 5);
    CHECK_INT(answer_size(contract_rank(&d, "{'rank':{'top_n':1}}")), 1);
    contract_rank(&d, "{'rank':{'top_n':6}}");
    CHECK_STR(contract_refused_at(&d, "{'rank':{'top_n':7}}"), "/rank/top_n");
}

CONTRACT_TEST(ignored, fields)
{
    struct driver d;

    driver_start(&d, &(struct driver_args){.sets = {"log.sample=1"}});
    contract_rank(&d, "{'at':1,'test':0,'user':{'yob':1980},'imp':[{'id':'1','banner':{'w':300}}],"
                      "'rank':{'explain':true,'objective':'ctr','debug':1}}");
    driver_wait_log(&d, "unknown_fields=7");
    contract_good(&d);
}

CONTRACT_DAEMON_ENDS(candidates)
