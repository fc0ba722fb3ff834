/* The rows, their label values and bucket bounds. */
#include "server/metrics/table.h"

#include <stdlib.h>

#include "market/reasons.h"

#define N(array) (int)(sizeof(array) / sizeof((array)[0]))

const char *const metrics_stage_names[STAGES + 1] = {
    [STAGE_PARSE] = "parse", [STAGE_FEATURES] = "features", [STAGE_QUEUE] = "queue",
    [STAGE_INFER] = "infer", [STAGE_RANK] = "rank",         [STAGE_TOTAL] = "total",
};

const char *const metrics_path_names[PATHS + 1] = {
    [PATH_OTHER] = "other",    [PATH_RANK] = "/rank",       [PATH_LIVEZ] = "/livez",
    [PATH_READYZ] = "/readyz", [PATH_METRICS] = "/metrics", [PATH_ADMIN] = "/admin",
};

const char *const degraded_reason_names[DEGRADED_REASONS + 1] = {
    [DEGRADED_FEATURES] = "features",     [DEGRADED_PRIVACY] = "privacy",
    [DEGRADED_CANDIDATES] = "candidates", [DEGRADED_TRUNCATED] = "truncated",
    [DEGRADED_MODEL] = "model",           [DEGRADED_DEADLINE] = "deadline",
};

const char *const features_reason_names[FEATURES_REASONS + 1] = {
    [FEATURES_REASON_TIMEOUT] = "timeout",
    [FEATURES_REASON_DOWN] = "down",
    [FEATURES_REASON_BUSY] = "busy",
    [FEATURES_REASON_REFUSED] = "refused",
    [FEATURES_REASON_WRONG_TYPE] = "wrong_type",
    [FEATURES_REASON_NONSENSE] = "nonsense",
    [FEATURES_REASON_CORRUPT] = "corrupt",
    [FEATURES_REASON_NO_MEMORY] = "no_memory",
};

const char *const metrics_privacy_names[METRICS_PRIVACY_SIGNALS + 1] = {
    "gdpr", "consent", "us_privacy", "gpp", "gpp_sid", "gpc", "coppa", "lmt", "dnt", "regs"};

const char *const metrics_throttle_names[METRICS_THROTTLES + 1] = {"power", "heat", "brake",
                                                                   "hardware"};

const char *const ignored_part_names[IGNORED_PARTS + 1] = {
    [IGNORED_IMPS] = "imps",
    [IGNORED_SITE] = "site",
};

/* The statuses that the daemon answers with, and the rest; metrics_request_label() looks them up
 * here. */
const char *const metric_statuses[] = {"200", "202", "400", "403",   "404", "405",
                                       "408", "409", "413", "415",   "422", "431",
                                       "500", "501", "503", "other", NULL};

/* 50 us to 10 s, finest where deadlines are (1 to 100 ms). */
static const int64_t duration_us[] = {
    50,    100,   250,   500,   1000,   2000,   3000,   5000,   7500,    10000,   15000,
    20000, 30000, 50000, 75000, 100000, 150000, 250000, 500000, 1000000, 2500000, 10000000};
static const int64_t lag_us[] = {100,   250,   500,   1000,   2500,   5000,
                                 10000, 25000, 50000, 100000, 500000, 2500000};
static const int64_t tokens[] = {16, 64, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536};
static const int64_t requests[] = {1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64, 128};
static const int64_t thousandths[] = {250,  500,  700,  800,  900,  950,  1000,
                                      1050, 1100, 1200, 1300, 1500, 2000, 4000};

#define COUNTER .type = METRIC_COUNTER, .sharded = true
#define COUNTER_SET .type = METRIC_COUNTER /* as a gauge is */
#define GAUGE .type = METRIC_GAUGE
#define LABEL(label_, values_) .label = (label_), .values = (values_)
#define LABEL2(label_, values_, n_) .label2 = (label_), .values2 = (values_), .n_values2 = (n_)
#define HISTOGRAM(bounds_, scale_)                                                                 \
    .type = METRIC_HISTOGRAM, .sharded = true, .bounds = (bounds_), .n_bounds = N(bounds_),        \
    .scale = (scale_)

const struct metric_family metric_families[METRICS] = {
    [METRIC_REQUESTS] = {"adrank_requests_total", COUNTER,
                         .help = "Answers by HTTP status and path, health and admin included.",
                         LABEL("code", metric_statuses), LABEL2("path", metrics_path_names, PATHS)},
    [METRIC_DEGRADED] = {"adrank_degraded_total", COUNTER, .help = "Degraded answers, by reason.",
                         LABEL("reason", degraded_reason_names)},
    [METRIC_FILTERED] = {"adrank_filtered_total", COUNTER,
                         .help = "(impression, ad) pairs that were not ranked, by reason.",
                         LABEL("reason", filtered_reason_names)},
    [METRIC_REQUEST_PRIVACY] = {"adrank_request_privacy_total", COUNTER,
                                .help = "Requests that forbid the use of history, by signal.",
                                LABEL("signal", metrics_privacy_names)},
    [METRIC_REQUEST_IGNORED] = {"adrank_request_ignored_total", COUNTER,
                                .help = "Parts of requests that were ignored, by kind.",
                                LABEL("what", ignored_part_names)},
    [METRIC_LATE] = {"adrank_late_total", COUNTER,
                     .help = "Answers written after a deadline that could have been met."},
    [METRIC_LATE_CLIENT] = {"adrank_late_client_total", COUNTER,
                            .help = "Late answers to requests that arrived too late."},
    [METRIC_CLIENT_GONE] = {"adrank_client_gone_total", COUNTER,
                            .help = "Requests whose client reset before the answer."},
    [METRIC_CONNECTIONS_EVICTED] = {"adrank_connections_evicted_total", COUNTER,
                                    .help = "Connections closed to make room for others."},
    [METRIC_FEATURES_FAILED] = {"adrank_features_failed_total", COUNTER,
                                .help = "Requests marked features, by reason.",
                                LABEL("reason", features_reason_names)},
    [METRIC_STORED_EVENTS_CORRUPT] = {"adrank_stored_events_corrupt_total", COUNTER,
                                      .help = "Stored events that could not be read."},
    [METRIC_BATCH_RUNG_TOKENS] = {"adrank_batch_rung_tokens_total", COUNTER,
                                  .help =
                                      "Tokens that batches were computed as: padded to a rung."},
    [METRIC_REQUEST_DURATION] = {"adrank_request_duration_seconds", HISTOGRAM(duration_us, 1e-6),
                                 .help = "From a request's first byte to its answer."},
    [METRIC_STAGE_DURATION] = {"adrank_stage_duration_seconds", HISTOGRAM(duration_us, 1e-6),
                               .help = "Time of a /rank request in each stage.",
                               LABEL("stage", metrics_stage_names)},
    [METRIC_BATCH_TOKENS] = {"adrank_batch_tokens", HISTOGRAM(tokens, 1),
                             .help = "Tokens in a batch."},
    [METRIC_BATCH_REQUESTS] = {"adrank_batch_requests", HISTOGRAM(requests, 1),
                               .help = "Requests in a batch."},
    [METRIC_BATCH_DURATION] = {"adrank_batch_duration_seconds", HISTOGRAM(duration_us, 1e-6),
                               .help = "Time of a batch on the device, after the one before it."},
    [METRIC_COST_RATIO] = {"adrank_cost_estimate_ratio", HISTOGRAM(thousandths, 1e-3),
                           .help = "Actual over estimated time of a batch."},
    [METRIC_LOOP_LAG] = {"adrank_loop_lag_seconds", HISTOGRAM(lag_us, 1e-6),
                         .help = "How late the workers' event loops are."},
    [METRIC_REDIS_DURATION] = {"adrank_redis_duration_seconds", HISTOGRAM(duration_us, 1e-6),
                               .help = "Round trips to Redis."},
    [METRIC_CONNECTIONS] = {"adrank_connections", GAUGE, .help = "Open public connections."},
    [METRIC_MEMORY] = {"adrank_memory_bytes", GAUGE, .help = "Memory that requests hold, by kind."},
    [METRIC_MEMORY_LIMIT] = {"adrank_memory_limit_bytes", GAUGE,
                             .help = "Limit on the sum of adrank_memory_bytes."},
    [METRIC_QUEUE_DEPTH] = {"adrank_queue_depth", GAUGE, .help = "Jobs waiting for a batch."},
    [METRIC_BATCH_AGE] = {"adrank_batch_age_seconds", GAUGE,
                          .help = "Since the last batch that was computed; absent before one."},
    [METRIC_DEVICE_MEMORY] = {"adrank_device_memory_bytes", GAUGE,
                              .help = "The GPU's memory: used by all processes, and total."},
    [METRIC_DEVICE_UTILIZATION] = {"adrank_device_utilization_ratio", GAUGE,
                                   .help = "Share of recent time in which the GPU ran anything."},
    [METRIC_DEVICE_POWER] = {"adrank_device_power_watts", GAUGE, .help = "The GPU's power draw."},
    [METRIC_DEVICE_POWER_LIMIT] = {"adrank_device_power_limit_watts", GAUGE,
                                   .help = "Power at which the GPU's clocks are held down."},
    [METRIC_DEVICE_TEMPERATURE] = {"adrank_device_temperature_celsius", GAUGE,
                                   .help = "The GPU's temperature."},
    [METRIC_DEVICE_CLOCK] = {"adrank_device_clock_hertz", GAUGE,
                             .help = "Clock of the GPU's multiprocessors."},
    [METRIC_DEVICE_CLOCK_MAX] = {"adrank_device_clock_max_hertz", GAUGE,
                                 .help = "The highest clock of the GPU's multiprocessors."},
    [METRIC_DEVICE_THROTTLED] = {"adrank_device_throttled", GAUGE,
                                 .help = "1 while the GPU's clocks are held down, by reason."},
    [METRIC_REDIS_CONFIGURED] = {"adrank_redis_configured", GAUGE,
                                 .help = "1 when features.url names a Redis."},
    [METRIC_REDIS_UP] = {"adrank_redis_up", GAUGE,
                         .help = "1 when Redis answers every worker; absent without Redis."},
    [METRIC_REDIS_BREAKER_STATE] = {"adrank_redis_breaker_state", GAUGE,
                                    .help = "0 closed, 1 half open, 2 open (the worst worker's)."},
    [METRIC_CONFIG_GENERATION] = {"adrank_config_generation", GAUGE,
                                  .help = "Generation of the configuration in effect."},
    [METRIC_RELOAD_SUCCESS] = {"adrank_reload_success", GAUGE,
                               .help = "1 unless the last reload failed."},
    [METRIC_RELOAD_TIMESTAMP] = {"adrank_reload_timestamp_seconds", GAUGE,
                                 .help = "Unix time of the last reload that did not fail."},
    [METRIC_CATALOG_ADS] = {"adrank_catalog_ads", GAUGE, .help = "Ads of the served catalog."},
    [METRIC_CATALOG_ELIGIBLE_ADS] = {"adrank_catalog_eligible_ads", GAUGE,
                                     .help = "Ads of the served catalog that are active now."},
    [METRIC_CATALOG_AGE] = {"adrank_catalog_age_seconds", GAUGE,
                            .help = "Time since the catalog file was modified."},
    [METRIC_DEVICE_FAILED] = {"adrank_device_failed", GAUGE,
                              .help = "1 for the reason why the GPU is not used any more."},
    [METRIC_MODEL_INFO] = {"adrank_model_info", GAUGE, .help = "The model that is served."},
    [METRIC_BUILD_INFO] = {"adrank_build_info", GAUGE, .help = "The running program."},
    [METRIC_LOG_DROPPED] = {"adrank_log_dropped_total", COUNTER_SET,
                            .help = "Log lines lost, those of log.impressions included."},
    [METRIC_LOG_IMPRESSIONS_FAILED] = {"adrank_log_impressions_failed_total", COUNTER_SET,
                                       .help = "Lines of log.impressions that were lost."},
    [METRIC_PROCESS_CPU] = {"process_cpu_seconds_total", COUNTER_SET,
                            .help = "User and system time of the process."},
    [METRIC_PROCESS_RESIDENT] = {"process_resident_memory_bytes", GAUGE,
                                 .help = "Resident memory."},
    [METRIC_PROCESS_VIRTUAL] = {"process_virtual_memory_bytes", GAUGE, .help = "Virtual memory."},
    [METRIC_PROCESS_FDS] = {"process_open_fds", GAUGE, .help = "Open descriptors."},
    [METRIC_PROCESS_MAX_FDS] = {"process_max_fds", GAUGE,
                                .help = "Maximum number of open descriptors."},
    [METRIC_PROCESS_THREADS] = {"process_threads", GAUGE, .help = "Threads."},
    [METRIC_PROCESS_START] = {"process_start_time_seconds", GAUGE,
                              .help = "Unix time of the start of the process."},
};

int metrics_labels(const struct metric_family *family)
{
    int n = 0;

    while (family->values && family->values[n])
        n++;
    if (family->values2)
        n *= family->n_values2;
    return family->values ? n : 1;
}

int metrics_request_label(int status, enum metrics_path path)
{
    int i;

    for (i = 0; metric_statuses[i + 1]; i++)
        if (atoi(metric_statuses[i]) == status)
            break;
    return i * PATHS + (int)path;
}
