#include "server/world/options.h"

#include <string.h>

#include "adrank/engine.h"
#include "base/bug.h"
#include "base/log.h"
#include "server/batch/capacity.h"
#include "server/net/address.h"
#include "server/store/features.h"
#include "server/store/features_url.h"

static const char *const levels[] = {"debug", "info", "warn", "error", NULL};
static const char *const uniques[] = {"imp", "request", NULL};
static const char *const late_answers[] = {"prior", "empty", "reject", NULL};

static int check_redis_url(const char *text, struct err *err)
{
    struct redis_url url;

    return features_url_parse(text, &url, err);
}

/* The alphabetic codes of ISO 4217. */
static int check_currency(const char *text, struct err *err)
{
    if (strlen(text) == 3 && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 3)
        return 0;
    return err_set(err, ERR_CONFIG, "must be a currency's three capital letters (ISO 4217)");
}

#define AT(section_, name_)                                                                        \
    .section = #section_, .name = #name_, .offset = offsetof(struct config, section_.name_)
#define INT(section_, name_, fallback_, min_, max_, help_)                                         \
    {                                                                                              \
        AT(section_, name_), .type = OPTION_INT, .fallback = fallback_, .min = min_, .max = max_,  \
                             .help = help_                                                         \
    }
#define INT_RESTART(section_, name_, fallback_, min_, max_, help_)                                 \
    {                                                                                              \
        AT(section_, name_), .type = OPTION_INT, .fallback = fallback_, .min = min_, .max = max_,  \
                             .restart = true, .help = help_                                        \
    }
#define INT_ALIAS(section_, name_, alias_, fallback_, min_, max_, help_)                           \
    {                                                                                              \
        AT(section_, name_), .type = OPTION_INT, .alias = alias_, .fallback = fallback_,           \
                             .min = min_, .max = max_, .help = help_                               \
    }
#define SHARE(section_, name_, fallback_, help_)                                                   \
    {                                                                                              \
        AT(section_, name_), .type = OPTION_NUMBER, .fallback = fallback_, .min = 0, .max = 1,     \
                             .help = help_                                                         \
    }
#define STRING(section_, name_, fallback_, check_, help_)                                          \
    {                                                                                              \
        AT(section_, name_), .type = OPTION_STRING, .fallback = fallback_, .check = check_,        \
                             .help = help_                                                         \
    }
#define STRING_RESTART(section_, name_, fallback_, check_, help_)                                  \
    {                                                                                              \
        AT(section_, name_), .type = OPTION_STRING, .fallback = fallback_, .restart = true,        \
                             .check = check_, .help = help_                                        \
    }
#define STRING_OR_NULL(section_, name_, check_, help_)                                             \
    {                                                                                              \
        AT(section_, name_), .type = OPTION_STRING, .fallback = "null", .nullable = true,          \
                             .check = check_, .help = help_                                        \
    }
#define PATH(section_, name_, fallback_, help_)                                                    \
    {                                                                                              \
        AT(section_, name_), .type = OPTION_PATH, .fallback = fallback_, .help = help_             \
    }
#define PATH_OR_NULL(section_, name_, help_)                                                       \
    {                                                                                              \
        AT(section_, name_), .type = OPTION_PATH, .fallback = "null", .nullable = true,            \
                             .help = help_                                                         \
    }
#define CHOICE(section_, name_, fallback_, choices_, help_)                                        \
    {                                                                                              \
        AT(section_, name_), .type = OPTION_CHOICE, .fallback = fallback_, .choices = choices_,    \
                             .help = help_                                                         \
    }
#define SECRET(section_, name_, help_)                                                             \
    {                                                                                              \
        AT(section_, name_), .type = OPTION_SECRET, .fallback = "null", .nullable = true,          \
                             .help = help_                                                         \
    }

#define MINUTE 60000
#define GIB 1073741824.0

/* clang-format off */
const struct option options[] = {
    STRING_RESTART(http, address, "\"127.0.0.1:8080\"", address_check, "where /rank is served: host:port, [v6]:port, *:port for all addresses, or unix:/path; port 0 takes a free one"),
    INT_RESTART(http, workers, "1", 1, 64, "threads that read, decode and answer requests"),
    INT(http, backlog, "1024", 1, 65535, "connections the kernel may hold before they are accepted"),
    INT(http, max_connections, "10000", 1, 1000000, "beyond it the connection that has been idle longest is closed; 503 where none is idle"),
    INT(http, max_body_bytes, "262144", 1024, 16777216, "a longer body is answered 413"),
    INT_ALIAS(http, memory_bytes, "body_memory_bytes", "134217728", 262144, 64 * GIB, "all that requests hold: bodies, what is made of them, answers that are not taken; beyond it 503, large ones first; http.body_memory_bytes is an older name of it"),
    INT(http, first_byte_ms, "5000", 1, 60 * MINUTE, "a new connection without a byte is closed after this, or after idle_ms if that is less"),
    INT(http, head_ms, "2000", 1, MINUTE, "a head is complete within this from its first byte, else 408"),
    INT(http, body_ms, "5000", 1, 10 * MINUTE, "a body is complete within this from the end of its head, else 408"),
    INT(http, idle_ms, "75000", 1, 60 * MINUTE, "an idle keep-alive connection is closed after this"),
    INT(http, write_ms, "5000", 1, 10 * MINUTE, "an answer that is not taken within this is cut"),
    INT(http, drain_grace_ms, "5000", 0, 10 * MINUTE, "draining: new connections are still accepted for this long"),
    INT(http, drain_max_ms, "25000", 0, 60 * MINUTE, "draining: connections that are left after this are cut"),

    STRING_RESTART(admin, address, "\"127.0.0.1:8081\"", address_check, "where health, metrics and reload are served"),
    INT(admin, stall_ms, "2000", 10, 10 * MINUTE, "/livez fails when a heartbeat is older than this"),

    PATH(model, path, "\"demo/model\"", "model directory"),
    STRING_RESTART(model, backend, "\"auto\"", NULL, "auto (cuda where it is to be had, else cpu), cuda, cpu, or the path of a backend module"),
    CHOICE(model, precision, "\"f32\"", precision_names, "of the products: bf16 turns to f32, and a warning says so, where the device lacks it; f16 and int8 are refused (exit 78, reload 422) by a backend that lacks them, as cpu does"),
    INT_RESTART(model, threads, "0", 0, 1024, "of the CPU engine; 0 is cores - 1, at least 1"),

    INT(batch, max_tokens, "8192", 64, 1048576, "of one forward pass"),
    INT(batch, max_queue, "256", 1, BATCH_MAX_QUEUE, "jobs that may wait"),

    STRING_OR_NULL(features, url, check_redis_url, "redis://host:port or unix:/path; null: stored behaviour is not read"),
    STRING_OR_NULL(features, user, NULL, "for AUTH with an access list"),
    SECRET(features, password, "for AUTH"),
    INT(features, database, "0", 0, 1048576, "for SELECT"),
    INT(features, timeout_ms, "5", 1, MINUTE, "a reply that is later is not waited for; the answer is degraded"),
    INT(features, connect_ms, "200", 1, MINUTE, "for connecting and authenticating"),
    INT(features, max_in_flight, "256", 1, FEATURES_MAX_IN_FLIGHT, "requests of one worker that may wait for Redis"),

    PATH(catalog, path, "\"demo/catalog.jsonl\"", "ads, one JSON object a line"),
    INT(catalog, min_ads, "1", 0, INT32_MAX, "a catalog of fewer ads is refused (exit 65, reload 422); 0 allows an empty one"),
    INT(catalog, max_bytes, "1073741824", 1024, 1024 * GIB, "a longer file is refused before it is read; memory is some four times as much"),

    STRING(rank, currency, "\"USD\"", check_currency, "of bids and floors: three capital letters, ISO 4217"),
    INT(rank, top_n, "3", 1, 1000, "ads per impression where the request does not say"),
    INT(rank, max_top_n, "50", 1, 1000, "more is answered 422"),
    INT(rank, max_candidates, "200", 1, 4096, "of a request; more is answered 422, a catalog is cut to it"),
    INT(rank, max_imps, "16", 1, 256, "of a request; of more the first ones are answered"),
    INT(rank, max_behaviour, "100", 0, 4096, "newest events that are used, sent and stored together"),
    CHOICE(rank, unique, "\"imp\"", uniques, "an ad at most once per impression, or once per request"),

    INT(deadline, default_ms, "50", 1, MINUTE, "budget of a request without tmax"),
    INT(deadline, max_ms, "200", 1, MINUTE, "most that a tmax may ask for"),
    INT(deadline, network_ms, "5", 0, MINUTE, "taken off a tmax for the way there and back"),
    INT(deadline, min_ms, "5", 0, MINUTE, "deadlines are not ordered finer than this, so that a tiny tmax starves nobody"),
    INT(deadline, reserve_us, "500", 0, 1000000, "kept free between the end of a batch and the earliest deadline in it"),
    INT(deadline, encode_reserve_us, "1000", 0, 1000000, "on_late answers this long before the deadline"),
    CHOICE(deadline, on_late, "\"prior\"", late_answers, "what a request gets that cannot be answered in time: prior bids on a guessed rate, empty, reject is 503"),

    SECRET(privacy, user_key, "key of the HMAC that turns user ids into the names of stored behaviour"),

    CHOICE(log, level, "\"info\"", levels, "lowest level that is written"),
    SHARE(log, sample, "0", "share of requests that get a wide line; slow and degraded ones always do"),
    INT(log, slow_ms, "100", 0, MINUTE, "a request that took longer is logged"),
    PATH_OR_NULL(log, impressions, "file of answered requests in the trainer's form; null: none"),
    SHARE(log, impressions_sample, "1", "share of requests that are written there"),
};
/* clang-format on */

_Static_assert(sizeof(options) / sizeof(options[0]) <= CONFIG_MAX_OPTIONS, "by_alias has room");
const int n_options = (int)(sizeof(options) / sizeof(options[0]));

const struct option *option_find(const char *section, const char *name, bool *by_alias)
{
    for (int i = 0; i < n_options; i++) {
        if (strcmp(options[i].section, section) != 0)
            continue;
        *by_alias = options[i].alias && strcmp(options[i].alias, name) == 0;
        if (*by_alias || strcmp(options[i].name, name) == 0)
            return &options[i];
    }
    return NULL;
}

void option_print(const struct option *option, const struct config *config, struct json_writer *w)
{
    const void *slot = (const char *)config + option->offset;
    const char *text;

    switch (option->type) {
    case OPTION_INT:
        jw_int(w, *(const int64_t *)slot);
        return;
    case OPTION_NUMBER:
        jw_double(w, *(const double *)slot);
        return;
    case OPTION_CHOICE:
        jw_str(w, option->choices[*(const int *)slot]);
        return;
    case OPTION_SECRET:
        jw_raw(w, view_of(((const struct secret *)slot)->source));
        return;
    case OPTION_STRING:
    case OPTION_PATH:
        text = *(const char *const *)slot;
        if (text)
            jw_str(w, text);
        else
            jw_null(w);
        return;
    }
    BUG("option type %d", (int)option->type);
}

bool option_equal(const struct option *option, const struct config *a, const struct config *b)
{
    const char *left = (const char *)a + option->offset, *right = (const char *)b + option->offset;
    const char *s, *t;

    switch (option->type) {
    case OPTION_INT:
        return *(const int64_t *)(const void *)left == *(const int64_t *)(const void *)right;
    case OPTION_NUMBER:
        return memcmp(left, right, sizeof(double)) == 0;
    case OPTION_CHOICE:
        return *(const int *)(const void *)left == *(const int *)(const void *)right;
    case OPTION_SECRET:
        return view_eq(((const struct secret *)(const void *)left)->value,
                       ((const struct secret *)(const void *)right)->value);
    case OPTION_STRING:
    case OPTION_PATH:
        s = *(const char *const *)(const void *)left;
        t = *(const char *const *)(const void *)right;
        return s == t || (s && t && strcmp(s, t) == 0);
    }
    BUG("option type %d", (int)option->type);
}
