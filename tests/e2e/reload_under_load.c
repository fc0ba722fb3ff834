/*
 * Reload of configuration, catalog and model under 200 requests a second: no request is lost, and a
 * broken file leaves the old state in place and is reported with the position of the error.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/e2e/broken_model.h"
#include "tests/e2e/client.h"
#include "tests/e2e/driver.h"
#include "tests/test.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ROUNDS 10
#define LEAST_RATE 20 /* low enough for sanitizers, which are slow */
#else
#define ROUNDS 50
#define LEAST_RATE 180
#endif

static struct driver d;

/* ---- files ----------------------------------------------------------------------------------- */

static const char *models; /* a folder for the model that is being changed */

static void write_by_rename(const char *path, struct view bytes)
{
    const char *beside = js("%s.new", path);

    model_write(beside, bytes);
    CHECK(rename(beside, path) == 0);
}

/* Every other file is replaced by rename, the rest are overwritten. */
static void write_either_way(const char *path, struct view bytes)
{
    static int turn;

    if (turn++ % 2)
        model_write(path, bytes);
    else
        write_by_rename(path, bytes);
}

/* Two models that differ in their weights, and their files' bytes. */
static struct buf weights[2];

static void read_weights(void)
{
    uint64_t header;

    for (int i = 0; i < 2; i++)
        weights[i] = model_read("model.safetensors");
    memcpy(&header, weights[1].ptr, 8);
    for (size_t at = 8 + header + 3; at < weights[1].len; at += 4 * 7)
        /* The sign of every seventh weight. */
        weights[1].ptr[at] = (char)(weights[1].ptr[at] ^ 0x80);
}

static const char *model_config(int top_n)
{
    return driver_config(
        js("{'model':{'path':'%s','backend':'cpu'},'rank':{'top_n':%d}}", models, top_n), NULL);
}

/* ---- load ------------------------------------------------------------------------------------ */

#define THREADS 8
#define RATE 25 /* per client: 200 a second in total, none sent early */
#define MAX_GENERATIONS 1024

#define BODY_OF_LOAD                                                                               \
    "{\"id\":\"%s\",\"rank\":{\"candidates\":[{\"adid\":\"a1\"},{\"adid\":\"a3\"},"                \
    "{\"adid\":\"x\",\"bid\":1,\"text\":\"tea pot\"}]}}"

static struct {
    pthread_t threads[THREADS];
    int64_t start_us;
    double rate; /* requests a second, set at the end */
    atomic_bool stop;
    atomic_int sent, answered;
    pthread_mutex_t lock; /* guards the rest */
    char failure[1024];   /* the first one */
    struct {
        char digest[16], scores[128];
    } known[2];
    char digests[MAX_GENERATIONS][16]; /* of each generation, as answers reported */
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
    struct client_response response;
    struct err err;
    char body[512];

    snprintf(body, sizeof(body), BODY_OF_LOAD, id);
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
    load.start_us = clock_now_us();
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&load.threads[i], NULL, run_load, (void *)(intptr_t)i) == 0);
}

static void stop_load(void)
{
    atomic_store(&load.stop, true);
    load.rate = atomic_load(&load.sent) * 1e6 / (double)(clock_now_us() - load.start_us);
    for (int i = 0; i < THREADS; i++)
        pthread_join(load.threads[i], NULL);
}

/* The scores of each model, requested in advance. */
static void learn(int which)
{
    const json_t *answer = driver_json(driver_rank(&d, js(BODY_OF_LOAD, "learn")));

    snprintf(load.known[which].digest, sizeof(load.known[0].digest), "%s",
             driver_text(answer, "/model_digest"));
    scores_of(answer, load.known[which].scores, sizeof(load.known[0].scores));
}

/* ---- rounds ---------------------------------------------------------------------------------- */

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
        CHECK_INT(driver_int(driver_json(response), "/generation"), before + 1);
        return;
    }
    if (response->status != 422 || !strstr(response->body, place))
        FAIL("reload of a broken file: %d %s, want %s", response->status, response->body, place);
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
        write_either_way(js("%s/config.json", d.folder), view_of(bad[i / 5 % 4].text));
        reload(true, bad[i / 5 % 4].place);
    }
    write_either_way(js("%s/config.json", d.folder), view_of(model_config(3 + i % 40)));
    reload(false, NULL);
}

static void catalog_round(int i, bool broken)
{
    struct buf text AT_END(buf_release) = BUF_INIT;

    if (broken) {
        buf_printf(&text, "%s{\"adid\":\"n\",\"title\":\"new\",\"bid\":\"dear\"}\n",
                   driver_catalog);
        write_either_way(js("%s/catalog.jsonl", d.folder), buf_view(&text));
        reload(true, "line 11");
    }
    buf_clear(&text);
    buf_printf(&text, "%s{\"adid\":\"n%d\",\"title\":\"new\",\"bid\":1}\n", driver_catalog, i);
    write_either_way(js("%s/catalog.jsonl", d.folder), buf_view(&text));
    reload(false, NULL);
}

/* Each way of breaking it in turn, starting from an intact one. */
static void model_round(int i, bool broken)
{
    struct view old = buf_view(&weights[i % 2]), next = buf_view(&weights[(i + 1) % 2]);

    for (int b = 0; broken && b < n_broken_models; b++) {
        model_copy_mend(models, old, write_either_way);
        broken_models[b].break_it(models, next, write_either_way);
        reload(true, broken_models[b].place);
    }
    model_copy_mend(models, next, write_either_way);
    reload(false, NULL);
}

TEST(reload__under_load_nothing_is_lost)
{
    int before, refused = ROUNDS / 5 * (2 + n_broken_models);

    read_weights();
    models = model_copy_make();
    driver_start(&d, &(struct driver_args){.plain = true, .config = model_config(45)});
    for (int i = 0; i < 2; i++) {
        learn(i);
        model_write(js("%s/model.safetensors", models), buf_view(&weights[1 - i]));
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
            usleep(1000); /* lets clients see each state */
    }
    stop_load();
    if (load.failure[0])
        FAIL("%s", load.failure);
    CHECK_INT(atomic_load(&load.answered), atomic_load(&load.sent));
    CHECK_INT(generation_now(), 3 + 3 * ROUNDS);
    printf("     %d requests, %.0f a second, beside %d reloads, %d of them refused\n",
           atomic_load(&load.sent), load.rate, 3 * ROUNDS + refused, refused);
    if (load.rate < LEAST_RATE)
        FAIL("%.0f requests a second, want at least %d", load.rate, LEAST_RATE);
}
