/* The registry, and its text. */
#include "server/metrics/metrics.h"

#include <pthread.h>

#include "market/reasons.h"
#include "tests/test.h"

/* Valid until the next call. */
static const char *written(struct metrics *metrics)
{
    static struct buf text;

    buf_clear(&text);
    metrics_write(metrics, &text);
    CHECK(!buf_failed(&text));
    return buf_str(&text);
}

/* The text after "\n<start>"; NULL: there is no such line. */
static const char *after(const char *text, const char *start, int len)
{
    char line[512];
    int n = snprintf(line, sizeof(line), "\n%.*s", len, start);
    const char *at = strstr(text, line);

    CHECK(n < (int)sizeof(line));
    return at ? at + n : NULL;
}

static void check_lines(const char *text, const char *lines)
{
    const char *end = after(text, lines, (int)strlen(lines));

    if (!end || *end != '\n')
        FAIL("no line %s", lines);
}

static double value(const char *text, const char *sample)
{
    const char *at = after(text, sample, (int)strlen(sample));

    CHECK(at && *at == ' ');
    return strtod(at, NULL);
}

/* Bounds and counts ascend; the last bucket is +Inf and has the total count. */
static void check_histogram(const char *text, const char *name)
{
    const char *at = text;
    char start[128];
    double bound = -1, count = 0;

    snprintf(start, sizeof(start), "%s_bucket{le=\"", name);
    while ((at = after(at, start, (int)strlen(start)))) {
        char *end;
        double next_bound = strtod(at, &end), next_count = strtod(end + strlen("\"}"), NULL);

        CHECK(next_bound > bound && next_count >= count);
        bound = next_bound;
        count = next_count;
    }
    CHECK(isinf(bound));
    snprintf(start, sizeof(start), "%s_count", name);
    CHECK(value(text, start) == count);
}

static struct metrics_shard *new_shard(struct metrics *metrics)
{
    struct err err;
    struct metrics_shard *shard = metrics_shard_new(metrics, &err);

    CHECK(shard != NULL);
    return shard;
}

static void collect_info(struct metrics_out *out, void *arg)
{
    struct metrics_label labels[] = {{"name", VIEW_LIT("a \"b\"\\\n")},
                                     {"kind", VIEW_LIT("prefix")}};

    (void)arg;
    metrics_emit(out, labels, 2, 1);
    labels[1].value = VIEW_LIT("cross");
    metrics_emit(out, labels, 2, 1);
}

static void refresh(struct metrics *metrics, void *arg)
{
    (void)arg;
    metrics_set_process(metrics);
}

/* Every family exists, whatever happened, with its own samples, each once; tests/e2e/metrics.c
 * compares them with the contract. */
TEST(metrics__writes_every_family)
{
    static const char *const types[] = {
        [METRIC_COUNTER] = "counter", [METRIC_HISTOGRAM] = "histogram", [METRIC_GAUGE] = "gauge"};
    struct metrics metrics AT_END(metrics_release);
    const char *text, *at;
    char head[256];

    metrics_init(&metrics);
    metrics_on_refresh(&metrics, refresh, NULL);
    at = text = written(&metrics);
    for (int i = 0; i < METRICS; i++) {
        const struct metric_family *family = &metric_families[i];
        size_t len = strlen(family->name);
        int n = snprintf(head, sizeof(head), "# HELP %s %s\n# TYPE %s %s\n", family->name,
                         family->help, family->name, types[family->type]);

        CHECK(strncmp(at, head, (size_t)n) == 0);
        for (at += n; *at && *at != '#'; at = strchr(at, '\n') + 1) {
            CHECK(strncmp(at, family->name, len) == 0);
            CHECK(strchr(family->type == METRIC_HISTOGRAM ? "_" : "{ ", at[len]));
            CHECK(!after(at, at, (int)strcspn(at, " ") + 1));
        }
        if (family->type == METRIC_HISTOGRAM && !family->label)
            check_histogram(text, family->name);
    }
    CHECK(*at == '\0');
    CHECK(value(text, "process_resident_memory_bytes") > 100000);
    CHECK(value(text, "process_open_fds") >= 3);
    CHECK(value(text, "process_threads") >= 1);
    CHECK(value(text, "process_start_time_seconds") > 1.7e9);
}

TEST(metrics__adds_up_shards)
{
    static const char *const lines[] = {
        "adrank_degraded_total{reason=\"features\"} 1",
        "adrank_degraded_total{reason=\"privacy\"} 0",
        "adrank_degraded_total{reason=\"model\"} 5",
        "adrank_requests_total{code=\"200\",path=\"/rank\"} 7",
        "adrank_requests_total{code=\"200\",path=\"/livez\"} 2",
        "adrank_requests_total{code=\"200\",path=\"/admin\"} 0",
        "adrank_requests_total{code=\"503\",path=\"/rank\"} 0",
        "adrank_requests_total{code=\"other\",path=\"other\"} 1",
        "adrank_filtered_total{reason=\"no_cvr\"} 4",
        "adrank_late_total 9",
        "adrank_stage_duration_seconds_count{stage=\"parse\"} 0",
        "adrank_stage_duration_seconds_bucket{stage=\"rank\",le=\"5e-05\"} 2\n"
        "adrank_stage_duration_seconds_bucket{stage=\"rank\",le=\"0.0001\"} 3\n"
        "adrank_stage_duration_seconds_bucket{stage=\"rank\",le=\"0.00025\"} 3",
        "adrank_stage_duration_seconds_bucket{stage=\"rank\",le=\"10\"} 3\n"
        "adrank_stage_duration_seconds_bucket{stage=\"rank\",le=\"+Inf\"} 4\n"
        "adrank_stage_duration_seconds_sum{stage=\"rank\"} 1073.741925\n"
        "adrank_stage_duration_seconds_count{stage=\"rank\"} 4",
    };
    struct metrics metrics AT_END(metrics_release);
    struct metrics_shard *a, *b;

    metrics_init(&metrics);
    a = new_shard(&metrics);
    b = new_shard(&metrics);
    metrics_count(a, METRIC_DEGRADED, DEGRADED_MODEL, 2);
    metrics_count(b, METRIC_DEGRADED, DEGRADED_MODEL, 3);
    metrics_count(b, METRIC_DEGRADED, DEGRADED_FEATURES, 1);
    metrics_count(a, METRIC_REQUESTS, metrics_request_label(200, PATH_RANK), 7);
    metrics_count(b, METRIC_REQUESTS, metrics_request_label(200, PATH_LIVEZ), 2);
    metrics_count(a, METRIC_REQUESTS, metrics_request_label(418, PATH_OTHER), 1);
    metrics_count(a, METRIC_FILTERED, FILTERED_NO_CVR, 4);
    metrics_count(b, METRIC_LATE, 0, 9);
    metrics_observe(a, METRIC_STAGE_DURATION, STAGE_RANK, 50);      /* on a bound: in its bucket */
    metrics_observe(b, METRIC_STAGE_DURATION, STAGE_RANK, 51);      /* in the next */
    metrics_observe(b, METRIC_STAGE_DURATION, STAGE_RANK, -5);      /* counts as 0 */
    metrics_observe(b, METRIC_STAGE_DURATION, STAGE_RANK, 1 << 30); /* beyond the last bound */
    for (int i = 0; i < COUNT(lines); i++)
        check_lines(written(&metrics), lines[i]);
}

TEST(metrics__writes_gauges_that_are_known)
{
    static const char redis_up[] = "# TYPE adrank_redis_up gauge\n";
    struct metrics metrics AT_END(metrics_release);

    metrics_init(&metrics);
    CHECK(strstr(written(&metrics), redis_up)[strlen(redis_up)] == '#');
    metrics_set(&metrics, METRIC_REDIS_UP, 1);
    metrics_set(&metrics, METRIC_RELOAD_TIMESTAMP, 1790000000.25);
    metrics_collect(&metrics, METRIC_MODEL_INFO, collect_info, NULL);
    check_lines(written(&metrics), "adrank_redis_up 1");
    check_lines(written(&metrics), "adrank_reload_timestamp_seconds 1790000000.25");
    check_lines(written(&metrics),
                "adrank_model_info{name=\"a \\\"b\\\"\\\\\\n\",kind=\"prefix\"} 1\n"
                "adrank_model_info{name=\"a \\\"b\\\"\\\\\\n\",kind=\"cross\"} 1");
    metrics_set(&metrics, METRIC_REDIS_UP, NAN);
    CHECK(strstr(written(&metrics), redis_up)[strlen(redis_up)] == '#');
}

/* Each possible answer status has its own label. */
TEST(metrics__labels_statuses)
{
    static const int statuses[] = {200, 202, 400, 403, 404, 405, 408, 409,
                                   413, 415, 422, 431, 500, 501, 503};

    for (int i = 0; i < COUNT(statuses); i++)
        CHECK_INT(atoi(metric_statuses[metrics_request_label(statuses[i], PATH_ADMIN) / PATHS]),
                  statuses[i]);
    CHECK_STR(metric_statuses[metrics_request_label(299, PATH_OTHER) / PATHS], "other");
    CHECK_STR(metric_statuses[metrics_request_label(0, PATH_OTHER) / PATHS], "other");
}

#define WRITERS 3
#define COUNTS 20000

static void *count(void *arg)
{
    struct metrics_shard *shard = arg;

    for (int i = 0; i < COUNTS; i++) {
        metrics_count(shard, METRIC_CLIENT_GONE, 0, 1);
        metrics_observe(shard, METRIC_REQUEST_DURATION, 0, i);
    }
    return NULL;
}

/* Nothing is lost, and concurrent reads are consistent (and, under a sanitizer, free of races). */
TEST(metrics__may_be_read_while_it_counts)
{
    struct metrics metrics AT_END(metrics_release);
    pthread_t threads[WRITERS];

    metrics_init(&metrics);
    for (int i = 0; i < WRITERS; i++)
        CHECK(pthread_create(&threads[i], NULL, count, new_shard(&metrics)) == 0);
    for (int i = 0; i < 5; i++)
        check_histogram(written(&metrics), "adrank_request_duration_seconds");
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    CHECK_INT(value(written(&metrics), "adrank_client_gone_total"), WRITERS * COUNTS);
    CHECK_INT(value(written(&metrics), "adrank_request_duration_seconds_count"), WRITERS * COUNTS);
}

TEST(metrics__refuses_too_many_shards)
{
    struct metrics metrics AT_END(metrics_release);
    struct err err;

    metrics_init(&metrics);
    for (int i = 0; i < METRICS_MAX_SHARDS; i++)
        (void)new_shard(&metrics);
    CHECK(metrics_shard_new(&metrics, &err) == NULL);
    CHECK_INT(err.code, ERR_INTERNAL);
}
