/* Counts outcomes, and reads stage times from bodies. */
#include "bench/load/stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const outcome_names[OUTCOMES] = {"ok", "degraded", "late", "rejected", "failed"};
const char *const stage_names[STAGES] = {"parse", "features", "queue", "infer", "rank", "total"};

int stats_init(struct stats *stats, double seconds)
{
    memset(stats, 0, sizeof(*stats));
    stats->n_series = (int)seconds + 2;
    stats->series = calloc((size_t)stats->n_series, sizeof(*stats->series));
    return stats->series ? 0 : -1;
}

void stats_release(struct stats *stats)
{
    for (int i = 0; stats->series && i < stats->n_series; i++)
        free(stats->series[i].latency);
    free(stats->series);
}

static struct second *second_at(struct stats *stats, double at_s)
{
    int i = at_s < 0 ? 0 : (int)at_s;

    return &stats->series[i < stats->n_series ? i : stats->n_series - 1];
}

static bool holds(struct view body, const char *text)
{
    return body.len && memmem(body.ptr, body.len, text, strlen(text)) != NULL;
}

/* The daemon writes "timing_us" last and without blanks, so that a cheap scan is enough. */
static void take_stages(struct stats *stats, struct view body)
{
    const char *timing = memmem(body.ptr, body.len, "\"timing_us\":{", 13);
    const char *end = body.ptr + body.len;
    char key[32];

    for (int i = 0; timing && i < STAGES; i++) {
        const char *at;
        int n = snprintf(key, sizeof(key), "\"%s\":", stage_names[i]);
        uint64_t us = 0;

        at = memmem(timing, (size_t)(end - timing), key, (size_t)n);
        for (at = at ? at + n : end; at < end && *at >= '0' && *at <= '9'; at++)
            us = us * 10 + (uint64_t)(*at - '0');
        hist_record(&stats->stages[i], us);
    }
}

static uint64_t count_results(struct view body)
{
    uint64_t n = 0;
    const char *at = body.ptr, *end = body.ptr + body.len;

    while ((at = memmem(at, (size_t)(end - at), "\"source\":", 9))) {
        n++;
        at += 9;
    }
    return n;
}

static enum outcome judge(int status, struct view body, int64_t latency_us, int tmax_ms)
{
    if (status == 503)
        return OUTCOME_REJECTED;
    if (status != 200 ||
        !holds(body, "\"results\":")) /* a web server answers anything with a page */
        return OUTCOME_FAILED;
    if (tmax_ms && latency_us > tmax_ms * 1000LL)
        return OUTCOME_LATE;
    if (!holds(body, "\"degraded\":[]") || holds(body, "\"source\":\"prior\""))
        return OUTCOME_DEGRADED;
    return OUTCOME_OK;
}

void stats_answer(struct stats *stats, int status, struct view body, int64_t latency_us,
                  int tmax_ms, double at_s)
{
    enum outcome outcome = judge(status, body, latency_us, tmax_ms);
    struct second *second = second_at(stats, at_s);

    stats->outcomes[outcome]++;
    hist_record(&stats->latency, (uint64_t)latency_us);
    second->outcomes[outcome]++;
    if (!second->latency && (second->latency = malloc(sizeof(*second->latency))))
        hist_init(second->latency);
    if (second->latency)
        hist_record(second->latency, (uint64_t)latency_us);
    if (status != 200)
        return;
    take_stages(stats, body);
    stats->results += count_results(body);
}

void stats_failure(struct stats *stats, double at_s)
{
    stats->outcomes[OUTCOME_FAILED]++;
    second_at(stats, at_s)->outcomes[OUTCOME_FAILED]++;
}

void stats_sent(struct stats *stats, double at_s)
{
    stats->intended++;
    second_at(stats, at_s)->sent++;
}

double stats_rate(const struct stats *stats)
{
    return stats->seconds > 0 ? (double)stats->latency.count / stats->seconds : 0;
}

double stats_goodput(const struct stats *stats)
{
    return stats->seconds > 0 ? (double)stats->outcomes[OUTCOME_OK] / stats->seconds : 0;
}
