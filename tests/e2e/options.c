/*
 * Every option of server/world/options.c: it is in --help, in config/adrankd.json and in the answer
 * of a reload, and changing it changes what the daemon does. A row has a check of that: false with
 * the row's `with` over the driver's defaults, true once `to` has been applied, by reload or, for
 * options that need it, by restart.
 */
#include "tests/e2e/options.h"

#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/world/options.h"
#include "tests/e2e/client.h"
#include "tests/e2e/shell.h"

struct driver option_driver;
struct redis option_redis;

bool option_within(int ms, bool (*seen)(void))
{
    int64_t until_us = clock_now_us() + ms * 1000LL;

    while (!seen()) {
        if (clock_now_us() > until_us)
            return false;
        usleep(5000);
    }
    return true;
}

/* row NULL: there is none. */
static struct config_option find(const char *pointer)
{
    struct config_option option;

    for (int i = 0; option_at(i, &option); i++)
        if (strcmp(js("/%s/%s", option.section, option.row->name), pointer) == 0)
            return option;
    return (struct config_option){0};
}

static const struct option_case *case_of(const struct config_option *option)
{
    const char *pointer = js("/%s/%s", option->section, option->row->name);

    for (int i = 0; i < n_option_cases; i++)
        if (strcmp(option_cases[i].pointer, pointer) == 0)
            return &option_cases[i];
    return NULL;
}

TEST(options__each_has_a_row)
{
    struct config_option option;

    for (int i = 0; option_at(i, &option); i++)
        if (!case_of(&option))
            FAIL("%s.%s has no row", option.section, option.row->name);
    for (int i = 0; i < n_option_cases; i++)
        if (!find(option_cases[i].pointer).row)
            FAIL("%s is not an option", option_cases[i].pointer);
}

TEST(options__each_is_in_the_help)
{
    struct buf help AT_END(buf_release) = BUF_INIT;
    struct config_option option;
    char line[512];

    CHECK_INT(shell(&help, "%s --help", driver_build_path("bin/adrankd")), 0);
    for (int i = 0; option_at(i, &option); i++) {
        const struct option_row *o = option.row;
        const char *end = o->restart ? "needs a restart)\n" : "live)\n", *at;

        snprintf(line, sizeof(line), "  %s.%s = %s\n      %s (", option.section, o->name,
                 o->fallback, o->help);
        at = strstr(buf_str(&help), line);
        if (!at)
            FAIL("--help lacks: %s", line);
        at = strchr(at + strlen(line), '\n') + 1 - strlen(end);
        CHECK(strncmp(at, end, strlen(end)) == 0);
    }
}

/* Every option has its default, and the file has nothing else. */
TEST(options__each_is_in_the_shipped_file)
{
    json_error_t error;
    json_t *file = json_load_file("config/adrankd.json", JSON_REJECT_DUPLICATES, &error);
    const char *section;
    struct config_option option;
    json_t *members;
    int i, n = 0;

    if (!file)
        FAIL("config/adrankd.json: %s", error.text);
    for (i = 0; option_at(i, &option); i++) {
        const struct option_row *o = option.row;
        json_t *want = json_loads(o->fallback, JSON_DECODE_ANY, NULL);
        const json_t *got = json_object_get(json_object_get(file, option.section), o->name);

        if (!got || !(json_is_number(want)
                          ? json_is_number(got) && json_number_value(want) == json_number_value(got)
                          : json_equal(want, got)))
            FAIL("config/adrankd.json: %s.%s is not %s", option.section, o->name, o->fallback);
        json_decref(want);
    }
    json_object_foreach(file, section, members) n += (int)json_object_size(members);
    CHECK_INT(n, i);
    json_decref(file);
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* @R in a row is the port of its Redis, @S that of a server that accepts and never answers. */
static const char *filled(const char *text)
{
    const char *at = text ? strchr(text, '@') : NULL;

    if (!at)
        return text ? text : "{}";
    return js("%.*s%d%s", (int)(at - text), text,
              at[1] == 'R' ? option_redis.port : option_silent_port(), at + 2);
}

/* The whole file, with or without the change. */
static const char *config_of(const struct option_case *row, bool changed)
{
    const struct config_option option = find(row->pointer);
    const char *change = js("{'%s':{'%s':%s}}", option.section, option.row->name, filled(row->to));

    return driver_config(filled(row->with), changed ? change : "{}", NULL);
}

static void start(const struct option_case *row, bool changed)
{
    struct driver_args args = {.plain = true, .no_wait = true, .config = config_of(row, changed)};

    memcpy(args.env, row->env, sizeof(row->env));
    driver_start(&option_driver, &args);
    driver_write(&option_driver, "other.jsonl", "{\"adid\":\"z1\",\"title\":\"tea\",\"bid\":1}\n");
    driver_write(&option_driver, "otherkey", "quite another key\n");
    CHECK_INT(shell(NULL, "ln -s $PWD/" DRIVER_MODEL " %s/other", option_driver.folder), 0);
    driver_wait_ready(&option_driver);
}

/* If the option needs a restart, the daemon reports that and continues as before. */
static void reload(const struct option_case *row)
{
    const struct option_row *o = find(row->pointer).row;
    const struct driver_response *response = driver_reload(&option_driver, config_of(row, true));
    const json_t *answer, *reported;

    if (response->status != 200)
        FAIL("reload: %d %s", response->status, response->body);
    answer = driver_json(response);
    CHECK_STR(driver_text(answer, "/status"), o->restart ? "unchanged" : "applied");
    CHECK_INT(json_array_size(driver_at(answer, "/changed")), o->restart ? 0 : 1);
    CHECK_INT(json_array_size(driver_at(answer, "/needs_restart")), o->restart ? 1 : 0);
    reported = driver_at(answer, o->restart ? "/needs_restart/0" : "/changed/0");
    CHECK_STR(driver_text(reported, "/pointer"), row->pointer);
    CHECK_STR(driver_text(reported, "/effect"), o->restart ? "restart" : "live");
    CHECK(driver_at(reported, "/old") && driver_at(reported, "/new"));
    CHECK(!json_equal(driver_at(reported, "/old"), driver_at(reported, "/new")));
    CHECK_INT(driver_int(answer, "/generation"), o->restart ? 1 : 2);
}

static void stop(void)
{
    driver_kill(&option_driver, SIGTERM);
    (void)driver_wait(&option_driver, 2000); /* a second signal would cut its drain short */
    driver_stop(&option_driver);
}

static void check_row(const struct option_case *row)
{
    start(row, false);
    if (option_seen(row))
        FAIL("%s: seen before the change", row->pointer);
    if (row->ends) {
        stop();
        start(row, false);
    }
    reload(row);
    if (find(row->pointer).row->restart) {
        if (option_seen(row))
            FAIL("%s: seen before the restart", row->pointer);
        stop();
        start(row, true);
    }
    if (!option_seen(row))
        FAIL("%s: not seen; log:\n%s", row->pointer, driver_log(&option_driver));
    stop();
}

TEST(options__each_changes_what_the_daemon_does)
{
    const char *only = getenv("ADRANK_OPTION"); /* runs a single row, for manual use */

    for (int i = 0; i < n_option_cases; i++) {
        const struct option_case *row = &option_cases[i];

        if (only && strcmp(only, row->pointer) != 0)
            continue;
        if (row->redis)
            redis_start(&option_redis, row->redis);
        test_row("options: %s", row->pointer);
        check_row(row);
        if (row->redis)
            redis_stop(&option_redis);
    }
}

/* The reference is the same, the secret is not: still a change, and the secret is never shown. */
TEST(options__a_rewritten_secret_is_a_change)
{
    const char *config = driver_config("{'privacy':{'user_key':{'$file':'key'}}}", NULL);
    const struct driver_response *response;
    struct driver *d = &option_driver;

    driver_start(d, &(struct driver_args){.plain = true, .config = config});
    driver_write(d, "key", "rewritten secret\n");
    response = driver_reload(d, NULL);
    CHECK_STR(driver_text(driver_json(response), "/changed/0/pointer"), "/privacy/user_key");
    CHECK(!strstr(response->body, "rewritten"));
    CHECK(!strstr(driver_call(d->admin, "GET", "/admin/config", NULL)->body, "rewritten"));
    CHECK(!strstr(driver_log(d), "rewritten"));
}
