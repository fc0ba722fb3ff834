/*
 * A storm on a daemon with short timers: see storm.h. ADRANK_STORM_SEED and ADRANK_STORM_SECONDS
 * override its seed and duration.
 */
#define _GNU_SOURCE /* memmem */
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "tests/storm/around.h"
#include "tests/storm/lint.h"
#include "tests/storm/wire.h"
#include "tests/test.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SECONDS = 60, PATIENCE_MS = 30000, IS_SANITIZED = 1 };
#else
enum { SECONDS = 5, PATIENCE_MS = 15000, IS_SANITIZED = 0 };
#endif
enum { CLIENTS = 8, QUIET_MS = 20000, MAX_GROWTH_MB = 64, MAX_HELD = 65536 };

static struct driver d;
static struct redis redis;
static struct body_seeds seeds;
static struct storm storm = {
    .daemon = &d, .redis = &redis, .patience_ms = PATIENCE_MS, .lock = PTHREAD_MUTEX_INITIALIZER};

struct state {
    double fds, threads, rss, held;
};

static long number_from_env(const char *name, long otherwise)
{
    const char *text = getenv(name);

    return text && *text ? atol(text) : otherwise;
}

static void *run_clients(void *arg)
{
    struct rng rng;

    rng_init(&rng, storm.seed + 1 + (uint64_t)(uintptr_t)arg);
    while (storm_goes_on(&storm))
        wire_live(&storm, &seeds, &rng);
    return NULL;
}

/* Bodies and answers: arenas are kept for the next requests. */
static double held(void)
{
    return driver_metric(&d, "adrank_memory_bytes{kind=\"body\"}") +
           driver_metric(&d, "adrank_memory_bytes{kind=\"answer\"}");
}

static struct state look(void)
{
    return (struct state){.fds = driver_metric(&d, "process_open_fds"),
                          .threads = driver_metric(&d, "process_threads"),
                          .rss = driver_metric(&d, "process_resident_memory_bytes"),
                          .held = held()};
}

static void start_daemon(void)
{
    static const char *const with_password[] = {"--requirepass", STORM_PASSWORD, NULL};

    redis_start(&redis, with_password);
    driver_start(&d, &(struct driver_args){
                         .plain = true,
                         .config = around_config(&storm),
                         .env = {"STORM_KEY=" STORM_KEY, "STORM_PASSWORD=" STORM_PASSWORD}});
}

static void wait_quiet(void)
{
    int64_t until_us = clock_now_us() + QUIET_MS * 1000LL;

    while (driver_metric(&d, "adrank_connections") > 0) {
        if (clock_now_us() > until_us)
            FAIL("%g connections are still open", driver_metric(&d, "adrank_connections"));
        usleep(50000);
    }
}

/* As it was before, except for spare resources. */
static void check_state(struct state before)
{
    struct state after = look();

    printf("     %.0f descriptors and %.0f threads before, %.0f and %.0f after; %.0f and %.0f MB\n",
           before.fds, before.threads, after.fds, after.threads, before.rss / 1e6, after.rss / 1e6);
    printf("     requests held %.0f bytes before, %.0f at most, %.0f after\n", before.held,
           storm.most_held, after.held);
    CHECK(after.fds <= before.fds + 4);
    CHECK_INT(after.threads, before.threads);
    CHECK(after.held <= MAX_HELD); /* this very connection's, perhaps */
    if (!IS_SANITIZED)
        CHECK(after.rss <= before.rss + MAX_GROWTH_MB * 1e6);
}

static void lint_log(void)
{
    static struct lint_events events;
    const char *log = driver_log(&d), *end;
    int n = 0;

    lint_events_read(&events);
    for (; (end = strchr(log, '\n')); log = end + 1, n++) {
        struct view line = {log, (size_t)(end - log)};
        const char *complaint = lint_line(&events, line);

        if (complaint)
            FAIL("line %d of the log: %s: %.4000s", n + 1, complaint, log);
    }
    if (*log)
        FAIL("the log's last line is incomplete: %s", log);
    printf("     %d lines of log\n", n);
}

/* The log may be long; it contains a sanitizer's report. */
static const char *end_of_log(void)
{
    const char *log = driver_log(&d), *report = strstr(log, "Sanitizer");
    size_t n = strlen(log);

    if (report)
        return report - log > 40 ? report - 40 : log;
    return n > 3000 ? log + n - 3000 : log;
}

static void check_file(const char *name)
{
    static struct buf text;
    const char *at;
    char path[256];
    struct err err;

    snprintf(path, sizeof(path), "%s/%s", d.folder, name);
    CHECK_OK(file_read(path, 1 << 30, &text, &err), err);
    at = memmem(text.ptr, text.len, STORM_MARK, strlen(STORM_MARK));
    if (at)
        FAIL("%s contains a user's id or a secret: %.600s", name,
             at - text.ptr > 200 ? at - 200 : text.ptr);
}

static void check_impressions(void)
{
    static struct buf text;
    char path[256];
    struct err err;
    int n = 0;

    snprintf(path, sizeof(path), "%s/impressions", d.folder);
    CHECK_OK(file_read(path, 1 << 30, &text, &err), err);
    for (char *line = text.ptr, *end; (end = strchr(line, '\n')); line = end + 1, n++) {
        json_t *doc = json_loadb(line, (size_t)(end - line), JSON_REJECT_DUPLICATES, NULL);

        if (!doc)
            FAIL("line %d of log.impressions is not JSON: %.2000s", n + 1, line);
        json_decref(doc);
    }
    CHECK(n > 0);
}

static void check_secrets(void)
{
    static const char *const targets[] = {"/metrics", "/admin/config", "/readyz?verbose=1"};

    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
        if (strstr(driver_call(d.admin, "GET", targets[i], NULL)->body, STORM_MARK))
            FAIL("%s reveals a secret", targets[i]);
}

static void blow(void)
{
    void *(*const around[])(void *) = {around_redis, around_reloads, around_good_client,
                                       around_watch};
    enum { AROUND = sizeof(around) / sizeof(around[0]) };
    pthread_t threads[CLIENTS + AROUND];
    int n = 0;

    storm.until_us = clock_now_us() + number_from_env("ADRANK_STORM_SECONDS", SECONDS) * 1000000LL;
    for (int i = 0; i < AROUND; i++)
        CHECK(pthread_create(&threads[n++], NULL, around[i], &storm) == 0);
    for (int i = 0; i < CLIENTS; i++)
        CHECK(pthread_create(&threads[n++], NULL, run_clients, (void *)(intptr_t)i) == 0);
    while (n)
        pthread_join(threads[--n], NULL);
    printf("     seed %llu: %d connections, %d requests, %d answers, %d reloads, %d good ones;",
           (unsigned long long)storm.seed, storm.connections, storm.sent, storm.answered,
           storm.reloads, storm.good);
    for (int i = 0; i < 600; i++)
        if (storm.statuses[i])
            printf(" %d: %d", i, storm.statuses[i]);
    printf("\n");
}

TEST(hostile_clients__harm_nobody)
{
    struct state before;
    int status;

    storm.seed = (uint64_t)number_from_env("ADRANK_STORM_SEED", 1);
    json_object_seed(1);
    body_seeds_read(&seeds);
    start_daemon();
    around_prepare(&storm);
    before = look();
    blow();
    if (storm.failure[0])
        FAIL("seed %llu: %s\nend of the log:\n%s", (unsigned long long)storm.seed, storm.failure,
             end_of_log());
    wait_quiet();
    check_state(before);
    check_secrets();
    driver_kill(&d, SIGTERM);
    status = driver_wait(&d, 60000);
    if (status)
        FAIL("seed %llu: exit status %d; end of the log:\n%s", (unsigned long long)storm.seed,
             status, end_of_log());
    lint_log();
    check_file("log");
    check_file("impressions");
    check_impressions();
    CHECK_INT(driver_stop(&d), 0);
    redis_stop(&redis);
}
