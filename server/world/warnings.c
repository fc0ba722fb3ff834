/* Warnings about a world: one function for each subject. */
#include "server/world/warnings.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "server/net/descriptors.h"
#include "server/world/catalog_state.h"

#define MIN_KEY_BYTES 16

struct sink {
    world_warning_fn report;
    void *arg;
};

static void warn(const struct sink *sink, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void warn(const struct sink *sink, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    sink->report(sink->arg, text);
}

static void warn_of_catalog(const struct world *world, const struct sink *sink)
{
    const struct catalog_state state = catalog_state_now(world);
    const uint64_t n_unknown = catalog_unknown_fields(world->catalog);

    if (world->shrunk_from)
        warn(sink, "catalog: %d ads, fewer than half of the %d served before", state.ads,
             world->shrunk_from);
    if (state.ads && !state.eligible)
        warn(sink, "catalog: no ad is active now, of %d", state.ads);
    if (n_unknown)
        warn(sink, "catalog: %" PRIu64 " unknown key%s ignored", n_unknown,
             n_unknown == 1 ? "" : "s");
}

static void warn_of_doubts(const struct world *world, const struct sink *sink)
{
    const struct views *doubts = catalog_doubts(world->catalog);

    for (int i = 0; i < doubts->n; i++)
        warn(sink, "catalog: %.*s", VIEW_ARG(doubts->items[i]));
}

static void warn_of_precision(const struct world *world, const struct sink *sink)
{
    const char *note = served_model_engine(world_model(world)->served)->caps->note;

    if (note[0])
        warn(sink, "model.precision: %s", note);
}

static void warn_of_fallback(const struct world *world, const struct sink *sink)
{
    if (served_model_on_fallback(world_model(world)->served))
        warn(sink, "model.backend: the device failed: the model runs on the processor until the "
                   "daemon is restarted");
}

static void warn_of_descriptors(const struct config *config, const struct sink *sink)
{
    const int64_t limit = descriptors_limit(), wanted = config->http.max_connections;
    const struct descriptors share = descriptors_share(limit, &config->http);

    if (share.connections != wanted)
        warn(sink,
             "http.max_connections: %" PRId64 " and %" PRId64
             " other descriptors are more than the %" PRId64 " that the process may open: %" PRId64
             " are served",
             wanted, share.others, limit, share.connections);
}

/* systemd's own folder for credentials, where access lists show as permissions of the group. */
static bool is_guarded(const char *path)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    const size_t n = folder ? strlen(folder) : 0;

    return n && strncmp(path, folder, n) == 0 && path[n] == '/' && !strstr(path, "/../");
}

/* Checked each time: permissions change without the file. */
static void warn_of_secret_file(const char *option, const struct secret *secret,
                                const struct sink *sink)
{
    const char *exposed;
    mode_t mode;

    if (secret->file && !is_guarded(secret->file) &&
        (exposed = secret_exposed(secret->file, &mode)))
        warn(sink, "%s: %.400s %s (mode %04o)", option, secret->file, exposed, (unsigned)mode);
}

/* With a short key, ids can be guessed from the names of stored behaviour by trying every key. */
static void warn_of_short_key(const struct secret *key, const struct sink *sink)
{
    const size_t len = key->value.len;

    if (len && len < MIN_KEY_BYTES)
        warn(sink,
             "privacy.user_key: only %zu byte%s, fewer than the %d that keep user ids from being "
             "guessed",
             len, len == 1 ? "" : "s", MIN_KEY_BYTES);
}

void world_warnings(const struct world *world, world_warning_fn report, void *arg)
{
    const struct config *config = world->config;
    const struct sink sink = {report, arg};

    warn_of_catalog(world, &sink);
    warn_of_precision(world, &sink);
    warn_of_fallback(world, &sink);
    warn_of_descriptors(config, &sink);
    warn_of_secret_file("features.password", &config->features.password, &sink);
    warn_of_secret_file("privacy.user_key", &config->privacy.user_key, &sink);
    warn_of_short_key(&config->privacy.user_key, &sink);
    warn_of_doubts(world, &sink); /* last: these can be more than the log takes in one line */
}
