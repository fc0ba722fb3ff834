/* The reloads, the good client and the watcher, which run during the storm. */
#include "tests/storm/around.h"

#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "tests/test.h"

static const char *const models[] = {"tests/golden/models/e2e", "tests/golden/logits/one-layer"};

static void nap(int ms)
{
    usleep((useconds_t)ms * 1000);
}

/* ---- reloads --------------------------------------------------------------------------------- */

static const char timers[] =
    "{'http':{'workers':2,'max_connections':200,'memory_bytes':1048576,'head_ms':300,"
    "'body_ms':400,'idle_ms':1500,'first_byte_ms':1000,'write_ms':300},'admin':{'stall_ms':20000},"
    "'log':{'impressions':'impressions','sample':0.05},"
    "'deadline':{'max_ms':30000,'default_ms':30000}}";

static const char *features_of(const struct storm *storm)
{
    static char text[256];

    snprintf(text, sizeof(text),
             "{'features':{'url':'redis://127.0.0.1:%d','password':{'$env':'STORM_PASSWORD'},"
             "'timeout_ms':200},'privacy':{'user_key':{'$env':'STORM_KEY'}}}",
             storm->redis->port);
    return text;
}

static const char *model_of(int which)
{
    static char text[2][4400];
    char here[4096];

    CHECK(getcwd(here, sizeof(here)));
    snprintf(text[which], sizeof(text[0]), "{'model':{'path':'%s/%s'}}", here, models[which]);
    return text[which];
}

const char *around_config(const struct storm *storm)
{
    return driver_config(timers, features_of(storm), model_of(0), NULL);
}

/* Live options, except those that would make the good client wait. */
static const char *const variants[] = {
    "{}",
    "{'rank':{'max_top_n':10,'top_n':1}}",
    "{'rank':{'max_candidates':20,'max_imps':2,'max_behaviour':5}}",
    "{'rank':{'unique':'request'}}",
    "{'http':{'head_ms':150,'body_ms':200,'idle_ms':600,'first_byte_ms':300,'write_ms':150}}",
    "{'http':{'max_body_bytes':4096}}",
    "{'http':{'max_connections':100}}",
    "{'deadline':{'on_late':'empty'}}",
    "{'deadline':{'on_late':'reject'}}",
    "{'batch':{'max_queue':16,'max_tokens':1024}}",
    "{'features':{'timeout_ms':1,'max_in_flight':2}}",
    "{'features':{'url':null}}",
    "{'log':{'sample':1,'level':'debug'}}",
    "{'log':{'impressions':null}}",
    "{'log':{'level':'error'}}",
    "{'log':{'impressions_sample':0.1}}",
};

static const char *const broken[] = {"",
                                     "{\"rank\":",
                                     "{\"rank\":{\"top_n\":0}}",
                                     "[]",
                                     "{\"model\":{\"path\":\"/nothing\"}}",
                                     "{\"model\":{\"path\":\"/no\\u001b[31m\\nevent=thing\"}}",
                                     "{\"ra\\u001b[31mnk\":1}"};

static int write_in_folder(const struct storm *storm, const char *name, const char *text,
                           struct err *err)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/%s", storm->daemon->folder, name);
    return file_write(path, view_of(text), err);
}

static int change_files(const struct storm *storm, struct rng *rng, struct err *err)
{
    struct buf catalog = BUF_INIT;
    int rc, n = storm_below(rng, 6);
    const char *config =
        storm_one_in(rng, 6)
            ? broken[storm_below(rng, COUNT(broken))]
            : driver_config(timers, features_of(storm), model_of(storm_below(rng, 2)),
                            variants[storm_below(rng, COUNT(variants))],
                            variants[storm_below(rng, COUNT(variants))], NULL);

    if (write_in_folder(storm, "config.json", config, err))
        return -1;
    buf_add_str(&catalog, driver_catalog);
    for (int i = 0; i < n; i++)
        buf_printf(&catalog, "{\"adid\":\"n%d\",\"title\":\"new\",\"bid\":%d}\n", i, 1 + i);
    if (storm_one_in(rng, 8))
        buf_add_str(&catalog, "{\"adid\":\"a1\"");
    rc = write_in_folder(storm, "catalog.jsonl", buf_str(&catalog), err);
    buf_release(&catalog);
    return rc;
}

static void reload(struct storm *storm, struct http_client *client, bool dry)
{
    struct client_response response;
    struct err err;

    if (http_client_call(
            client,
            &(struct http_request){.method = "POST",
                                   .target = dry ? "/admin/reload?dry_run=1" : "/admin/reload"},
            &response, &err)) {
        storm_fail(storm, "reload: %s", err.text);
        return;
    }
    atomic_fetch_add(&storm->reloads, 1);
    if (response.status != 200 && response.status != 409 && response.status != 422)
        storm_fail(storm, "reload: %d %.*s", response.status, VIEW_ARG(response.body));
}

void *around_reloads(void *arg)
{
    struct storm *storm = arg;
    struct http_client client;
    struct rng rng;
    struct err err;

    rng_init(&rng, storm->seed ^ 0x7265);
    if (http_client_init(&client, storm->daemon->admin, storm->patience_ms, &err))
        storm_fail(storm, "%s", err.text);
    while (storm_goes_on(storm)) {
        if (change_files(storm, &rng, &err))
            storm_fail(storm, "%s", err.text);
        if (storm_one_in(&rng, 5))
            driver_kill(storm->daemon, SIGHUP);
        else
            reload(storm, &client, storm_one_in(&rng, 5));
        if (storm_one_in(&rng, 10))
            http_client_close(&client);
        nap(storm_below(&rng, 500));
    }
    /* As at the start, so that later measurements are comparable. */
    if (write_in_folder(storm, "config.json", around_config(storm), &err) ||
        write_in_folder(storm, "catalog.jsonl", driver_catalog, &err))
        storm_fail(storm, "%s", err.text);
    for (int i = 0; i < 100 && !atomic_load(&storm->failed); i++) {
        reload(storm, &client, false);
        nap(20); /* one by HUP may be in progress */
    }
    http_client_release(&client);
    return NULL;
}

/* ---- one good client ------------------------------------------------------------------------- */

#define GOOD                                                                                       \
    "{\"id\":\"good\",\"device\":{\"language\":\"en\"},\"rank\":{\"top_n\":3,\"candidates\":["     \
    "{\"adid\":\"x1\",\"bid\":1,\"bid_type\":\"cpc\",\"text\":\"trail running shoes\"},"           \
    "{\"adid\":\"x2\",\"bid\":1,\"bid_type\":\"cpc\",\"text\":\"\xe7\x94\xb5\xe7\x83\xad\xe6\xb0"  \
    "\xb4\xe5\xa3\xb6\"},"                                                                         \
    "{\"adid\":\"x3\",\"bid\":1,\"bid_type\":\"cpc\",\"text\":\"garden hose\"}]}}"

static struct {
    char digest[32], ranking[128];
} known[COUNT(models)];

/* "x2=0.5 ", only the best, as a reload may change top_n. */
static void ranking_of(const json_t *answer, char *out, size_t size)
{
    snprintf(out, size, "%s=%.9g",
             json_string_value(driver_at(answer, "/results/0/adid"))
                 ? json_string_value(driver_at(answer, "/results/0/adid"))
                 : "nothing",
             json_number_value(driver_at(answer, "/results/0/pctr")));
}

static const char *known_ranking(const char *digest)
{
    for (int i = 0; digest && i < COUNT(models); i++)
        if (strcmp(known[i].digest, digest) == 0)
            return known[i].ranking;
    return "of no known model";
}

static void check_good(struct storm *storm, const struct client_response *response)
{
    json_t *answer = json_loadb(response->body.ptr, response->body.len, 0, NULL);
    const char *digest = json_string_value(json_object_get(answer, "model_digest"));
    char ranking[128];

    ranking_of(answer, ranking, sizeof(ranking));
    if (response->status != 200 || strcmp(ranking, known_ranking(digest)) != 0)
        storm_fail(storm, "the good client got %d %.*s, want %s", response->status,
                   VIEW_ARG(response->body), known_ranking(digest));
    json_decref(answer);
}

void *around_good_client(void *arg)
{
    struct storm *storm = arg;
    struct http_client client;
    struct client_response response;
    struct err err;

    if (http_client_init(&client, storm->daemon->address, storm->patience_ms, &err))
        storm_fail(storm, "%s", err.text);
    for (int i = 0; storm_goes_on(storm); i++) {
        const struct http_request request = {
            .method = "POST", .target = "/rank", .body = VIEW_LIT(GOOD)};

        if (i % 10 == 0)
            http_client_close(&client);
        /* A kept connection may close at that moment. */
        if (http_client_call(&client, &request, &response, &err) &&
            http_client_call(&client, &request, &response, &err)) {
            storm_fail(storm, "the good client: %s", err.text);
            break;
        }
        check_good(storm, &response);
        atomic_fetch_add(&storm->good, 1);
        nap(20);
    }
    http_client_release(&client);
    return NULL;
}

void around_prepare(struct storm *storm)
{
    char command[8800];
    FILE *lines;

    snprintf(command, sizeof(command),
             "STORM_KEY=" STORM_KEY " '%s' put --redis redis://:" STORM_PASSWORD
             "@127.0.0.1:%d --key-env STORM_KEY",
             driver_build_path("bin/adrank-history"), storm->redis->port);
    lines = popen(command, "w");
    CHECK(lines);
    for (int user = 0; user < STORM_USERS; user++)
        for (int i = 0; i < 1 + user * 5; i++)
            fprintf(lines,
                    "{\"user\":\"" STORM_USER
                    "-%d\",\"t\":%lld,\"type\":\"click\",\"item\":\"i%d\",\"text\":\"shoes %d\"}\n",
                    user, 1790000000000LL + i * 1000, i % 10, i);
    CHECK_INT(pclose(lines), 0);
    for (int i = COUNT(models) - 1; i >= 0; i--) {
        const json_t *answer;

        CHECK_INT(driver_reload(storm->daemon,
                                driver_config(timers, features_of(storm), model_of(i), NULL))
                      ->status,
                  200);
        answer = driver_json(driver_rank(storm->daemon, GOOD));
        snprintf(known[i].digest, sizeof(known[i].digest), "%s",
                 json_string_value(driver_at(answer, "/model_digest")));
        ranking_of(answer, known[i].ranking, sizeof(known[i].ranking));
    }
    CHECK(strcmp(known[0].digest, known[1].digest) != 0);
    CHECK(strcmp(known[0].ranking, known[1].ranking) != 0);
}
