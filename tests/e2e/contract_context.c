/* CONTRACT 3, the request: where the ad is shown, on which device, and what is blocked. */
#include "tests/e2e/contract.h"

/* ---- context --------------------------------------------------------------------------------- */

/* The model reads each of the contexts: all of them score differently. */
static void check_all_differ(const char *const *contexts, int n)
{
    for (int i = 0; i < n; i++)
        for (int k = 0; k < i; k++) {
            test_row("%s against %s", contexts[i], contexts[k]);
            CHECK(!answer_same_scores(in_context(contexts[i]), in_context(contexts[k])));
        }
}

CONTRACT_TEST(place, fields)
{
    static const char *const contexts[] = {
        "",
        ",'site':{'domain':'shop.example'}",
        ",'site':{'domain':'tea.example'}",
        ",'site':{'cat':['IAB22']}",
        ",'site':{'cat':['IAB22','IAB1']}",
        ",'site':{'search':'trail shoes'}",
        ",'app':{'bundle':'org.example.app'}",
        ",'app':{'keywords':'yoga, mat'}",
    };

    check_all_differ(contexts, COUNT(contexts));
}

CONTRACT_TEST(place, site_and_app)
{
    static const char *const alike[][2] = {
        {",'site':{'domain':'d'}", ",'app':{'domain':'d'}"},
        {",'site':{'domain':'d'}", ",'app':{'bundle':'d'}"},
        {",'site':{'bundle':'d'}", ",'app':{'bundle':'d'}"},
        {",'site':{'domain':'d'}", ",'app':{'domain':'d','bundle':'e'}"},
        {",'site':{'cat':['IAB1','IAB2']}", ",'app':{'cat':['IAB1','IAB2']}"},
        {",'site':{'search':'s'}", ",'app':{'search':'s'}"},
        {",'site':{'search':'s'}", ",'app':{'keywords':'s'}"},
        {",'site':{'search':'s'}", ",'site':{'search':'s','keywords':'k'}"},
    };

    for (int i = 0; i < COUNT(alike); i++) {
        test_row("%s like %s", alike[i][0], alike[i][1]);
        CHECK(answer_same_scores(in_context(alike[i][0]), in_context(alike[i][1])));
        CHECK(!answer_same_scores(in_context(alike[i][0]), in_context("")));
    }
}

CONTRACT_TEST(place, app_wins)
{
    double before = contract_metric(shared(), "request_ignored_total", "what", "site");
    json_t *answer = in_context(",'site':{'domain':'d','search':'s'},'app':{'bundle':'b'}");

    CHECK(answer_same_scores(answer, in_context(",'app':{'bundle':'b'}")));
    CHECK_STR(answer_degraded(answer), "");
    CHECK(answer_same_scores(in_context(",'site':{'domain':'d'},'app':null"),
                             in_context(",'site':{'domain':'d'}")));
    CHECK_INT(contract_metric(shared(), "request_ignored_total", "what", "site") - before, 1);
}

CONTRACT_TEST(device, fields)
{
    static const char *const contexts[] = {
        "",
        ",'device':{'devicetype':4}",
        ",'device':{'devicetype':5}",
        ",'device':{'os':'android'}",
        ",'device':{'language':'en'}",
        ",'device':{'geo':{'country':'DEU'}}",
        ",'device':{'geo':{'city':'BER'}}",
        ",'device':{'geo':{'utcoffset':60}}",
    };

    check_all_differ(contexts, COUNT(contexts));
}

/* ---- blocks and currencies ------------------------------------------------------------------- */

/* a1: shop.example, IAB17; a2: www.tea.example, IAB8-5; a3: neither. */
static void check_block(const char *member, const char *ads)
{
    json_t *answer = contract_rank(
        shared(),
        "{%s,'rank':{'candidates':[{'adid':'a1'},{'adid':'a2','bid':0.95,'bid_type':'cpm'},"
        "{'adid':'a3'}]}}",
        member);
    int n = 1 + (ads[0] != '\0');

    test_row("%s", member);
    for (const char *c = ads; *c; c++)
        n += *c == ' ';
    CHECK_STR(answer_ads(answer, "1"), ads);
    CHECK_INT(answer_filtered(answer, "blocked"), ads[0] ? 4 - n : 3);
}

/* tests/unit/market/blocks.c and tests/unit/impression/domain.c cover which names match. */
CONTRACT_TEST(blocks, badv)
{
    check_block("'badv':[]", "a1 a2 a3");
    check_block("'badv':['HTTP://SHOP.Example/']", "a2 a3");
    check_block("'badv':['hop.example','more.www.tea.example']", "a1 a2 a3");
    check_block("'badv':['shop.example','tea.example']", "a3");
}

/* Both sides are compared as domains; the answer repeats them as written. */
CONTRACT_TEST(blocks, spelling)
{
    struct driver d;

    driver_start(&d, &(struct driver_args){.catalog = js("{'adid':'a','title':'t','bid':1,"
                                                         "'adomain':['HTTP://Shop1.EXAMPLE/']}\n"
                                                         "{'adid':'b','title':'t','bid':1,"
                                                         "'adomain':['b\xc3\xbc"
                                                         "cher.example']}\n")});
    CHECK_STR(answer_ads(contract_rank(&d, "{'badv':['www.shop1.example.']}"), "1"), "b");
    CHECK_STR(answer_ads(contract_rank(&d, "{'badv':['xn--Bcher-kva.example']}"), "1"), "a");
    CHECK(strstr(driver_rank(&d, "{}")->body, "\"adomain\":[\"HTTP://Shop1.EXAMPLE/\"]"));
}

CONTRACT_TEST(blocks, bcat)
{
    check_block("'bcat':['IAB1']", "a1 a2 a3");
    check_block("'bcat':['IAB8']", "a1 a3");
    check_block("'bcat':['iab8-5',' IAB17\\n']", "a3");
}

CONTRACT_TEST(blocks, cur)
{
    static const char *const taken[] = {"", ",'cur':[]", ",'cur':['USD']", ",'cur':['EUR','usd']"};
    struct driver d;

    for (int i = 0; i < COUNT(taken); i++) {
        json_t *answer = in_context(taken[i]);

        test_row("\"%s\"", taken[i]);
        CHECK_STR(answer_ads(answer, "1"), "a1 a3");
        CHECK_STR(json_string_value(json_object_get(answer, "cur")), "USD");
    }
    test_row("another one filters");
    CHECK_INT(
        answer_filtered(contract_rank(shared(), "{'cur':['EUR'],'imp':[{'id':'1'},{'id':'2'}],"
                                                "'rank':{'candidates':[{'adid':'a1'}]}}"),
                        "currency"),
        2);
    test_row("rank.currency");
    driver_start(&d, &(struct driver_args){.sets = {"rank.currency=EUR"}});
    CHECK_STR(
        json_string_value(json_object_get(
            contract_rank(&d, "{'cur':['EUR'],'rank':{'candidates':[{'adid':'a1'}]}}"), "cur")),
        "EUR");
    CHECK_STR(
        answer_ads(contract_rank(&d, "{'cur':['USD'],'rank':{'candidates':[{'adid':'a1'}]}}"), "1"),
        "");
}

CONTRACT_DAEMON_ENDS(context)
