/* The answer of a reload: differences, errors and warnings. */
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "tests/e2e/client.h"
#include "tests/e2e/driver.h"
#include "tests/test.h"

static struct driver d;

static struct err err;

static json_int_t generation_now(void)
{
    return (json_int_t)driver_metric(&d, "adrank_config_generation");
}

/* ---- answers --------------------------------------------------------------------------------- */

static const json_t *answer_of(const char *target, int status)
{
    const struct driver_response *response = driver_call(d.admin, "POST", target, NULL);

    if (response->status != status)
        FAIL("%s: %d %s", target, response->status, response->body);
    return driver_json(response);
}

/* The answer to a reload of this file. */
static const json_t *reloaded(const char *config, int status)
{
    driver_write(&d, "config.json", config);
    return answer_of("/admin/reload", status);
}

static void start_plain(const char *overlay)
{
    driver_start(&d, &(struct driver_args){.plain = true, .config = driver_config(overlay, NULL)});
}

/* Programs read this answer: it has exactly these members. */
static void check_members(const json_t *answer)
{
    static const char *const arrays[] = {"changed", "needs_restart", "files", "warnings"};
    static const char *const counts[] = {"ads", "eligible", "age_s"};

    CHECK(json_is_string(json_object_get(answer, "status")));
    CHECK(json_is_integer(json_object_get(answer, "generation")));
    for (size_t i = 0; i < 4; i++)
        if (!json_is_array(json_object_get(answer, arrays[i])))
            FAIL("no array %s", arrays[i]);
    for (size_t i = 0; i < 3; i++)
        CHECK(json_is_integer(json_object_get(json_object_get(answer, "catalog"), counts[i])));
    CHECK_INT(json_object_size(json_object_get(answer, "catalog")), 3);
    CHECK_INT(json_object_size(answer), 7);
}

TEST(reload__reports_what_differs)
{
    const char *config = driver_config("{'rank':{'top_n':1},'http':{'workers':3}}", NULL);
    const json_t *answer;

    start_plain("{}");
    answer = answer_of("/admin/reload", 200);
    check_members(answer);
    CHECK_STR(driver_text(answer, "/status"), "unchanged");
    CHECK_INT(driver_int(answer, "/generation"), 1);
    CHECK_INT(json_array_size(driver_at(answer, "/changed")), 0);

    /* A live and a restart option in one file: the first is applied, the second only listed. */
    driver_write(&d, "config.json", config);
    answer = answer_of("/admin/reload?dry_run=1", 200);
    check_members(answer);
    CHECK_STR(driver_text(answer, "/status"), "valid");
    CHECK_STR(driver_text(answer, "/changed/0/pointer"), "/rank/top_n");
    CHECK_INT(generation_now(), 1);
    CHECK(strstr(driver_call(d.admin, "GET", "/admin/config", NULL)->body, "\"top_n\":3"));
    answer = answer_of("/admin/reload", 200);
    check_members(answer);
    CHECK_STR(driver_text(answer, "/status"), "applied");
    CHECK_INT(driver_int(answer, "/generation"), 2);
    CHECK_INT(driver_int(answer, "/changed/0/old"), 3);
    CHECK_INT(driver_int(answer, "/changed/0/new"), 1);
    CHECK_STR(driver_text(answer, "/needs_restart/0/pointer"), "/http/workers");
    CHECK_INT(json_array_size(driver_at(answer, "/needs_restart")), 1);
    CHECK(strstr(driver_call(d.admin, "GET", "/admin/config", NULL)->body, "\"workers\":1"));
    CHECK_INT(json_array_size(driver_at(driver_json(driver_rank(&d, "{}")), "/results")), 1);
    answer = answer_of("/admin/reload", 200); /* the restart is still pending */
    CHECK_STR(driver_text(answer, "/status"), "unchanged");
    CHECK_INT(json_array_size(driver_at(answer, "/needs_restart")), 1);
}

/* People read the log: no JSON in a string, and neither a secret nor its location. */
TEST(reload__logs_what_differs_in_words)
{
    static const char *const want[] = {
        " status=unchanged generation=1 diff=\"\"\n",
        " status=valid generation=1 diff=\"batch.max_tokens 8192 -> 4096\"\n",
        " status=applied generation=2 diff=\"http.workers 1 -> 3 (needs a restart), "
        "batch.max_tokens "
        "8192 -> 4096, deadline.on_late prior -> empty, privacy.user_key changed, "
        "log.impressions null -> ",
    };

    start_plain("{}");
    answer_of("/admin/reload", 200);
    driver_write(&d, "config.json", driver_config("{'batch':{'max_tokens':4096}}", NULL));
    answer_of("/admin/reload?dry_run=1", 200);
    driver_write(&d, "catalog.jsonl", js("{'adid':'one','title':'x','bid':1}\n"));
    driver_write(&d, "secret-file", "secret-key-of-16");
    reloaded(driver_config("{'http':{'workers':3},'batch':{'max_tokens':4096},"
                           "'deadline':{'on_late':'empty'},"
                           "'privacy':{'user_key':{'$file':'secret-file'}},"
                           "'log':{'impressions':'impressions'}}",
                           NULL),
             200);
    for (int i = 0; i < COUNT(want); i++)
        driver_wait_log(&d, want[i]);
    CHECK(strstr(strstr(driver_log(&d), want[2]), "/impressions, catalog reloaded\"\n"));
    CHECK(!strstr(driver_log(&d), "secret-"));
}

/* ---- warnings: in effect, but perhaps not intended ------------------------------------------- */

static const char few[] = "{'http':{'max_connections':100}}";

TEST(reload__warns_of_the_catalog)
{
    const json_t *answer;

    start_plain(few);
    CHECK_INT(json_array_size(driver_at(answer_of("/admin/reload", 200), "/warnings")), 0);
    driver_write(&d, "catalog.jsonl",
                 js("{'adid':'z1','title':'tea','bid':1,'colour':'red','size':4}\n"
                    "{'adid':'z3','title':'cup','bid':1}\n"
                    "{'adid':'z4','title':'mug','bid':1}\n"
                    "{'adid':'z5','title':'jug','bid':1}\n"
                    "{'adid':'z2','title':'pot','bid':1,'colour':'red'}\n"));
    answer = answer_of("/admin/reload?dry_run=1", 200);
    CHECK(driver_lists(answer, "/warnings", "catalog: 3 unknown keys ignored"));
    CHECK(!strstr(driver_log(&d), "event=world_warning"));
    answer = answer_of("/admin/reload?dry_run=false", 200); /* not a dry run */
    CHECK_STR(driver_text(answer, "/status"), "applied");
    check_members(answer);
    CHECK(driver_lists(answer, "/warnings", "catalog: 3 unknown keys ignored"));
    CHECK_INT(json_array_size(driver_at(answer, "/warnings")), 1);
    driver_wait_log(&d, "event=world_warning warning=\"catalog: 3 unknown keys ignored\"");
    CHECK(driver_lists(answer_of("/admin/reload", 200), "/warnings", "catalog: 3"));
}

TEST(reload__warns_of_descriptors)
{
    driver_start(&d, &(struct driver_args){.plain = true,
                                           .config = driver_config(few, NULL),
                                           .files_soft = 512,
                                           .files_hard = 512});
    CHECK(driver_lists(reloaded(driver_config("{'http':{'max_connections':5000}}", NULL), 200),
                       "/warnings", "http.max_connections: 5000 and "));
}

TEST(reload__warns_of_precision)
{
    const json_t *answer, *ready;

    start_plain("{'http':{'max_connections':100},'model':{'backend':'cpu'}}");
    answer =
        reloaded(driver_config(few, "{'model':{'backend':'cpu','precision':'bf16'}}", NULL), 200);
    ready = driver_json(driver_call(d.admin, "GET", "/readyz?verbose=1", NULL));
    CHECK_INT(driver_lists(answer, "/warnings", "model.precision: bf16 was asked for"),
              strcmp(driver_text(ready, "/model/precision"), "bf16") != 0);
}

TEST(reload__a_changed_file_is_enough)
{
    const json_t *answer;

    driver_start(&d, &(struct driver_args){0});
    driver_write(&d, "catalog.jsonl", js("{'adid':'z1','title':'tea','bid':1}\n"));
    answer = answer_of("/admin/reload", 200);
    CHECK_STR(driver_text(answer, "/status"), "applied");
    CHECK_INT(json_array_size(driver_at(answer, "/changed")), 0);
    CHECK_STR(driver_text(answer, "/files/0"), "catalog");
    answer = driver_json(driver_rank(&d, "{}"));
    CHECK_STR(driver_text(answer, "/results/0/adid"), "z1");
    CHECK_INT(driver_int(answer, "/generation"), 2);
}

TEST(reload__reports_all_that_is_wrong_and_where)
{
    static const char *const want[] = {"/rank/top_n",   "/rank/unique",           "/http/idle_ms",
                                       "/lgo",          "" /* slow_ms twice */,   "/rank/currency",
                                       "/http/address", "/http/body_memory_bytes"};
    const json_t *answer;

    driver_start(&d, &(struct driver_args){0});
    answer = reloaded(js("{'rank':{'top_n':0,'unique':'both','currency':''},"
                         "'http':{'idle_ms':'1','address':'nowhere','max_body_bytes':400000,"
                         "'body_memory_bytes':300000},"
                         "'lgo':{},'log':{'slow_ms':1.5,'slow_ms':2}}"),
                      422);
    CHECK_STR(driver_text(answer, "/code"), "reload_invalid");
    CHECK_INT(json_array_size(driver_at(answer, "/errors")), COUNT(want));
    for (int i = 0; i < COUNT(want); i++) {
        bool found = false;

        for (int e = 0; e < COUNT(want); e++)
            found |= strcmp(driver_text(answer, js("/errors/%d/pointer", e)), want[i]) == 0;
        if (!found)
            FAIL("no warning about %s", want[i]);
    }
    answer = reloaded(js("{\n  'rank': {'top_n' 3}\n}"), 422);
    CHECK(strstr(driver_text(answer, "/detail"), "line 2") &&
          strstr(driver_text(answer, "/detail"), "column"));
    CHECK_INT(generation_now(), 1);
    CHECK_INT(driver_rank(&d, DRIVER_ONE_AD)->status, 200);
    CHECK_INT(driver_metric(&d, "adrank_reload_success"), 0);
    reloaded("{}", 200);
    CHECK_INT(driver_metric(&d, "adrank_reload_success"), 1);
}

/* Any number of warnings, from a configuration and from a catalog. */
TEST(reload__reports_all_of_many)
{
    const json_t *answer;

    driver_start(&d, &(struct driver_args){0});
    answer = reloaded(js("{%s}", js_list(300, "'s#':{}")), 422);
    CHECK_INT(json_array_size(driver_at(answer, "/errors")), 300);
    driver_write(&d, "config.json", "{}");
    driver_write(&d, "catalog.jsonl", js_repeat(300, "{'adid':'a#','title':'t','bid':-1}\n"));
    answer = answer_of("/admin/reload", 422);
    CHECK_INT(json_array_size(driver_at(answer, "/errors")), 300);
}

#define POST_RELOAD                                                                                \
    VIEW_LIT("POST /admin/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")

static void write_ads(int n)
{
    driver_write(&d, "catalog.jsonl",
                 js_repeat(n, "{'adid':'n#','title':'one of many','bid':1}\n"));
}

/* Calls both listeners; returns whether the reload was still running after the last answer. */
static bool healthy_meanwhile(int n_ads)
{
    const char *const addresses[] = {d.admin, d.address};
    struct http_client client;
    bool meanwhile;

    write_ads(n_ads);
    client_open(&client, d.admin);
    client_send(&client, POST_RELOAD);
    for (int i = 0; i < 2; i++) {
        CHECK_INT(driver_call(addresses[i], "GET", "/livez", NULL)->status, 200);
        CHECK_INT(driver_call(addresses[i], "GET", "/readyz", NULL)->status, 200);
    }
    meanwhile = http_client_wait_end(&client, 0) == HTTP_CLIENT_OPEN;
    CHECK_INT(client_receive_and_close(&client), 200);
    return meanwhile;
}

TEST(reload__health_answers_meanwhile)
{
    bool seen = false;

    driver_start(&d, &(struct driver_args){0});
    for (int n_ads = 10000; n_ads <= 320000 && !seen; n_ads *= 2)
        seen = healthy_meanwhile(n_ads);
    CHECK(seen);
}

/* Named ads, and those of the catalog. */
static void check_shown(const char *adid)
{
    const char *named = js("{'rank':{'candidates':[{'adid':'early'},{'adid':'late'}]}}");
    const json_t *answer = driver_json(driver_rank(&d, named));

    CHECK_INT(driver_int(answer, "/filtered/inactive"), 1);
    for (int i = 0; i < 2; i++) {
        CHECK_INT(json_array_size(driver_at(answer, "/results")), 1);
        CHECK_STR(driver_text(answer, "/results/0/adid"), adid);
        answer = driver_json(driver_rank(&d, "{}"));
    }
}

/* start and end of an ad take effect when their time comes. */
TEST(reload__is_not_needed_for_start_and_end)
{
    int64_t turn_ms, waited_ms;

    driver_start(&d, &(struct driver_args){0});
    turn_ms = clock_wall_ms() + 1500;
    driver_write(&d, "catalog.jsonl",
                 js("{'adid':'early','title':'tea','bid':1,'end':%lld}\n"
                    "{'adid':'late','title':'pot','bid':1,'start':%lld}\n",
                    (long long)turn_ms, (long long)turn_ms));
    answer_of("/admin/reload", 200);
    check_shown("early");
    waited_ms = turn_ms - clock_wall_ms();
    CHECK(waited_ms > 0); /* otherwise the machine was too slow to see it */
    usleep((useconds_t)(waited_ms + 1) * 1000);
    check_shown("late");
    CHECK_INT(generation_now(), 2); /* still that of the reload that loaded them */
}

/* Two arrive in one turn of the loop: the second finds the first in progress. */
TEST(reload__one_at_a_time)
{
    struct http_client clients[2];
    int status = 0;

    driver_start(&d, &(struct driver_args){0});
    write_ads(20000);
    for (int i = 0; i < 2; i++)
        client_open(&clients[i], d.admin);
    CHECK_INT(driver_call(d.admin, "GET", "/livez", NULL)->status, 200); /* both are accepted */
    driver_kill(&d, SIGSTOP);
    for (int i = 0; i < 2; i++)
        client_send(&clients[i], POST_RELOAD);
    driver_kill(&d, SIGCONT);
    for (int i = 0; i < 2; i++)
        status += client_receive_and_close(&clients[i]);
    CHECK_INT(status, 200 + 409);
    CHECK_INT(generation_now(), 2);
}

/* External files named by a configuration also stay with the old one. */
TEST(reload__that_fails_leaves_the_impression_log)
{
    static const char *const failing[] = {
        "{'log':{'impressions':'second'},'model':{'path':'nowhere'}}",
        "{'log':{'impressions':'nowhere/third'}}"};
    struct buf text AT_END(buf_release) = BUF_INIT;

    start_plain("{'log':{'impressions':'first'}}");
    for (int i = 0; i < COUNT(failing); i++) {
        reloaded(driver_config(failing[i], NULL), 422);
        CHECK_INT(driver_rank(&d, DRIVER_ONE_AD)->status, 200);
    }
    driver_kill(&d, SIGTERM);
    CHECK_INT(driver_wait(&d, 10000), 0);
    CHECK(access(js("%s/second", d.folder), F_OK) == -1);
    CHECK_OK(file_read(js("%s/first", d.folder), 1 << 20, &text, &err), err);
    CHECK(strchr(strchr(buf_str(&text), '\n') + 1, '\n'));
}
