/* CONTRACT 3, the request: signals that forbid the use of a person's history, in every place and
 * spelling. The history is stored in a real Redis, whose counter of key lookups must not move for
 * such a request. */
#include "base/file.h"
#include "tests/e2e/contract.h"
#include "tests/redis.h"

static struct redis redis;
static struct driver daemon_;
static json_t *stored, *blank; /* the answers with and without u1's history */

static double keys_looked_up(void)
{
    const char *info = redis_say(&redis, "INFO stats");

    return atof(strstr(info, "keyspace_hits:") + strlen("keyspace_hits:")) +
           atof(strstr(info, "keyspace_misses:") + strlen("keyspace_misses:"));
}

#define USER "'user':{'id':'u1'}"
/* Sent in addition to the stored history: it may not be used either. */
#define SENT                                                                                       \
    "'rank':{'behaviour':[{'t':3000,'type':'click','text':'electric kettle'}],"                    \
    "'candidates':[{'adid':'a1'},{'adid':'a3'}]}"
#define NOTHING_SENT "'rank':{'candidates':[{'adid':'a1'},{'adid':'a3'}]}"

static json_t *rank_with(const char *members, const char *rank, const char *headers)
{
    struct view bytes = client_post(js("{%s,%s}", members, rank), headers);
    struct http_client client;
    json_t *answer;

    client_open(&client, daemon_.address);
    client_send(&client, bytes);
    answer = contract_answer(contract_receive(&client, CONTRACT_OK));
    http_client_release(&client);
    return answer;
}

static struct driver *mine(void)
{
    if (daemon_.pid)
        return &daemon_;
    redis_start(&redis, NULL);
    driver_start(&daemon_, &(struct driver_args){
                               .kept = true,
                               .redis = redis.url,
                               .sets = {"log.impressions=impressions", "features.timeout_ms=2000",
                                        "deadline.default_ms=4000", "deadline.max_ms=4000"}});
    driver_history(&daemon_, redis.url, "put",
                   "{'user':'u1','t':1000,'type':'view','item':'s1','text':'trail shoes'}\n"
                   "{'user':'u1','t':2000,'type':'buy','text':'yoga mat'}\n"
                   "{'user':'42','t':1000,'type':'view','item':'s1','text':'trail shoes'}\n"
                   "{'user':'42','t':2000,'type':'buy','text':'yoga mat'}\n");
    blank = json_deep_copy(rank_with("'id':'blank'", NOTHING_SENT, ""));
    WAIT_FOR_MS(20000, (stored = rank_with(USER, SENT, ""), !*answer_degraded(stored)));
    stored = json_deep_copy(stored);
    CHECK(!answer_same_scores(stored, blank));
    return &daemon_;
}

static void check_forbids(const char *members, const char *headers, const char *signal)
{
    double lookups = keys_looked_up(), counted;
    json_t *answer;

    test_row("%s %s", members, headers);
    counted = contract_metric(mine(), "request_privacy_total", "signal", signal);
    answer = rank_with(members, SENT, headers);
    CHECK_STR(answer_degraded(answer), "privacy");
    CHECK(answer_same_scores(answer, blank));
    CHECK_INT(keys_looked_up() - lookups, 0);
    CHECK_INT(contract_metric(mine(), "request_privacy_total", "signal", signal) - counted, 1);
}

static void check_allows(const char *members, const char *headers)
{
    double lookups = keys_looked_up();
    json_t *answer;

    test_row("%s %s", members, headers);
    answer = rank_with(members, SENT, headers);
    CHECK_STR(answer_degraded(answer), "");
    CHECK(answer_same_scores(answer, stored));
    CHECK_INT(keys_looked_up() - lookups, 1);
}

/* A number is the same user as the string of its digits. */
CONTRACT_TEST(user, number)
{
    mine();
    check_allows("'user':{'id':'42'}", "");
    check_allows("'user':{'id':42}", "");
    check_allows("'user':{'id':4.2e1}", "");
    check_allows("'user':{'buyeruid':42.0,'id':'nobody'}", "");
}

/* ---- flags ----------------------------------------------------------------------------------- */

static const struct {
    const char *place; /* ? stands for the value */
    const char *signal;
} flags[] = {
    {USER ",'regs':{'gdpr':?}", "gdpr"},
    {USER ",'regs':{'ext':{'gdpr':?}}", "gdpr"},
    {USER ",'regs':{'gdpr':0,'ext':{'gdpr':?}}", "gdpr"},
    {USER ",'regs':{'gdpr':?,'ext':{'gdpr':0}}", "gdpr"},
    {USER ",'regs':{'coppa':?}", "coppa"},
    {USER ",'regs':{'ext':{'coppa':?}}", "coppa"},
    {USER ",'device':{'lmt':?}", "lmt"},
    {USER ",'device':{'ext':{'lmt':?}}", "lmt"},
    {USER ",'device':{'dnt':?,'lmt':0}", "dnt"},
    {USER ",'device':{'dnt':0,'ext':{'dnt':?}}", "dnt"},
    {USER ",'regs':{'gpc':?}", "gpc"},
    {USER ",'regs':{'ext':{'gpc':?}}", "gpc"},
    {USER ",'device':{'gpc':?}", "gpc"},
    {USER ",'device':{'ext':{'gpc':?}}", "gpc"},
    {"'user':{'id':'u1','gpc':?}", "gpc"},
    {"'user':{'ext':{'gpc':?},'id':'u1'}", "gpc"},
};

static const char *in_place(const char *place, const char *value)
{
    const char *at = strrchr(place, '?');

    return js("%.*s%s%s", (int)(at - place), place, value, at + 1);
}

/* By value, whatever the JSON type. */
CONTRACT_TEST(privacy, flags)
{
    static const char *const set[] = {
        "1",     "2",    "-1",    "1.0", "1e0",   "0.5", "1e-400", "123456789012345678901234567890",
        "1e999", "true", "false", "'1'", "'yes'", "[]",  "[0]",    "{}"};
    static const char *const harmless[] = {"0", "0.0", "-0", "0e5", "null"};

    mine();
    for (int i = 0; i < COUNT(flags); i++) {
        for (int k = 0; k < COUNT(set); k++)
            if (k < 4 || (i + k) % 4 == 0) /* every value and place at least once */
                check_forbids(in_place(flags[i].place, set[k]), "", flags[i].signal);
        for (int k = 0; k < COUNT(harmless); k++)
            if (k == 0 || (i + k) % 2 == 0)
                check_allows(in_place(flags[i].place, harmless[k]), "");
    }
    test_row("\"0\" has the wrong type for a flag, but is valid for gpc");
    check_forbids(USER ",'regs':{'gdpr':'0'}", "", "gdpr");
    check_forbids(USER ",'device':{'dnt':''}", "", "dnt");
    check_allows(USER ",'regs':{'ext':{'gpc':'0'}}", "");
    check_allows(USER ",'regs':{'ext':{'gpc':''}}", "");
}

/* ---- strings --------------------------------------------------------------------------------- */

#define TCF "CQSbk4AQSbk4ANwAAAENAwCgAAAAAAAAAAYgACPAAAAA"

CONTRACT_TEST(privacy, strings)
{
    static const char *const us_set[] = {"'1YYN'", "'1YYY'", "'1NYN'", "'1yyn'",       "'1-Y-'",
                                         "'1Y-N'", "'1--N'", "'2YNN'", "'1YN'",        "'1YNNN'",
                                         "'1YXN'", "' '",    "'N'",    "'1Y\\u0000N'", "1",
                                         "true",   "[]",     "{}"};
    static const char *const us_harmless[] = {"'1---'", "'1YNN'", "'1NNN'", "'1ynn'",
                                              "'1-N-'", "''",     "null"};
    static const char *const us_places[] = {
        USER ",'regs':{'us_privacy':?}", USER ",'regs':{'ext':{'us_privacy':?}}",
        USER ",'regs':{'us_privacy':'1YNN','ext':{'us_privacy':?}}"};
    static const struct {
        const char *members, *signal;
    } rows[] = {
        {USER ",'regs':{'gpp':'DBABMA~" TCF "'}", "gpp"},
        {USER ",'regs':{'ext':{'gpp':'DBABL~BVVqAAAAAg.QA'}}", "gpp"},
        {USER ",'regs':{'gpp':' '}", "gpp"},
        {USER ",'regs':{'gpp':1}", "gpp"},
        {USER ",'regs':{'gpp':[]}", "gpp"},
        {USER ",'regs':{'gpp_sid':[7]}", "gpp_sid"},
        {USER ",'regs':{'ext':{'gpp_sid':[2,6]}}", "gpp_sid"},
        {USER ",'regs':{'gpp_sid':[-1]}", "gpp_sid"},
        {USER ",'regs':{'gpp_sid':2}", "gpp_sid"},
        {USER ",'regs':{'gpp_sid':'2'}", "gpp_sid"},
        {USER ",'regs':{'gpp':'','ext':{'gpp_sid':[8]}}", "gpp_sid"},
        {"'user':{'id':'u1','consent':'" TCF "'}", "consent"},
        {"'user':{'id':'u1','ext':{'consent':'" TCF "'}}", "consent"},
        {"'user':{'id':'u1','consent':true}", "consent"},
        {"'user':{'id':'u1','consent':'x'},'regs':{'gdpr':null}", "consent"},
        {USER ",'regs':1", "regs"},
        {USER ",'regs':'x'", "regs"},
        {USER ",'regs':[]", "regs"},
        {USER ",'regs':{'ext':7}", "regs"},
        {USER ",'regs':{'gdpr':0,'ext':['gdpr']}", "regs"},
    };
    static const char *const allowed[] = {
        USER ",'regs':null",
        USER ",'regs':{}",
        USER ",'regs':{'ext':null}",
        USER ",'regs':{'ext':{'dsa':{'dsarequired':0}}}",
        USER ",'regs':{'gpp':'','gpp_sid':[],'ext':{'gpp':'','gpp_sid':[null]}}",
        "'user':{'id':'u1','consent':''},'device':null",
        "'user':{'id':'u1','consent':null,'ext':null}",
        "'user':{'id':'u1','consent':'" TCF "','ext':{'consent':'x'}},'regs':{'gdpr':0}",
        "'user':{'id':'u1','ext':{'consent':'" TCF "'}},'regs':{'ext':{'gdpr':0}}",
        "'user':{'id':'u1','ext':[]},'device':{'ext':1e999}",
    };

    mine();
    for (int i = 0; i < COUNT(us_places); i++) {
        for (int k = 0; k < COUNT(us_set); k++)
            check_forbids(in_place(us_places[i], us_set[k]), "", "us_privacy");
        for (int k = 0; k < COUNT(us_harmless); k++)
            check_allows(in_place(us_places[i], us_harmless[k]), "");
    }
    for (int i = 0; i < COUNT(rows); i++)
        check_forbids(rows[i].members, "", rows[i].signal);
    for (int i = 0; i < COUNT(allowed); i++)
        check_allows(allowed[i], "");
}

CONTRACT_TEST(privacy, header)
{
    static const char *const set[] = {"Sec-GPC: 1\r\n",
                                      "sec-gpc: 1\r\n",
                                      "SEC-GPC:yes\r\n",
                                      "Sec-GPC: ?1\r\n",
                                      "Sec-GPC: 0\r\nSec-GPC: 1\r\n",
                                      "Sec-GPC: 0, 1\r\n"};
    static const char *const harmless[] = {"Sec-GPC: 0\r\n", "Sec-GPC:\r\n", "Sec-GPC-X: 1\r\n",
                                           "X-Sec-GPC: 1\r\n"};

    mine();
    for (int i = 0; i < COUNT(set); i++)
        check_forbids(USER, set[i], "gpc");
    for (int i = 0; i < COUNT(harmless); i++)
        check_allows(USER, harmless[i]);
    test_row("a signal does not affect the connection's next request");
    contract_good(mine());
}

/* Each signal is counted; the answer is degraded once. */
CONTRACT_TEST(privacy, several)
{
    double degraded;

    mine();
    degraded = contract_metric(mine(), "degraded_total", "reason", "privacy");
    check_forbids(USER ",'regs':{'coppa':1,'gdpr':1,'gpp_sid':[2]},'device':{'lmt':1,'dnt':1}",
                  "Sec-GPC: 1\r\n", "coppa");
    check_forbids(USER ",'regs':{'coppa':1,'gdpr':1,'gpp_sid':[2]},'device':{'lmt':1,'dnt':1}",
                  "Sec-GPC: 1\r\n", "gpc");
    CHECK_INT(contract_metric(mine(), "degraded_total", "reason", "privacy") - degraded, 2);
}

/* More events than the limit, none of which is used. */
CONTRACT_TEST(privacy, behaviour)
{
    const char *rank = js("'rank':{'behaviour':[%s],'candidates':[{'adid':'a1'}]}",
                          js_list(101, "{'t':#,'type':'view','text':'mat'}"));

    mine();
    CHECK_STR(answer_degraded(rank_with(USER, rank, "")), "truncated");
    CHECK_STR(answer_degraded(rank_with(USER, rank, "Sec-GPC: 1\r\n")), "privacy");
}

/* ---- the log --------------------------------------------------------------------------------- */

static json_t *impression_of(const char *id)
{
    struct buf text AT_END(buf_release) = BUF_INIT;
    json_t *found = NULL;
    struct err err;

    CHECK_OK(file_read(js("%s/impressions", daemon_.folder), 16 << 20, &text, &err), err);
    for (char *save = NULL, *line = strtok_r(text.ptr, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        json_t *value = json_loads(line, 0, NULL);
        const json_t *request = json_object_get(value, "request");

        CHECK(value);
        if (!found && strcmp(json_string_value(json_object_get(request, "id")) ?: "", id) == 0)
            found = json_incref(value);
        json_decref(value);
    }
    return found;
}

static void check_line(const char *id, int behaviours, size_t user_digits)
{
    json_t *line;

    WAIT_FOR_MS(20000, (line = impression_of(id)) != NULL); /* the writer is another thread */
    test_row("line of %s", id);
    CHECK_INT(json_array_size(driver_at(line, "/request/rank/behaviour")), behaviours);
    CHECK_INT(strlen(json_string_value(driver_at(line, "/user"))), user_digits);
    CHECK_INT(json_array_size(driver_at(line, "/shown")), 2);
    json_decref(line);
}

/* A line without behaviour and without a user. */
CONTRACT_TEST(privacy, log)
{
    mine();
    rank_with(USER ",'id':'2.5','regs':{'ext':{'gdpr':1}}", SENT, "");
    rank_with(USER ",'id':'header'", SENT, "Sec-GPC: 1\r\n");
    rank_with(USER ",'id':'allowed'", SENT, "");
    check_line("2.5", 0, 0);
    check_line("header", 0, 0);
    check_line("allowed", 3, 12);
}

TEST(privacy__the_daemon_ends_well)
{
    CHECK_INT(driver_stop(mine()), 0);
    redis_stop(&redis);
}
