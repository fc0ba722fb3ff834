/* server/world/loader.c and the code it builds worlds with, over the real engine on the module
 * null. */
#include "server/world/loader.h"

#include <poll.h>
#include <unistd.h>

#include "base/file.h"
#include "server/batch/executor.h"
#include "tests/test.h"

#define MODEL_FOLDER "tests/golden/models/e2e"
/* Members of a configuration. */
#define OPTION ",\"rank\":{\"top_n\":5}"
#define LARGER ",\"batch\":{\"max_tokens\":16384}"
#define RESTART ",\"http\":{\"workers\":7}"
#define AD "{\"adid\":\"a1\",\"title\":\"shoes\",\"bid\":1.0,\"bid_type\":\"cpm\"}\n"

static struct {
    char folder[64], config[96], here[4096];
    struct mailbox box;
    struct executor *executor;
    struct loader *loader;
    struct world *world; /* the running one */
    struct load_result *result;
    int prepared;
    bool unprepared; /* prepare fails */
} s;

static const char *path_of(const char *name)
{
    static char path[160];

    snprintf(path, sizeof(path), "%s/%s", s.folder, name);
    return path;
}

static void put(const char *name, const char *bytes)
{
    struct err err;

    CHECK_OK(file_write(path_of(name), view_of(bytes), &err), err);
}

/* more: members of other sections, after model and catalog. */
static void put_config(const char *more)
{
    char text[8192];

    snprintf(text, sizeof(text),
             "{\"model\":{\"path\":\"%s/" MODEL_FOLDER
             "\"},\"catalog\":{\"path\":\"catalog.jsonl\"}%s}",
             s.here, more);
    put("config.json", text);
}

static int prepare(void *arg, const struct config *config, struct err *err)
{
    CHECK(arg == &s && config);
    s.prepared++;
    return s.unprepared ? err_set(err, ERR_UNAVAILABLE, "not prepared") : 0;
}

static void on_loaded(struct letter *letter, void *reader)
{
    CHECK(reader == &s && !s.result);
    s.result = (struct load_result *)letter;
}

static struct config *read_config(void)
{
    struct arena arena;
    struct problems problems;
    struct config *config = NULL;
    struct err err;

    arena_init(&arena, 4096, 0);
    problems_init(&problems, &arena, 10);
    CHECK_OK(config_new(&(struct config_args){.file = s.config}, &problems, &config, &err), err);
    arena_release(&arena);
    return config;
}

static void start_first(void)
{
    struct config *config = read_config();

    CHECK_INT(loader_start(s.loader, NULL, config, false, on_loaded), 0);
    config_unref(config);
}

/* Waits for the letter; its result stays in s.result. */
static void receive(void)
{
    struct pollfd ready = {.fd = s.box.fd, .events = POLLIN};

    while (!s.result) {
        CHECK(poll(&ready, 1, 60000) == 1);
        mailbox_drain(&s.box, &s);
    }
}

/* Takes the result and drops its world. */
static void put_back(void)
{
    load_result_free(s.result);
    s.result = NULL;
}

static void start_reload(bool dry_run, int want)
{
    CHECK_INT(loader_start(s.loader, s.world, NULL, dry_run, on_loaded), want);
}

static enum load_status reload(bool dry_run)
{
    start_reload(dry_run, 0);
    receive();
    return s.result->status;
}

/* The loaded world becomes the running one. */
static void adopt(void)
{
    CHECK_INT(s.result->status, LOAD_APPLIED);
    world_unref(s.world);
    s.world = s.result->world;
    s.result->world = NULL;
    put_back();
}

static void set_up(void)
{
    struct err err;

    memset(&s, 0, sizeof(s));
    strcpy(s.folder, "/tmp/adrank-loader-XXXXXX");
    CHECK(mkdtemp(s.folder) && getcwd(s.here, sizeof(s.here)));
    snprintf(s.config, sizeof(s.config), "%s/config.json", s.folder);
    put("catalog.jsonl", AD);
    put_config("");
    CHECK_OK(mailbox_init(&s.box, &err), err);
    CHECK_OK(executor_open(
                 &(struct executor_args){
                     .launcher = {.backend = MODULES "/adrank-backend-null.so",
                                  .device = "",
                                  .linear = "",
                                  .threads = 1},
                     .max_queue = 16,
                     .max_batch_jobs = 16,
                     .options = &(struct executor_options){.max_tokens = 8192, .max_queue = 16},
                     .deadline = &(struct deadline_options){0}},
                 &s.executor, &err),
             err);
    CHECK_OK(loader_open(&(struct loader_args){.config = {.file = s.config},
                                               .executor = s.executor,
                                               .caps = executor_caps(s.executor),
                                               .home = &s.box,
                                               .prepare = prepare,
                                               .arg = &s},
                         &s.loader, &err),
             err);
}

static void start(void)
{
    set_up();
    start_first();
    receive();
    if (s.result->status != LOAD_APPLIED)
        FAIL("%s", s.result->err.text);
    adopt();
}

/* In every case one reference to the running world is left, and its engines close with it. */
static void end(void)
{
    loader_stop(s.loader);
    mailbox_drain(&s.box, &s);
    if (s.result)
        put_back();
    loader_close(s.loader);
    if (s.world)
        CHECK_INT(atomic_load(&s.world->refs), 1);
    world_unref(s.world);
    executor_close(s.executor);
    mailbox_release(&s.box);
    unlink(path_of("catalog.jsonl"));
    unlink(path_of("config.json"));
    rmdir(s.folder);
}

TEST(loader__first_world_has_generation_one)
{
    start();
    CHECK_INT(s.world->generation, 1);
    CHECK_INT(atomic_load(&s.world->refs), 1);
    CHECK(catalog_find(s.world->catalog, VIEW_LIT("a1")));
    CHECK_INT(s.prepared, 1);
    end();
}

TEST(loader__first_load_that_fails_frees_its_configuration)
{
    set_up();
    put("catalog.jsonl", "{}\n");
    start_first();
    receive();
    CHECK_INT(s.result->status, LOAD_FAILED);
    CHECK(!s.result->world && s.result->problems.n);
    CHECK_INT(s.result->err.code, ERR_DATA);
    put_back();
    end();
}

/* One reload: what it changes and rereads; the rest stays that of the old world. */
static const struct row {
    const char *name, *more, *catalog; /* the catalog NULL: stays; "": is removed */
    enum load_status status;
    const char *text; /* in the diff, or in the error */
    int top_n;        /* in effect then; 0: the default */
    bool catalog_new, engines_new;
    bool unprepared; /* the last step fails */
} rows[] = {
    {"nothing", "", NULL, LOAD_UNCHANGED, .text = "\"changed\":[]"},
    {"option", OPTION, NULL, LOAD_APPLIED, .text = "/rank/top_n", .top_n = 5},
    {"smaller batch", ",\"batch\":{\"max_tokens\":4096}", NULL, LOAD_APPLIED,
     .text = "/batch/max_tokens"},
    {"larger batch", LARGER, NULL, LOAD_APPLIED, .text = "/batch/max_tokens", .engines_new = true},
    {"catalog", "", AD "\n", LOAD_APPLIED, .text = "\"files\":[\"catalog\"]", .catalog_new = true},
    {"restart", RESTART, NULL, LOAD_UNCHANGED,
     .text = "\"needs_restart\":[{\"pointer\":\"/http/workers\""},
    {"restart and option", RESTART OPTION, NULL, LOAD_APPLIED, .text = "/rank/top_n", .top_n = 5},
    /* Engines are opened and closed again. */
    {"dry run", LARGER, AD "\n", LOAD_VALID, .text = "/batch/max_tokens"},
    /* A broken file leaves the old world. */
    {"bad option", ",\"rank\":{\"top_n\":0}", NULL, LOAD_FAILED, .text = "/rank/top_n"},
    {"syntax", ",,", NULL, LOAD_FAILED, .text = "line 1"},
    {"bad ad", "", AD "{\"adid\":7}\n", LOAD_FAILED, .text = "line 2"},
    {"no catalog", "", "", LOAD_FAILED, .text = "catalog.jsonl"},
    {"option, bad catalog", OPTION, "x", LOAD_FAILED, .text = "line 1"},
    {"resources", OPTION, NULL, LOAD_FAILED, .text = "not prepared", .unprepared = true},
};

static void check_taken_over(const struct world *old, const struct row *row)
{
    CHECK_INT(s.world->generation, 2);
    CHECK_INT(s.world->catalog != old->catalog, row->catalog_new);
    CHECK_INT(world_model(s.world)->ads != world_model(old)->ads, row->catalog_new);
    CHECK_INT(world_model(s.world)->served != world_model(old)->served, row->engines_new);
    CHECK(world_model(s.world)->model == world_model(old)->model);
    CHECK_INT(atomic_load(&old->refs), 1);
}

static void check_reload(const struct row *row, bool dry_run)
{
    bool failed = row->status == LOAD_FAILED;
    struct world *old;

    test_row("loader: %s%s", row->name, dry_run ? ", dry run" : "");
    start();
    old = world_ref(s.world);
    s.unprepared = row->unprepared;
    put_config(row->more);
    if (row->catalog)
        put("catalog.jsonl", row->catalog);
    if (row->catalog && !row->catalog[0])
        unlink(path_of("catalog.jsonl"));
    CHECK_INT(reload(dry_run), row->status);
    CHECK(strstr(failed ? s.result->err.text : buf_str(&s.result->diff), row->text));
    /* Also without a change, for log rotation. */
    CHECK_INT(s.prepared, failed || dry_run ? 1 + row->unprepared : 2);
    CHECK_INT(s.result->world != NULL, row->status == LOAD_APPLIED);
    if (s.result->world) {
        adopt();
        check_taken_over(old, row);
    } else {
        put_back();
        CHECK_INT(atomic_load(&s.world->refs), 2);
    }
    CHECK_INT(s.world->config->http.workers, 1);
    CHECK_INT(s.world->config->rank.top_n, row->top_n ? row->top_n : old->config->rank.top_n);
    world_unref(old);
    /* Whatever failed, a fixed file is noticed. */
    s.unprepared = false;
    put_config(",\"rank\":{\"top_n\":7}");
    put("catalog.jsonl", AD);
    CHECK_INT(reload(false), LOAD_APPLIED);
    adopt();
    CHECK_INT(s.world->config->rank.top_n, 7);
    end();
}

TEST(loader__reloads_what_changed_or_nothing)
{
    for (int i = 0; i < COUNT(rows); i++) {
        check_reload(&rows[i], rows[i].status == LOAD_VALID);
        if (rows[i].status == LOAD_FAILED && !rows[i].unprepared) /* a dry run does not prepare */
            check_reload(&rows[i], true);
    }
}

/* Between the letter's posting and its delivery too: a second load would start from the old world.
 */
TEST(loader__is_busy_until_its_result_is_freed)
{
    struct pollfd ready;

    start();
    put_config(OPTION);
    start_reload(false, 0);
    start_reload(false, -1);
    ready = (struct pollfd){.fd = s.box.fd, .events = POLLIN};
    CHECK(poll(&ready, 1, 60000) == 1);
    start_reload(false, -1);
    receive();
    start_reload(false, -1);
    adopt();
    CHECK_INT(reload(false), LOAD_UNCHANGED);
    put_back();
    end();
}

/* As when the daemon exits in the middle of a load. */
TEST(loader__stop_waits_and_nothing_starts)
{
    start();
    put_config(LARGER);
    start_reload(false, 0);
    executor_stop(s.executor, 0);
    loader_stop(s.loader);
    mailbox_drain(&s.box, &s);
    CHECK(s.result); /* applied, aborted, or refused by the stopping executor */
    put_back();
    start_reload(false, -1);
    end();
}

/* Whatever stage it was in, its result arrives, and the running world is intact. */
TEST(loader__stop_right_after_start)
{
    int given_up[2] = {0, 0}; /* with the old catalog, with a new one */

    for (int i = 0; i < 50; i++) {
        start();
        put_config(LARGER);
        if (i % 2)
            put("catalog.jsonl", AD "\n");
        start_reload(false, 0);
        CHECK(loader_busy(s.loader));
        usleep((useconds_t)i * 20);
        loader_stop(s.loader);
        mailbox_drain(&s.box, &s);
        CHECK(s.result && loader_busy(s.loader));
        if (s.result->status == LOAD_FAILED) {
            CHECK(!s.result->world && strstr(s.result->err.text, "stopping"));
            CHECK_INT(s.result->err.code, ERR_UNAVAILABLE);
            given_up[i % 2]++;
        }
        end();
    }
    CHECK(given_up[0] && given_up[1]); /* the first ones are stopped before anything is open */
}
