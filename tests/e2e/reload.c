/*
 * Reload of configuration, catalog and model: beside 200 requests a second nothing is lost, and what is broken
 * leaves the old state and says where it is broken.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "tests/e2e/driver.h"
#include "tests/test.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ROUNDS 10
#else
#define ROUNDS 50
#endif

#define ONE_AD "{\"rank\":{\"candidates\":[{\"adid\":\"a1\"}]}}"

static struct driver d;

/* ---- files ---------------------------------------------------------------------------------------- */

static char models[64]; /* a folder for the model that is being changed */

static const char *path_of(const char *folder, const char *name)
{
    static char path[4][256];
    static int turn;
    char *out = path[turn++ % 4];

    snprintf(out, sizeof(path[0]), "%s/%s", folder, name);
    return out;
}

static void write_in_place(const char *path, struct view bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    CHECK(fd != -1 && write(fd, bytes.ptr, bytes.len) == (ssize_t)bytes.len);
    close(fd);
}

static void write_by_rename(const char *path, struct view bytes)
{
    char beside[300];

    snprintf(beside, sizeof(beside), "%s.new", path);
    write_in_place(beside, bytes);
    CHECK(rename(beside, path) == 0);
}

/* Every other file is replaced, the others are written over. */
static void write_either_way(const char *path, struct view bytes)
{
    static int turn;

    if (turn++ % 2)
        write_in_place(path, bytes);
    else
        write_by_rename(path, bytes);
}

/* Two models that differ in their weights, and their files' bytes. */
static struct buf weights[2];

static void read_weights(void)
{
    struct err err;
    uint64_t header;

    for (int i = 0; i < 2; i++)
        CHECK_OK(file_read("tests/golden/models/e2e/model.safetensors", 1 << 24, &weights[i], &err),
                 err);
    memcpy(&header, weights[1].ptr, 8);
    for (size_t at = 8 + header + 3; at < weights[1].len; at += 4 * 7)
        /* The sign of every seventh weight. */
        weights[1].ptr[at] = (char)(weights[1].ptr[at] ^ 0x80);
}

static void make_model_folder(void)
{
    static const char *const names[] = {"config.json", "vocab.txt"};
    char path[256];
    struct buf bytes = BUF_INIT;
    struct err err;

    strcpy(models, "/tmp/adrank-e2e-model-XXXXXX");
    CHECK(mkdtemp(models));
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "tests/golden/models/e2e/%s", names[i]);
        CHECK_OK(file_read(path, 1 << 24, &bytes, &err), err);
        write_in_place(path_of(models, names[i]), buf_view(&bytes));
    }
    write_in_place(path_of(models, "model.safetensors"), buf_view(&weights[0]));
    buf_release(&bytes);
}

static void remove_model_folder(void)
{
    unlink(path_of(models, "config.json"));
    unlink(path_of(models, "vocab.txt"));
    unlink(path_of(models, "model.safetensors"));
    rmdir(models);
}

static const char *model_config(int top_n)
{
    static char overlay[512];

    snprintf(overlay, sizeof(overlay),
             "{'model':{'path':'%s','backend':'cpu'},'rank':{'top_n':%d}}", models, top_n);
    return driver_config(overlay, NULL);
}

/* ---- load ----------------------------------------------------------------------------------------- */

#define THREADS 4
#define RATE 50 /* of each */
#define MAX_GENERATIONS 1024

static const char body_of_load[] = "{\"id\":\"%s\",\"rank\":{\"candidates\":[{\"adid\":\"a1\"},{"
                                   "\"adid\":\"a3\"},{\"adid\":\"x\",\"bid\":1,"
                                   "\"text\":\"tea pot\"}]}}";

static struct {
    pthread_t threads[THREADS];
    atomic_bool stop;
    atomic_int sent, answered;
    pthread_mutex_t lock; /* guards the rest */
    char failure[1024];   /* the first one */
    struct {
        char digest[16], scores[128];
    } known[2];
    char digests[MAX_GENERATIONS][16]; /* of each generation, as answers told */
} load = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void fail_load(const char *why, const char *detail)
{
    pthread_mutex_lock(&load.lock);
    if (!load.failure[0])
        snprintf(load.failure, sizeof(load.failure), "%s: %.800s", why, detail);
    pthread_mutex_unlock(&load.lock);
}

/* "a1=0.5 a3=0.25 x=0.1", in the order of the ads' names: ranks change with bids, scores do not. */
static void scores_of(const json_t *answer, char *out, size_t size)
{
    static const char *const ads[] = {"a1", "a3", "x"};
    size_t used = 0;

    out[0] = '\0';
    for (size_t a = 0; a < 3; a++)
        for (size_t i = 0; i < json_array_size(json_object_get(answer, "results")); i++) {
            const json_t *r = json_array_get(json_object_get(answer, "results"), i);

            if (strcmp(json_string_value(json_object_get(r, "adid")), ads[a]) == 0)
                used += (size_t)snprintf(out + used, size - used, "%s=%.17g ", ads[a],
                                         json_number_value(json_object_get(r, "pctr")));
        }
}

static const char *known_scores(const char *digest)
{
    for (int i = 0; i < 2; i++)
        if (strcmp(load.known[i].digest, digest) == 0)
            return load.known[i].scores;
    return "of no known model";
}

/* The generation's digest is the same in every answer, and the scores are that model's. */
static void check_answer(const char *id, const char *text, size_t len, json_int_t *generation)
{
    json_t *answer = json_loadb(text, len, 0, NULL);
    const char *digest = json_string_value(json_object_get(answer, "model_digest"));
    json_int_t now = json_integer_value(json_object_get(answer, "generation"));
    char scores[128];
    bool same;

    if (!digest || now < 1 || now >= MAX_GENERATIONS ||
        strcmp(json_string_value(json_object_get(answer, "id")), id) != 0 ||
        json_array_size(json_object_get(answer, "degraded"))) {
        fail_load("answer", text);
        json_decref(answer);
        return;
    }
    if (now < *generation)
        fail_load("an older generation again", text);
    *generation = now;
    scores_of(answer, scores, sizeof(scores));
    if (strcmp(scores, known_scores(digest)) != 0)
        fail_load("scores of another model", text);
    pthread_mutex_lock(&load.lock);
    if (!load.digests[now][0])
        snprintf(load.digests[now], sizeof(load.digests[0]), "%s", digest);
    same = strcmp(load.digests[now], digest) == 0;
    pthread_mutex_unlock(&load.lock);
    if (!same)
        fail_load("two digests of a generation", text);
    json_decref(answer);
}

static void one_call(struct http_client *client, const char *id, json_int_t *generation)
{
    struct http_response response;
    struct err err;
    char body[512];

    snprintf(body, sizeof(body), body_of_load, id);
    atomic_fetch_add(&load.sent, 1);
    if (http_client_call(
            client,
            &(struct http_request){.method = "POST", .target = "/rank", .body = view_of(body)},
            &response, &err)) {
        fail_load("no answer", err.text);
        return;
    }
    atomic_fetch_add(&load.answered, 1);
    if (response.status != 200)
        fail_load("status", response.body.ptr);
    else
        check_answer(id, response.body.ptr, response.body.len, generation);
}

static void *run_load(void *arg)
{
    int thread = (int)(intptr_t)arg;
    int64_t next_us = clock_now_us();
    json_int_t generation = 0;
    struct http_client client;
    struct err err;
    char id[32];

    if (http_client_init(&client, d.address, 20000, &err)) {
        fail_load("client", err.text);
        return NULL;
    }
    for (int i = 0; !atomic_load(&load.stop); i++) {
        int64_t now_us = clock_now_us();

        if (now_us < next_us)
            usleep((useconds_t)(next_us - now_us));
        next_us += 1000000 / RATE;
        snprintf(id, sizeof(id), "t%d-%d", thread, i);
        one_call(&client, id, &generation);
    }
    http_client_release(&client);
    return NULL;
}

static void start_load(void)
{
    atomic_store(&load.stop, false);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&load.threads[i], NULL, run_load, (void *)(intptr_t)i) == 0);
}

static void stop_load(void)
{
    atomic_store(&load.stop, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(load.threads[i], NULL);
}

/* What each model scores, told beforehand. */
static void learn(int which)
{
    char body[512];
    const json_t *answer;

    snprintf(body, sizeof(body), body_of_load, "learn");
    answer = driver_json(driver_rank(&d, body));
    snprintf(load.known[which].digest, sizeof(load.known[0].digest), "%s",
             json_string_value(driver_at(answer, "/model_digest")));
    scores_of(answer, load.known[which].scores, sizeof(load.known[0].scores));
}

/* ---- rounds --------------------------------------------------------------------------------------- */

static json_int_t generation_now(void)
{
    return (json_int_t)driver_metric(&d, "adrank_config_generation");
}

/* Applied, or refused with `place` in the answer and nothing changed. */
static void reload(bool broken, const char *place)
{
    json_int_t before = generation_now();
    const struct driver_response *response = driver_reload(&d, NULL);

    if (!broken) {
        if (response->status != 200 || !strstr(response->body, "\"applied\""))
            FAIL("reload: %d %s", response->status, response->body);
        CHECK_INT(json_integer_value(driver_at(driver_json(response), "/generation")), before + 1);
        return;
    }
    if (response->status != 422 || !strstr(response->body, place))
        FAIL("reload of what is broken: %d %s, want %s", response->status, response->body, place);
    CHECK_INT(generation_now(), before);
    CHECK_INT(driver_metric(&d, "adrank_reload_success"), 0);
}

static void config_round(int i, bool broken)
{
    static const struct {
        const char *text, *place;
    } bad[] = {
        {"{\"rank\":{\"top_n\":", "line 1"},
        {"{\"rank\":{\"tpo_n\":3}}", "/rank/tpo_n"},
        {"{\"rank\":{\"top_n\":0}}", "/rank/top_n"},
        {"{\"model\":{\"path\":\"nowhere\"},\"catalog\":{\"path\":\"catalog.jsonl\"}}", "nowhere"}};

    if (broken) {
        write_either_way(path_of(d.folder, "config.json"), view_of(bad[i / 5 % 4].text));
        reload(true, bad[i / 5 % 4].place);
    }
    write_either_way(path_of(d.folder, "config.json"), view_of(model_config(3 + i % 40)));
    reload(false, NULL);
}

static void catalog_round(int i, bool broken)
{
    struct buf text = BUF_INIT;

    if (broken) {
        buf_printf(&text, "%s{\"adid\":\"n\",\"title\":\"new\",\"bid\":\"dear\"}\n",
                   driver_catalog);
        write_either_way(path_of(d.folder, "catalog.jsonl"), buf_view(&text));
        reload(true, "line 11");
    }
    buf_clear(&text);
    buf_printf(&text, "%s{\"adid\":\"n%d\",\"title\":\"new\",\"bid\":1}\n", driver_catalog, i);
    write_either_way(path_of(d.folder, "catalog.jsonl"), buf_view(&text));
    reload(false, NULL);
    buf_release(&text);
}

static void model_round(int i, bool broken)
{
    const struct buf *bytes = &weights[(i + 1) % 2];

    if (broken) {
        write_either_way(path_of(models, "model.safetensors"),
                         (struct view){bytes->ptr, bytes->len / 2});
        reload(true, "model.safetensors");
    }
    write_either_way(path_of(models, "model.safetensors"), buf_view(bytes));
    reload(false, NULL);
}

TEST(reload__under_load_nothing_is_lost)
{
    int before;

    read_weights();
    make_model_folder();
    driver_start(&d, &(struct driver_args){.plain = true, .config = model_config(45)});
    for (int i = 0; i < 2; i++) {
        learn(i);
        write_in_place(path_of(models, "model.safetensors"), buf_view(&weights[1 - i]));
        reload(false, NULL);
    }
    CHECK(strcmp(load.known[0].digest, load.known[1].digest) != 0);
    CHECK(strcmp(load.known[0].scores, load.known[1].scores) != 0);
    start_load();
    for (int i = 0; i < ROUNDS; i++) {
        bool broken = i % 5 == 4;

        before = atomic_load(&load.answered);
        config_round(i, broken);
        catalog_round(i, broken);
        model_round(i, broken);
        while (atomic_load(&load.answered) < before + 8 && !load.failure[0])
            usleep(1000); /* each state is seen */
    }
    stop_load();
    if (load.failure[0])
        FAIL("%s", load.failure);
    CHECK_INT(atomic_load(&load.answered), atomic_load(&load.sent));
    CHECK_INT(generation_now(), 3 + 3 * ROUNDS);
    printf("     %d requests beside %d reloads, %d of them refused\n", atomic_load(&load.sent),
           3 * ROUNDS + 3 * (ROUNDS / 5), 3 * (ROUNDS / 5));
    remove_model_folder();
    CHECK_INT(driver_stop(&d), 0);
}

/* ---- answers -------------------------------------------------------------------------------------- */

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

TEST(reload__says_what_differs)
{
    const json_t *answer;

    driver_start(&d, &(struct driver_args){.plain = true, .config = driver_config("{}", NULL)});
    answer = answer_of("/admin/reload", 200);
    CHECK_STR(text_at(answer, "/status"), "unchanged");
    CHECK_INT(json_integer_value(driver_at(answer, "/generation")), 1);
    CHECK_INT(json_array_size(driver_at(answer, "/changed")), 0);

    /* Live and restart in one file: the first is applied, the other listed and left. */
    driver_write(&d, "config.json",
                 driver_config("{'rank':{'top_n':1},'http':{'workers':3}}", NULL));
    answer = answer_of("/admin/reload?dry_run=1", 200);
    CHECK_STR(text_at(answer, "/status"), "valid");
    CHECK_STR(text_at(answer, "/changed/0/pointer"), "/rank/top_n");
    CHECK_INT(generation_now(), 1);
    CHECK(strstr(driver_call(d.admin, "GET", "/admin/config", NULL)->body, "\"top_n\":3"));
    answer = answer_of("/admin/reload", 200);
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
                 "{\"rank\":{\"top_n\":0,\"unique\":\"both\"},\"http\":{\"idle_ms\":\"1\"},"
                 "\"lgo\":{},\"log\":{\"slow_ms\":1.5,\"slow_ms\":2}}");
    answer = answer_of("/admin/reload", 422);
    CHECK_STR(text_at(answer, "/code"), "reload_invalid");
    {
        static const char *const want[] = {"/rank/top_n", "/rank/unique", "/http/idle_ms", "/lgo",
                                           "/log/slow_ms"};
        const json_t *errors = driver_at(answer, "/errors");

        for (size_t i = 0; i < 5; i++) {
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

/* Two arrive in one turn of the loop: the second finds the first at work. */
TEST(reload__one_at_a_time)
{
    static const char post[] =
        "POST /admin/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
    struct http_client clients[2];
    struct http_response response;
    struct buf catalog = BUF_INIT;
    int status[2];
    struct err err;

    driver_start(&d, &(struct driver_args){0});
    for (int i = 0; i < 20000; i++)
        buf_printf(&catalog, "{\"adid\":\"n%d\",\"title\":\"one of many\",\"bid\":1}\n", i);
    driver_write(&d, "catalog.jsonl", buf_str(&catalog));
    for (int i = 0; i < 2; i++) {
        CHECK_OK(http_client_init(&clients[i], d.admin, 30000, &err), err);
        CHECK_OK(http_client_connect(&clients[i], &err), err);
    }
    CHECK_INT(driver_call(d.admin, "GET", "/livez", NULL)->status, 200); /* both are accepted */
    driver_kill(&d, SIGSTOP);
    for (int i = 0; i < 2; i++)
        CHECK_OK(http_client_send(&clients[i], VIEW_LIT(post), &err), err);
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

/* What a configuration names outside of the process stays with the old one, too. */
TEST(reload__that_fails_leaves_the_impression_log)
{
    struct err err;
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
    CHECK(access(path_of(d.folder, "second"), F_OK) == -1);
    CHECK_OK(file_read(path_of(d.folder, "first"), 1 << 20, &text, &err), err);
    CHECK(strchr(strchr(buf_str(&text), '\n') + 1, '\n'));
    buf_release(&text);
    driver_stop(&d);
}

TEST_MAIN
