/* adrankd's command line, exit statuses and signals (CONTRACT 2). */
#include <signal.h>

#include "tests/e2e/broken_model.h"
#include "tests/e2e/client.h"
#include "tests/e2e/driver.h"
#include "tests/e2e/shell.h"
#include "tests/test.h"

static struct driver d;

static const struct {
    const char *name;
    struct driver_args args;
    int status;
    const char *log;
} rows[] = {
    {"unknown option", {.argv = {"--nonsense"}}, 64, "--nonsense: unknown option"},
    {"surplus argument", {.argv = {"surplus"}}, 64, "surplus: no such argument"},
    {"option without value", {.argv = {"--set"}}, 64, "needs a value"},
    {"two modes", {.argv = {"--version", "--help"}}, 64, "only one of"},
    {"probe of nothing", {.argv = {"--probe", "health"}}, 64, "must be ready or live"},
    {"bad set", {.sets = {"http.workers=0"}}, 78, "/http/workers: must be from 1"},
    {"set without value", {.sets = {"http"}}, 78, "must be section.option=value"},
    {"broken configuration",
     {.config = "{\"http\":{\"workers\":0,\"x\":1}}"},
     78,
     "config.json: /http/x: unknown option"},
    {"broken syntax", {.config = "{\n  \"http\": }"}, 78, "line 2"},
    {"missing configuration",
     {.argv = {"-c", "/nonexistent/adrankd.json"}},
     66,
     "/nonexistent/adrankd.json"},
    {"missing secret",
     {.sets = {"privacy.user_key={\"$env\":\"ADRANK_NO_SUCH\"}"}},
     78,
     "/privacy/user_key"},
    {"missing model", {.model = "/nonexistent"}, 66, "/nonexistent"},
    {"missing catalog", {.sets = {"catalog.path=/nonexistent.jsonl"}}, 66, "/nonexistent.jsonl"},
    {"bad catalog", {.catalog = "{\"adid\":\"a\",\"title\":\"t\",\"bid\":-1}\n"}, 65, "line 1"},
    {"catalog with a byte order mark",
     {.catalog = "\xef\xbb\xbf{\"adid\":\"a\",\"title\":\"t\",\"bid\":1}\n"},
     65,
     "line 1: not JSON: byte 0: not a JSON value: starts with a byte order mark"},
    {"bad model", {.model = "tests/e2e"}, 66, "config.json"},
    {"no such backend", {.backend = "/nonexistent/module.so"}, 69, "/nonexistent/module.so"},
    {"no cuda", {.backend = "cuda"}, 69, "cuda"},
    {"f16 on the cpu", {.backend = "cpu", .sets = {"model.precision=f16"}}, 78, "f16"},
    {"int8 on the cpu", {.backend = "cpu", .sets = {"model.precision=int8"}}, 78, "int8"},
    {"impression log in no folder",
     {.sets = {"log.impressions=/nonexistent/log"}},
     69,
     "/log/impressions"},
    {"help", {.argv = {"--help"}}, 0, "usage: adrankd"},
    {"version", {.argv = {"--version"}}, 0, "adrankd 0."},
    {"check", {.argv = {"--check-config"}}, 0, NULL},
    {"check of a broken one",
     {.config = "[]", .argv = {"--check-config"}},
     78,
     "must be an object"},
    {"check of one address for both",
     {.config = "{\"http\":{\"address\":\"127.0.0.1:8081\"}}",
      .argv = {"--check-config"},
      .plain = true},
     78,
     "/admin/address: must not be http.address"},
    {"check of a file with a byte order mark",
     {.config = "\xef\xbb\xbf{}", .argv = {"--check-config"}},
     78,
     "config.json: line 1, column 1: starts with a byte order mark"},
    {"check of an empty file",
     {.config = " ", .argv = {"--check-config"}},
     78,
     "config.json: line 1"},
    {"too few files", {.files_soft = 10, .files_hard = 10}, 69, "only 10 open files are allowed"},
    {"check of a key with control characters",
     {.config = "{\"http\":{\"x\\u001b[31m\\n\\u009b\":1}}", .argv = {"--check-config"}},
     78,
     "/http/x\\u001b[31m\\u000a\\u009b: unknown option"},
    {"probe with a broken configuration",
     {.config = "[]", .argv = {"--probe", "live"}},
     78,
     "must be an object"},
    {"probe with none",
     {.argv = {"-c", "/nonexistent/adrankd.json", "--probe", "live"}},
     66,
     "/nonexistent/adrankd.json"},
    {"print", {.argv = {"--print-config"}}, 0, "\"max_candidates\":200"},
    {"print what the device decides",
     {.backend = "cpu", .argv = {"--print-config"}},
     0,
     "\"batch\":{\"max_tokens\":8192"},
};

TEST(cli__exit_statuses)
{
    for (int i = 0; i < COUNT(rows); i++) {
        test_row("cli: %s", rows[i].name);
        CHECK_INT(driver_run(&rows[i].args, rows[i].log), rows[i].status);
    }
}

TEST(cli__exit_statuses_of_broken_models)
{
    const char *folder = model_copy_make();

    for (int i = 0; i < n_broken_models; i++) {
        const struct broken_model *broken = &broken_models[i];
        struct buf weights = model_read("model.safetensors");

        test_row("cli: %s", broken->name);
        model_copy_mend(folder, buf_view(&weights), model_write);
        broken->break_it(folder, buf_view(&weights), model_write);
        CHECK_INT(
            driver_run(&(struct driver_args){.model = folder, .backend = "cpu"}, broken->place),
            broken->status);
        buf_release(&weights);
    }
}

/* Every mistake is reported, up to a limit; the rest are counted. */
TEST(cli__a_check_reports_every_mistake)
{
    static const int counts[] = {300, 8000};

    for (int i = 0; i < COUNT(counts); i++) {
        const char *config = js("{%s}", js_list(counts[i], "'#_section':{}")), *more;
        int rest = 0;

        test_row("cli: %d mistakes", counts[i]);
        driver_start(&d, &(struct driver_args){
                             .config = config, .argv = {"--check-config"}, .no_wait = true});
        CHECK_INT(driver_wait(&d, 20000), 78);
        more = strstr(driver_log(&d), ": and ");
        if (more)
            rest = atoi(more + strlen(": and "));
        CHECK_INT(driver_logged(&d, "_section: unknown section\n") + rest, counts[i]);
        CHECK_INT(rest > 0, counts[i] > 7000);
    }
}

static void check_first_line(void)
{
    static const char *const keys[] = {"version=",   "backend=null", "device=",   "model=e2e",
                                       "precision=", "address=127.", "admin=127."};
    const char *log = driver_log(&d), *line = js("%.*s", (int)strcspn(log, "\n"), log);

    for (int i = 0; i < COUNT(keys); i++)
        if (!strstr(line, keys[i]))
            FAIL("first line lacks %s: %s", keys[i], line);
}

TEST(cli__first_log_line_says_who_and_where)
{
    driver_start(&d, &(struct driver_args){0});
    check_first_line();
    test_row("cli: Redis is down");
    driver_start(&d,
                 &(struct driver_args){.redis = "redis://127.0.0.1:1", .sets = {"http.workers=3"}});
    driver_wait_log(&d, "event=redis_disconnected");
    check_first_line();
}

TEST(cli__probe_asks_a_running_daemon)
{
    driver_start(&d, &(struct driver_args){.sets = {"http.drain_grace_ms=20000"}});
    CHECK_INT(driver_probe(&d, "ready"), 0);
    CHECK_INT(driver_probe(&d, "live"), 0);
    /* the address comes from the configuration file, as for a health check */
    driver_write(&d, "config.json", js("{'admin':{'address':'%s'}}", d.admin));
    CHECK_INT(shell(NULL, "%s -c %s/config.json --probe ready", driver_build_path("bin/adrankd"),
                    d.folder),
              0);
    CHECK_INT(driver_call(d.admin, "POST", "/admin/drain", NULL)->status, 202);
    CHECK_INT(driver_probe(&d, "ready"), 1);
    CHECK_INT(driver_probe(&d, "live"), 0);
    driver_kill(&d, SIGTERM); /* the first signal: the drain continues */
    driver_kill(&d, SIGINT);
    CHECK_INT(driver_wait(&d, 10000), 0);
    driver_check_log(&d, "event=forced_shutdown");
    CHECK_INT(driver_probe(&d, "live"), 1);
}

TEST(cli__term_and_int_drain)
{
    static const int signals[] = {SIGTERM, SIGINT};

    for (int i = 0; i < COUNT(signals); i++) {
        struct client_response response;
        struct http_client client;

        driver_start(&d, &(struct driver_args){.sets = {"http.drain_grace_ms=1000"}});
        client_open(&client, d.address);
        driver_kill(&d, signals[i]);
        driver_wait_log(&d, "event=draining");
        /* The idle connection is served once more, new ones are accepted; both get "close". */
        client_send(&client, client_post(DRIVER_ONE_AD, ""));
        response = client_answer(&client);
        CHECK_INT(response.status, 200);
        CHECK(!response.keep_alive);
        CHECK_INT(driver_call(d.address, "GET", "/readyz", NULL)->status, 503);
        CHECK_INT(driver_rank(&d, DRIVER_ONE_AD)->status, 200);
        http_client_release(&client);
        CHECK_INT(driver_wait(&d, 10000), 0);
        driver_check_log(&d, "event=drained cut=0");
    }
}

TEST(cli__drain_cuts_what_stays_too_long)
{
    struct http_client client;

    driver_start(&d, &(struct driver_args){.sets = {"http.drain_max_ms=300"}});
    client_open(&client, d.address);
    client_send(&client, VIEW_LIT("POST /rank HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"));
    driver_kill(&d, SIGTERM);
    CHECK_INT(driver_wait(&d, 5000), 0);
    driver_check_log(&d, "event=drained cut=1");
    http_client_release(&client);
}

/* USR2 would kill the process by default; the daemon logs and ignores it. */
TEST(cli__hup_reloads_and_pipe_and_usr2_are_ignored)
{
    driver_start(&d, &(struct driver_args){0});
    driver_kill(&d, SIGPIPE);
    driver_write(&d, "config.json", "{\"rank\":{\"top_n\":7}}");
    driver_kill(&d, SIGHUP);
    driver_wait_log(&d, "status=applied generation=2");
    CHECK(strstr(driver_call(d.admin, "GET", "/admin/config", NULL)->body, "\"top_n\":7"));
    driver_write(&d, "config.json", "{\"rank\":{\"top_n\":-7}}");
    driver_kill(&d, SIGHUP);
    driver_wait_log(&d, "event=reload_failed");
    driver_check_log(&d, "/rank/top_n");
    driver_kill(&d, SIGUSR2);
    driver_wait_log(&d, "event=signal_ignored signal=USR2");
    CHECK_INT(driver_rank(&d, DRIVER_ONE_AD)->status, 200);
}

#define CONNECTIONS 100

/* The soft limit of open files is raised to the hard one: all connections are open and answered at
 * the same time. */
TEST(cli__more_connections_than_the_soft_limit_of_files)
{
    struct http_client clients[CONNECTIONS];

    driver_start(&d, &(struct driver_args){.files_soft = 64});
    CHECK(driver_metric(&d, "process_max_fds") > 64);
    for (int i = 0; i < CONNECTIONS; i++) {
        client_open_rank(&clients[i], d.address, DRIVER_ONE_AD);
        CHECK_INT(client_receive(&clients[i]), 200);
    }
    CHECK_INT(driver_metric(&d, "adrank_connections"), CONNECTIONS);
    for (int i = 0; i < CONNECTIONS; i++)
        http_client_release(&clients[i]);
}

TEST(cli__fewer_files_than_connections_is_a_warning)
{
    driver_start(&d, &(struct driver_args){.files_soft = 64,
                                           .files_hard = 512,
                                           .sets = {"http.max_connections=1000"}});
    driver_wait_log(&d, "event=world_warning warning=\"http.max_connections: 1000 and ");
    driver_start(&d, &(struct driver_args){.files_soft = 64,
                                           .files_hard = 512,
                                           .sets = {"http.max_connections=100"}});
    CHECK(!strstr(driver_log(&d), "event=world_warning"));
}

/* A full pipe must not stop an answer: lines are dropped and counted. */
TEST(cli__a_full_log_pipe_drops_lines)
{
    driver_start(&d, &(struct driver_args){.log_pipe = true, .sets = {"log.sample=1"}});
    for (int i = 0; i < 400; i++)
        CHECK_INT(driver_rank(&d, DRIVER_ONE_AD)->status, 200);
    CHECK(driver_metric(&d, "adrank_log_dropped_total") > 0);
}
