/* CONTRACT 3, the request: id, tmax, imp and rank.unique. */
#include <unistd.h>

#include "base/file.h"
#include "tests/e2e/contract.h"

/* Two ads in a context of these members (", 'x':..."). */
static json_t *in_context(const char *members)
{
    return contract_rank(shared(), "{'rank':{'candidates':[{'adid':'a1'},{'adid':'a3'}]}%s}",
                         members);
}

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

/* The device hangs, so the answer comes when the time is up: no earlier than `least_ms`, and long
 * before `never_ms`, which is what another budget would be. */
static void check_budget(const char *const *sets, const char *tmax, int least_ms, int never_ms)
{
    struct driver_args args = {.backend = "failing"};
    struct driver d AT_END(driver_end);
    json_t *answer;

    for (int i = 0; sets[i]; i++)
        args.sets[i] = sets[i];
    driver_start(&d, &args);
    driver_write(&d, "device", "hang");
    answer = contract_rank(&d, "{%s'rank':{'candidates':[{'adid':'a1'}]}}", tmax);
    CHECK_STR(answer_degraded(answer), "deadline");
    CHECK(answer_timing(answer, "total") >= least_ms * 1000);
    CHECK(answer_timing(answer, "total") < never_ms * 1000);
    driver_write(&d, "device", "");
}

#define SETS(...) ((const char *const[]){__VA_ARGS__, "deadline.encode_reserve_us=0", NULL})

CONTRACT_TEST(tmax, absent)
{
    check_budget(SETS("deadline.default_ms=300", "deadline.network_ms=200"), "", 300, 20000);
}

CONTRACT_TEST(tmax, zero)
{
    check_budget(SETS("deadline.default_ms=300", "deadline.network_ms=200"), "'tmax':0,", 300,
                 20000);
}

CONTRACT_TEST(tmax, clamped)
{
    check_budget(SETS("deadline.default_ms=100", "deadline.max_ms=300", "deadline.network_ms=0"),
                 "'tmax':60000,", 300, 60000);
    test_row("by the largest of all");
    check_budget(SETS("deadline.default_ms=100", "deadline.max_ms=300", "deadline.network_ms=0"),
                 "'tmax':2147483647,", 300, 60000);
}

CONTRACT_TEST(tmax, less_network)
{
    check_budget(SETS("deadline.max_ms=60000", "deadline.network_ms=30000"), "'tmax':30300,", 300,
                 30300);
    test_row("from the clamped budget");
    check_budget(SETS("deadline.max_ms=30300", "deadline.network_ms=30000"), "'tmax':60000,", 300,
                 30300);
}

/* What the client takes to send it is part of the whole. */
CONTRACT_TEST(tmax, from_the_first_byte)
{
    const char *body = js("{'tmax':600,'rank':{'candidates':[{'adid':'a1'}]}}");
    struct view whole = client_post(body, "");
    size_t head = whole.len - strlen(body);
    struct http_client client;
    struct driver d AT_END(driver_end);
    json_t *answer;

    driver_start(&d, &(struct driver_args){.backend = "null", .sets = {"deadline.network_ms=0"}});
    for (int late = 0; late < 2; late++) {
        test_row(late ? "the body 700 ms behind the head" : "at once");
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

CONTRACT_TEST(imp, id_twice)
{
    CHECK_STR(contract_refused_at(shared(), "{'imp':[{'id':'a'},{'id':'b'},{'id':'a'}]}"),
              "/imp/2/id");
}

CONTRACT_TEST(imp, tagid)
{
    json_t *all =
        contract_rank(shared(), "{'imp':[{'id':'1','tagid':'home-top'},{'id':'2','tagid':'footer'},"
                                "{'id':'3','tagid':'home-top'},{'id':'4'}],"
                                "'rank':{'candidates':[{'adid':'a1'},{'adid':'a3'}]}}");

    CHECK_NEAR(answer_pctr(all, "1", "a1"), answer_pctr(all, "3", "a1"), 0);
    CHECK(answer_pctr(all, "1", "a1") != answer_pctr(all, "2", "a1"));
    CHECK(answer_pctr(all, "1", "a1") != answer_pctr(all, "4", "a1"));
    /* Each as if it had come alone. */
    CHECK_NEAR(answer_pctr(in_context(",'imp':[{'id':'1','tagid':'footer'}]"), "1", "a3"),
               answer_pctr(all, "2", "a3"), 0);
    CHECK_NEAR(answer_pctr(in_context(""), "1", "a3"), answer_pctr(all, "4", "a3"), 0);
}

/* ecpm >= bidfloor, unrounded: a CPM that equals it passes, one in the last place below does not.
 */
CONTRACT_TEST(imp, bidfloor)
{
    static const struct {
        const char *floor;
        int filtered;
    } rows[] = {{"1.2", 0}, {"1.20000000000000001", 0}, {"1.2000000000000002", 1}, {"1.1999", 0}};
    json_t *answer;

    for (int i = 0; i < COUNT(rows); i++) {
        test_row("floor %s", rows[i].floor);
        answer = contract_rank(shared(),
                               "{'imp':[{'id':'1','bidfloor':%s}],"
                               "'rank':{'candidates':[{'adid':'a1','bid':1.2}]}}",
                               rows[i].floor);
        CHECK_INT(answer_filtered(answer, "floor"), rows[i].filtered);
        CHECK_STR(answer_ads(answer, "1"), rows[i].filtered ? "" : "a1");
    }
    test_row("each imp has its own");
    answer = contract_rank(shared(), "{'imp':[{'id':'1','bidfloor':0.85},{'id':'2'}],'rank':"
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
    struct buf imps = BUF_INIT;
    const json_t *answer;

    for (int i = 0; i < 16; i++)
        buf_printf(&imps, "%s{'id':'%d'}", i ? "," : "", i);
    CHECK_STR(answer_ads(in_context(js(",'imp':[%s]", buf_str(&imps))), "15"), "a1 a3");
    CHECK_INT(ignored("imps"), 0);
    test_row("the first ones are answered");
    answer = in_context(js(",'imp':[%s,{'id':'16'},{'id':'17'},{}]", buf_str(&imps)));
    CHECK_STR(answer_ads(answer, "0"), "a1 a3");
    CHECK_STR(answer_ads(answer, "15"), "a1 a3");
    CHECK_STR(answer_ads(answer, "16"), "");
    CHECK_INT(json_array_size(json_object_get(answer, "results")), 32);
    CHECK_STR(answer_degraded(answer), "");
    CHECK_INT(ignored("imps"), 3);
    buf_release(&imps);
}

/* ---- rank.unique ----------------------------------------------------------------------------- */

/* CPC bids, so that an ad is worth something else in each context. */
static const char two_imps[] =
    "{'imp':[{'id':'1','tagid':'trail'},{'id':'2','tagid':'garden'}],'rank':{'top_n':%d,"
    "'candidates':[{'adid':'a1','bid':0.01,'bid_type':'cpc'},"
    "{'adid':'a3','bid':0.011,'bid_type':'cpc'},{'adid':'a4','bid':0.012,'bid_type':'cpc'},"
    "{'adid':'a5','bid':0.013,'bid_type':'cpc'},{'adid':'a6','bid':0.5}]}}";

CONTRACT_TEST(unique, imp)
{
    json_t *answer = contract_rank(shared(), two_imps, 50);

    CHECK_INT(json_array_size(json_object_get(answer, "results")), 10);
    answer = contract_rank(shared(), two_imps, 3);
    CHECK_INT(json_array_size(json_object_get(answer, "results")), 6);
}

#define ADS 5

/* Best of the pairs that are left, again and again, in the plainest way; "1:a3 2:a5". */
static const char *greedy(const json_t *all, int top_n)
{
    static const char *const ads[ADS] = {"a1", "a3", "a4", "a5", "a6"};
    static char out[256];
    bool taken[ADS] = {false};
    char lists[2][128] = {"", ""};

    for (int places[2] = {0, 0};;) {
        int imp = -1, ad = -1;
        double best = -1;

        for (int i = 0; i < 2; i++)
            for (int k = 0; k < ADS; k++) {
                double ecpm = answer_ecpm(all, i ? "2" : "1", ads[k]);

                if (places[i] == top_n || taken[k] || ecpm <= best)
                    continue;
                best = ecpm;
                imp = i;
                ad = k;
            }
        if (imp < 0)
            break;
        taken[ad] = true;
        places[imp]++;
        sprintf(lists[imp] + strlen(lists[imp]), " %d:%s", imp + 1, ads[ad]);
    }
    snprintf(out, sizeof(out), "%s%s", lists[0], lists[1]);
    return out;
}

static const char *pairs_of(const json_t *answer)
{
    static struct buf out;
    const json_t *result;
    size_t i;

    buf_clear(&out);
    json_array_foreach(json_object_get(answer, "results"), i, result)
    {
        buf_printf(&out, " %s:%s", json_string_value(json_object_get(result, "impid")),
                   json_string_value(json_object_get(result, "adid")));
    }
    return buf_str(&out);
}

CONTRACT_TEST(unique, request)
{
    struct driver d AT_END(driver_end);
    json_t *answer;

    driver_start(&d, &(struct driver_args){.backend = "null", .sets = {"rank.unique=request"}});
    for (int top_n = 1; top_n <= 4; top_n++) {
        test_row("top_n %d", top_n);
        CHECK_STR(pairs_of(contract_rank(&d, two_imps, top_n)),
                  greedy(contract_rank(shared(), two_imps, 50), top_n));
    }
    test_row("equal worth: imp order, then adid");
    answer =
        contract_rank(&d, "{'imp':[{'id':'z'},{'id':'y'}],'rank':{'top_n':2,'candidates':"
                          "[{'adid':'d','bid':1,'text':'t'},{'adid':'c','bid':1,'text':'t'},"
                          "{'adid':'b','bid':1,'text':'t'},{'adid':'a','bid':1,'text':'t'}]}}");
    CHECK_STR(pairs_of(answer), " z:a z:b y:c y:d");
    contract_good(&d);
}

/* ---- bounds ---------------------------------------------------------------------------------- */

/* n objects of ids that are 256 bytes long. */
static const char *long_ids(const char *name, int n, const char *more)
{
    struct buf list = BUF_INIT;
    const char *out;

    for (int i = 0; i < n; i++)
        buf_printf(&list, "%s{'%s':'%0256d'%s}", i ? "," : "", name, i, more);
    out = js("%s", buf_str(&list));
    buf_release(&list);
    return out;
}

/* With every option at its largest: what one request makes of 256 KiB. */
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
    struct driver d AT_END(driver_end);

    driver_start(
        &d, &(struct driver_args){.backend = "null",
                                  .sets = {"rank.max_imps=256", "rank.max_top_n=1000",
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
        CHECK_INT(json_array_size(json_object_get(contract_answer(answer), "results")),
                  rows[i].imps * rows[i].candidates);
    }
}

CONTRACT_DAEMON_ENDS(request)
