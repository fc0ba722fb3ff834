/* The registry, and its text read back strictly. */
#include "server/metrics/metrics.h"

#include <ctype.h>
#include <math.h>
#include <pthread.h>

#include "market/reasons.h"
#include "tests/test.h"

/* ---- a strict reader of the text format ------------------------------------------------------ */

struct sample {
    char name[128];
    char labels[256]; /* as they stand, le cut out */
    char le[32];      /* "" when absent */
    double value;
};

struct text {
    struct sample samples[4096];
    int n;
    char families[128][128];
    char types[128][16];
    int n_families;
};

static struct text parsed;

static void read_labels(struct sample *s, char *labels)
{
    char *at = labels;

    while (*at) {
        char *name = at, *value;

        while (isalnum((unsigned char)*at) || *at == '_')
            at++;
        CHECK(at > name && at[0] == '=' && at[1] == '"');
        value = at += 2;
        while (*at && *at != '"')
            at += *at == '\\' ? 2 : 1;
        CHECK(*at == '"');
        if (strncmp(name, "le=", 3) == 0)
            snprintf(s->le, sizeof(s->le), "%.*s", (int)(at - value), value);
        else
            snprintf(s->labels + strlen(s->labels), sizeof(s->labels) - strlen(s->labels), "%.*s,",
                     (int)(at - name + 1), name);
        at++;
        if (*at == ',')
            at++;
        else
            CHECK(*at == 0);
    }
}

/* name{labels} value */
static void read_sample(char *line)
{
    struct sample *s = &parsed.samples[parsed.n++];
    char *blank, *brace = strchr(line, '{'), *end;

    CHECK(parsed.n < 4096);
    memset(s, 0, sizeof(*s));
    if (brace) {
        char *close = strrchr(line, '}');

        CHECK(close != NULL);
        *brace = *close = 0;
        read_labels(s, brace + 1);
        blank = close + 1;
    } else {
        blank = strchr(line, ' ');
    }
    CHECK(blank && *blank == ' ');
    *blank = 0;
    snprintf(s->name, sizeof(s->name), "%s", line);
    s->value = strtod(blank + 1, &end);
    CHECK(end > blank + 1 && *end == 0);
    for (int i = 0; i < parsed.n - 1; i++)
        if (strcmp(parsed.samples[i].name, s->name) == 0 &&
            strcmp(parsed.samples[i].labels, s->labels) == 0 &&
            strcmp(parsed.samples[i].le, s->le) == 0)
            FAIL("%s{%s} twice", s->name, s->labels);
}

/* A sample belongs to the last family: its name, with a suffix if it is a histogram. */
static void check_family(const struct sample *s)
{
    const char *family = parsed.families[parsed.n_families - 1];
    size_t len = strlen(family);

    CHECK(strncmp(s->name, family, len) == 0);
    if (strcmp(parsed.types[parsed.n_families - 1], "histogram") == 0)
        CHECK(!strcmp(s->name + len, "_bucket") || !strcmp(s->name + len, "_sum") ||
              !strcmp(s->name + len, "_count"));
    else
        CHECK_STR(s->name, family);
}

static void read_comment(char *line, bool *helped)
{
    char word[8], name[128], type[16];

    if (sscanf(line, "# %7s %127s", word, name) == 2 && strcmp(word, "HELP") == 0) {
        CHECK(!*helped); /* TYPE has to come between */
        for (int i = 0; i < parsed.n_families; i++)
            CHECK(strcmp(parsed.families[i], name) != 0);
        CHECK(strlen(line) > strlen("# HELP  ") + strlen(name));
        snprintf(parsed.families[parsed.n_families++], 128, "%s", name);
        *helped = true;
        return;
    }
    CHECK_INT(sscanf(line, "# TYPE %127s %15s", name, type), 2);
    CHECK(*helped);
    CHECK_STR(name, parsed.families[parsed.n_families - 1]);
    CHECK(!strcmp(type, "counter") || !strcmp(type, "gauge") || !strcmp(type, "histogram"));
    snprintf(parsed.types[parsed.n_families - 1], 16, "%s", type);
    *helped = false;
}

static void parse(const struct buf *buf)
{
    char *text = strndup(buf->ptr, buf->len);
    bool helped = false;

    parsed.n = parsed.n_families = 0;
    CHECK(buf->len > 0 && buf->ptr[buf->len - 1] == '\n');
    for (char *line = text, *lf; *line; line = lf + 1) {
        lf = strchr(line, '\n');
        *lf = 0;
        if (line[0] == '#') {
            read_comment(line, &helped);
        } else {
            CHECK(!helped && parsed.n_families > 0);
            read_sample(line);
            check_family(&parsed.samples[parsed.n - 1]);
        }
    }
    free(text);
}

static const struct sample *find(const char *name, const char *labels, const char *le)
{
    for (int i = 0; i < parsed.n; i++)
        if (!strcmp(parsed.samples[i].name, name) && !strcmp(parsed.samples[i].labels, labels) &&
            !strcmp(parsed.samples[i].le, le))
            return &parsed.samples[i];
    FAIL("no %s{%s} le %s", name, labels, le);
}

static double value(const char *name, const char *labels)
{
    return find(name, labels, "")->value;
}

/* Buckets ascend in bound and count, the last is +Inf and equals _count. */
static void check_histograms(void)
{
    const struct sample *last = NULL;
    int n = 0;

    for (int i = 0; i < parsed.n; i++) {
        const struct sample *s = &parsed.samples[i];
        const char *suffix = strstr(s->name, "_bucket");
        char count[128];

        if (!suffix) {
            CHECK(!last); /* buckets end with +Inf */
            continue;
        }
        n++;
        if (last)
            CHECK(strtod(s->le, NULL) > strtod(last->le, NULL) && s->value >= last->value);
        last = s;
        if (strcmp(s->le, "+Inf") != 0)
            continue;
        snprintf(count, sizeof(count), "%.*s_count", (int)(suffix - s->name), s->name);
        CHECK(s->value == value(count, s->labels));
        last = NULL;
    }
    CHECK(n > 100);
}

static void write_and_parse(struct metrics *metrics)
{
    struct buf text AT_END(buf_release) = BUF_INIT;

    metrics_write(metrics, &text);
    CHECK(!buf_failed(&text));
    parse(&text);
}

static struct metrics_shard *new_shard(struct metrics *metrics)
{
    struct err err;
    struct metrics_shard *shard = metrics_shard_new(metrics, &err);

    CHECK(shard != NULL);
    return shard;
}

/* ---- tests ----------------------------------------------------------------------------------- */

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

/* Every family is there, whatever happened; that they are the contract's: tests/e2e/metrics.c. */
TEST(metrics__writes_every_name)
{
    struct metrics metrics AT_END(metrics_release);

    metrics_init(&metrics);
    metrics_on_refresh(&metrics, refresh, NULL);
    write_and_parse(&metrics);
    check_histograms();
    CHECK_INT(parsed.n_families, METRICS);
    CHECK(value("process_resident_memory_bytes", "") > 100000);
    CHECK(value("process_open_fds", "") >= 3);
    CHECK(value("process_threads", "") >= 1);
    CHECK(value("process_start_time_seconds", "") > 1.7e9);
}

#define STAGE_BUCKET "adrank_stage_duration_seconds_bucket", "stage=\"rank\","

TEST(metrics__adds_up_shards)
{
    static const struct {
        const char *name, *labels, *le;
        int value;
    } sums[] = {
        {"adrank_degraded_total", "reason=\"model\",", "", 5},
        {"adrank_degraded_total", "reason=\"features\",", "", 1},
        {"adrank_degraded_total", "reason=\"privacy\",", "", 0},
        {"adrank_requests_total", "code=\"200\",path=\"/rank\",", "", 7},
        {"adrank_requests_total", "code=\"200\",path=\"/livez\",", "", 2},
        {"adrank_requests_total", "code=\"200\",path=\"/admin\",", "", 0},
        {"adrank_requests_total", "code=\"503\",path=\"/rank\",", "", 0},
        {"adrank_requests_total", "code=\"other\",path=\"other\",", "", 1},
        {"adrank_filtered_total", "reason=\"no_cvr\",", "", 4},
        {"adrank_late_total", "", "", 9},
        {STAGE_BUCKET, "5e-05", 2},
        {STAGE_BUCKET, "0.0001", 3},
        {STAGE_BUCKET, "10", 3},
        {STAGE_BUCKET, "+Inf", 4},
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
    write_and_parse(&metrics);
    check_histograms();
    for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++)
        CHECK_INT(find(sums[i].name, sums[i].labels, sums[i].le)->value, sums[i].value);
    CHECK_NEAR(value("adrank_stage_duration_seconds_sum", "stage=\"rank\","), 1073.741925, 1e-9);
    CHECK_INT(value("adrank_stage_duration_seconds_count", "stage=\"parse\","), 0);
}

TEST(metrics__writes_gauges_that_are_known)
{
    struct metrics metrics AT_END(metrics_release);

    metrics_init(&metrics);
    write_and_parse(&metrics);
    for (int i = 0; i < parsed.n; i++)
        CHECK(strcmp(parsed.samples[i].name, "adrank_redis_up") != 0);
    metrics_set(&metrics, METRIC_REDIS_UP, 1);
    metrics_set(&metrics, METRIC_RELOAD_TIMESTAMP, 1790000000.25);
    metrics_collect(&metrics, METRIC_MODEL_INFO, collect_info, NULL);
    write_and_parse(&metrics);
    CHECK_INT(value("adrank_redis_up", ""), 1);
    CHECK_NEAR(value("adrank_reload_timestamp_seconds", ""), 1790000000.25, 1e-3);
    CHECK_INT(value("adrank_model_info", "name=\"a \\\"b\\\"\\\\\\n\",kind=\"prefix\","), 1);
    CHECK_INT(value("adrank_model_info", "name=\"a \\\"b\\\"\\\\\\n\",kind=\"cross\","), 1);
    metrics_set(&metrics, METRIC_REDIS_UP, NAN);
    write_and_parse(&metrics);
    for (int i = 0; i < parsed.n; i++)
        CHECK(strcmp(parsed.samples[i].name, "adrank_redis_up") != 0);
}

/* The statuses that can be answered have a label of their own. */
TEST(metrics__labels_statuses)
{
    static const int statuses[] = {200, 202, 400, 403, 404, 405, 408, 409,
                                   413, 415, 422, 431, 500, 501, 503};

    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
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

/* Nothing is lost, and what is read meanwhile is consistent (and, under a sanitizer, free of
 * races). */
TEST(metrics__may_be_read_while_it_counts)
{
    struct metrics metrics AT_END(metrics_release);
    pthread_t threads[WRITERS];

    metrics_init(&metrics);
    for (int i = 0; i < WRITERS; i++)
        CHECK(pthread_create(&threads[i], NULL, count, new_shard(&metrics)) == 0);
    for (int i = 0; i < 5; i++) {
        write_and_parse(&metrics);
        check_histograms();
    }
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    write_and_parse(&metrics);
    CHECK_INT(value("adrank_client_gone_total", ""), WRITERS * COUNTS);
    CHECK_INT(value("adrank_request_duration_seconds_count", ""), WRITERS * COUNTS);
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
