/* What a reload answers: what differs, what is wrong, what is worth a warning. */
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "tests/e2e/client.h"
#include "tests/e2e/driver.h"
#include "tests/test.h"

#define ONE_AD "{\"rank\":{\"candidates\":[{\"adid\":\"a1\"}]}}"

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

static const char *text_at(const json_t *value, const char *pointer)
{
    const char *text = json_string_value(driver_at(value, pointer));

    return text ? text : "";
}

/* Programs read this answer: its members are these. */
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

TEST(reload__says_what_differs)
{
    const json_t *answer;

    driver_start(&d, &(struct driver_args){.plain = true, .config = driver_config("{}", NULL)});
    answer = answer_of("/admin/reload", 200);
    check_members(answer);
    CHECK_STR(text_at(answer, "/status"), "unchanged");
    CHECK_INT(json_integer_value(driver_at(answer, "/generation")), 1);
    CHECK_INT(json_array_size(driver_at(answer, "/changed")), 0);

    /* Live and restart in one file: the first is applied, the other listed and left. */
    driver_write(&d, "config.json",
                 driver_config("{'rank':{'top_n':1},'http':{'workers':3}}", NULL));
    answer = answer_of("/admin/reload?dry_run=1", 200);
    check_members(answer);
    CHECK_STR(text_at(answer, "/status"), "valid");
    CHECK_STR(text_at(answer, "/changed/0/pointer"), "/rank/top_n");
    CHECK_INT(generation_now(), 1);
    CHECK(strstr(driver_call(d.admin, "GET", "/admin/config", NULL)->body, "\"top_n\":3"));
    answer = answer_of("/admin/reload", 200);
    check_members(answer);
    CHECK_STR(text_at(answer, "/status"), "applied");
    CHECK_INT(json_integer_value(driver_at(answer, "/generation")), 2);
    CHECK_INT(json_integer_value(driver_at(answer, "/changed/0/old")), 3);
    CHECK_INT(json_integer_value(driver_at(answer, "/changed/0/new")), 1);
    CHECK_STR(text_at(answer, "/needs_restart/0/pointer"), "/http/workers");
    CHECK_INT(json_array_size(driver_at(answer, "/needs_restart")), 1);
    CHECK(strstr(driver_call(d.admin, "GET", "/admin/config", NULL)->body, "\"workers\":1"));
    CHECK_INT(json_array_size(driver_at(driver_json(driver_rank(&d, "{}")), "/results")), 1);
    answer = answer_of("/admin/reload", 200); /* the restart is still to come */
    CHECK_STR(text_at(answer, "/status"), "unchanged");
    CHECK_INT(json_array_size(driver_at(answer, "/needs_restart")), 1);
    CHECK_INT(driver_stop(&d), 0);
}

/* What is in effect, but perhaps not as meant: as long as that is so. */
/* The log is read by people: no JSON in a string, and no secret nor where it is kept. */
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
    static char first[4096];

    driver_start(&d, &(struct driver_args){.plain = true, .config = driver_config("{}", NULL)});
    answer_of("/admin/reload", 200);
    driver_write(&d, "config.json", driver_config("{'batch':{'max_tokens':4096}}", NULL));
    answer_of("/admin/reload?dry_run=1", 200);
    driver_write(&d, "catalog.jsonl", "{\"adid\":\"one\",\"title\":\"x\",\"bid\":1}\n");
    driver_write(&d, "secret-file", "secret-key-of-16");
    strcpy(first, driver_config("{'http':{'workers':3},'batch':{'max_tokens':4096},"
                                "'deadline':{'on_late':'empty'},"
                                "'privacy':{'user_key':{'$file':'secret-file'}},"
                                "'log':{'impressions':'impressions'}}",
                                NULL));
    driver_write(&d, "config.json", first);
    answer_of("/admin/reload", 200);
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
        driver_wait_log(&d, want[i]);
    CHECK(strstr(strstr(driver_log(&d), want[2]), "/impressions, catalog reloaded\"\n"));
    CHECK(!strstr(driver_log(&d), "secret-"));
    CHECK_INT(driver_stop(&d), 0);
}

TEST(reload__warns)
{
    static const char few[] = "{'http':{'max_connections':100}}";
    const json_t *answer;
    bool lacks_bf16;

    driver_start(&d, &(struct driver_args){.plain = true, .config = driver_config(few, NULL)});
    CHECK_INT(json_array_size(driver_at(answer_of("/admin/reload", 200), "/warnings")), 0);
    driver_write(&d, "catalog.jsonl",
                 "{\"adid\":\"z1\",\"title\":\"tea\",\"bid\":1,\"colour\":\"red\",\"size\":4}\n"
                 "{\"adid\":\"z3\",\"title\":\"cup\",\"bid\":1}\n"
                 "{\"adid\":\"z4\",\"title\":\"mug\",\"bid\":1}\n"
                 "{\"adid\":\"z5\",\"title\":\"jug\",\"bid\":1}\n"
                 "{\"adid\":\"z2\",\"title\":\"pot\",\"bid\":1,\"colour\":\"red\"}\n");
    answer = answer_of("/admin/reload?dry_run=1", 200);
    CHECK(driver_lists(answer, "/warnings", "catalog: 3 unknown keys ignored"));
    CHECK(!strstr(driver_log(&d), "event=world_warning"));
    answer = answer_of("/admin/reload?dry_run=false", 200); /* not a dry one */
    CHECK_STR(text_at(answer, "/status"), "applied");
    check_members(answer);
    CHECK(driver_lists(answer, "/warnings", "catalog: 3 unknown keys ignored"));
    CHECK_INT(json_array_size(driver_at(answer, "/warnings")), 1);
    driver_wait_log(&d, "event=world_warning warning=\"catalog: 3 unknown keys ignored\"");
    CHECK(driver_lists(answer_of("/admin/reload", 200), "/warnings", "catalog: 3"));
    CHECK_INT(driver_stop(&d), 0);

    test_row("reload: descriptors");
    driver_start(&d, &(struct driver_args){.plain = true,
                                           .config = driver_config(few, NULL),
                                           .files_soft = 512,
                                           .files_hard = 512});
    driver_write(&d, "config.json", driver_config("{'http':{'max_connections':5000}}", NULL));
    CHECK(driver_lists(answer_of("/admin/reload", 200), "/warnings",
                       "http.max_connections: 5000 and "));
    CHECK_INT(driver_stop(&d), 0);

    test_row("reload: precision");
    driver_start(
        &d, &(struct driver_args){
                .plain = true, .config = driver_config(few, "{'model':{'backend':'cpu'}}", NULL)});
    driver_write(&d, "config.json",
                 driver_config(few, "{'model':{'backend':'cpu','precision':'bf16'}}", NULL));
    answer = answer_of("/admin/reload", 200);
    lacks_bf16 = strcmp(text_at(driver_json(driver_call(d.admin, "GET", "/readyz?verbose=1", NULL)),
                                "/model/precision"),
                        "bf16") != 0;
    CHECK_INT(driver_lists(answer, "/warnings", "model.precision: bf16 was asked for"), lacks_bf16);
    CHECK_INT(driver_stop(&d), 0);
}

TEST(reload__a_changed_file_is_enough)
{
    const json_t *answer;

    driver_start(&d, &(struct driver_args){0});
    driver_write(&d, "catalog.jsonl", "{\"adid\":\"z1\",\"title\":\"tea\",\"bid\":1}\n");
    answer = answer_of("/admin/reload", 200);
    CHECK_STR(text_at(answer, "/status"), "applied");
    CHECK_INT(json_array_size(driver_at(answer, "/changed")), 0);
    CHECK_STR(text_at(answer, "/files/0"), "catalog");
    answer = driver_json(driver_rank(&d, "{}"));
    CHECK_STR(text_at(answer, "/results/0/adid"), "z1");
    CHECK_INT(json_integer_value(driver_at(answer, "/generation")), 2);
    CHECK_INT(driver_stop(&d), 0);
}

TEST(reload__says_all_that_is_wrong_and_where)
{
    const json_t *answer;

    driver_start(&d, &(struct driver_args){0});
    driver_write(&d, "config.json",
                 "{\"rank\":{\"top_n\":0,\"unique\":\"both\",\"currency\":\"\"},"
                 "\"http\":{\"idle_ms\":\"1\",\"address\":\"nowhere\",\"max_body_bytes\":400000,"
                 "\"body_memory_bytes\":300000},"
                 "\"lgo\":{},\"log\":{\"slow_ms\":1.5,\"slow_ms\":2}}");
    answer = answer_of("/admin/reload", 422);
    CHECK_STR(text_at(answer, "/code"), "reload_invalid");
    {
        static const char *const want[] = {
            "/rank/top_n",          "/rank/unique",   "/http/idle_ms", "/lgo",
            "" /* slow_ms twice */, "/rank/currency", "/http/address", "/http/body_memory_bytes"};
        const json_t *errors = driver_at(answer, "/errors");

        CHECK_INT(json_array_size(errors), 8);
        for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
            bool found = false;

            for (size_t e = 0; e < json_array_size(errors); e++)
                found |= strcmp(text_at(json_array_get(errors, e), "/pointer"), want[i]) == 0;
            if (!found)
                FAIL("nothing of %s", want[i]);
        }
    }
    driver_write(&d, "config.json", "{\n  \"rank\": {\"top_n\" 3}\n}");
    answer = answer_of("/admin/reload", 422);
    CHECK(strstr(text_at(answer, "/detail"), "line 2") &&
          strstr(text_at(answer, "/detail"), "column"));
    CHECK_INT(generation_now(), 1);
    CHECK_INT(driver_rank(&d, ONE_AD)->status, 200);
    CHECK_INT(driver_metric(&d, "adrank_reload_success"), 0);
    driver_write(&d, "config.json", "{}");
    answer_of("/admin/reload", 200);
    CHECK_INT(driver_metric(&d, "adrank_reload_success"), 1);
    CHECK_INT(driver_stop(&d), 0);
}

/* However many: of a configuration, of a catalog, of a request. */
TEST(reload__says_all_of_many)
{
    struct buf text = BUF_INIT;

    driver_start(&d, &(struct driver_args){0});
    for (int i = 0; i < 300; i++)
        buf_printf(&text, "%s\"s%d\":{}", i ? "," : "{", i);
    buf_add_str(&text, "}");
    driver_write(&d, "config.json", buf_str(&text));
    CHECK_INT(json_array_size(driver_at(answer_of("/admin/reload", 422), "/errors")), 300);
    driver_write(&d, "config.json", "{}");
    buf_clear(&text);
    for (int i = 0; i < 300; i++)
        buf_printf(&text, "{\"adid\":\"a%d\",\"title\":\"t\",\"bid\":-1}\n", i);
    driver_write(&d, "catalog.jsonl", buf_str(&text));
    CHECK_INT(json_array_size(driver_at(answer_of("/admin/reload", 422), "/errors")), 300);
    buf_release(&text);
    CHECK_INT(driver_stop(&d), 0);
}

static void send_reload(struct http_client *client)
{
    client_open(client, d.admin);
    client_send(
        client,
        VIEW_LIT("POST /admin/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"));
}

/* On both listeners; whether the reload was still running behind the last answer. */
static bool healthy_meanwhile(int n_ads)
{
    const char *const addresses[] = {d.admin, d.address};
    struct buf catalog = BUF_INIT;
    struct http_client client;
    struct pollfd answered = {.events = POLLIN};
    bool meanwhile;

    for (int i = 0; i < n_ads; i++)
        buf_printf(&catalog, "{\"adid\":\"n%d\",\"title\":\"one of many\",\"bid\":1}\n", i);
    driver_write(&d, "catalog.jsonl", buf_str(&catalog));
    send_reload(&client);
    for (int i = 0; i < 2; i++) {
        CHECK_INT(driver_call(addresses[i], "GET", "/livez", NULL)->status, 200);
        CHECK_INT(driver_call(addresses[i], "GET", "/readyz", NULL)->status, 200);
    }
    answered.fd = client.fd;
    meanwhile = poll(&answered, 1, 0) == 0;
    CHECK_INT(client_receive_and_close(&client), 200);
    buf_release(&catalog);
    return meanwhile;
}

TEST(reload__health_answers_meanwhile)
{
    bool seen = false;

    driver_start(&d, &(struct driver_args){0});
    for (int n_ads = 10000; n_ads <= 320000 && !seen; n_ads *= 2)
        seen = healthy_meanwhile(n_ads);
    CHECK(seen);
    CHECK_INT(driver_stop(&d), 0);
}

static const char *ads_shown(const char *body, int *inactive)
{
    static char names[128];
    const json_t *answer = driver_json(driver_rank(&d, body)), *result;
    size_t i;

    names[0] = '\0';
    json_array_foreach(driver_at(answer, "/results"), i, result)
        snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s", i ? " " : "",
                 text_at(result, "/adid"));
    *inactive = (int)json_integer_value(driver_at(answer, "/filtered/inactive"));
    return names;
}

/* Named, and of the catalog. */
static void check_shown(const char *adid)
{
    static const char named[] =
        "{\"rank\":{\"candidates\":[{\"adid\":\"early\"},{\"adid\":\"late\"}]}}";
    int inactive;

    CHECK_STR(ads_shown(named, &inactive), adid);
    CHECK_INT(inactive, 1);
    CHECK_STR(ads_shown("{}", &inactive), adid);
}

/* start and end of an ad take effect when their time comes. */
TEST(reload__is_not_needed_for_start_and_end)
{
    int64_t turn_ms, waited_ms;
    char catalog[256];

    driver_start(&d, &(struct driver_args){0});
    turn_ms = clock_wall_ms() + 1500;
    snprintf(catalog, sizeof(catalog),
             "{\"adid\":\"early\",\"title\":\"tea\",\"bid\":1,\"end\":%lld}\n"
             "{\"adid\":\"late\",\"title\":\"pot\",\"bid\":1,\"start\":%lld}\n",
             (long long)turn_ms, (long long)turn_ms);
    driver_write(&d, "catalog.jsonl", catalog);
    answer_of("/admin/reload", 200);
    check_shown("early");
    waited_ms = turn_ms - clock_wall_ms();
    CHECK(waited_ms > 0); /* else the machine was too slow to see it */
    usleep((useconds_t)(waited_ms + 1) * 1000);
    check_shown("late");
    CHECK_INT(generation_now(), 2); /* of the reload that brought them */
    CHECK_INT(driver_stop(&d), 0);
}

/* Two arrive in one turn of the loop: the second finds the first at work. */
TEST(reload__one_at_a_time)
{
    static const char post[] =
        "POST /admin/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
    struct http_client clients[2];
    struct client_response response;
    struct buf catalog = BUF_INIT;
    int status[2];

    driver_start(&d, &(struct driver_args){0});
    for (int i = 0; i < 20000; i++)
        buf_printf(&catalog, "{\"adid\":\"n%d\",\"title\":\"one of many\",\"bid\":1}\n", i);
    driver_write(&d, "catalog.jsonl", buf_str(&catalog));
    for (int i = 0; i < 2; i++) {
        client_open(&clients[i], d.admin);
    }
    CHECK_INT(driver_call(d.admin, "GET", "/livez", NULL)->status, 200); /* both are accepted */
    driver_kill(&d, SIGSTOP);
    for (int i = 0; i < 2; i++)
        client_send(&clients[i], VIEW_LIT(post));
    driver_kill(&d, SIGCONT);
    for (int i = 0; i < 2; i++) {
        CHECK_OK(http_client_receive(&clients[i], false, &response, &err), err);
        status[i] = response.status;
        http_client_release(&clients[i]);
    }
    CHECK_INT(status[0] + status[1], 200 + 409);
    CHECK_INT(generation_now(), 2);
    buf_release(&catalog);
    CHECK_INT(driver_stop(&d), 0);
}

static const char *beside(const char *name)
{
    static char path[256];

    snprintf(path, sizeof(path), "%s/%s", d.folder, name);
    return path;
}

/* What a configuration names outside of the process stays with the old one, too. */
TEST(reload__that_fails_leaves_the_impression_log)
{
    struct buf text = BUF_INIT;
    const char *with = "{'log':{'impressions':'first'}}";

    driver_start(&d, &(struct driver_args){.plain = true, .config = driver_config(with, NULL)});
    driver_write(
        &d, "config.json",
        driver_config("{'log':{'impressions':'second'},'model':{'path':'nowhere'}}", NULL));
    answer_of("/admin/reload", 422);
    CHECK_INT(driver_rank(&d, ONE_AD)->status, 200);
    driver_write(&d, "config.json", driver_config("{'log':{'impressions':'nowhere/third'}}", NULL));
    answer_of("/admin/reload", 422);
    CHECK_INT(driver_rank(&d, ONE_AD)->status, 200);
    driver_kill(&d, SIGTERM);
    CHECK_INT(driver_wait(&d, 10000), 0);
    CHECK(access(beside("second"), F_OK) == -1);
    CHECK_OK(file_read(beside("first"), 1 << 20, &text, &err), err);
    CHECK(strchr(strchr(buf_str(&text), '\n') + 1, '\n'));
    buf_release(&text);
    driver_stop(&d);
}
