/* Warnings about a world: one function for each thing that may be wrong with it. */
#include "server/world/warnings.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "server/net/descriptors.h"
#include "server/world/catalog_state.h"

#define MIN_KEY_BYTES 16

static void warn_of_keys(const struct world *world, world_warning_fn report, void *arg)
{
    uint64_t n = catalog_unknown_fields(world->catalog);
    char text[96];

    if (!n)
        return;
    snprintf(text, sizeof(text), "catalog: %" PRIu64 " unknown key%s ignored", n,
             n == 1 ? "" : "s");
    report(arg, text);
}

static void warn_of_few(const struct world *world, world_warning_fn report, void *arg)
{
    const struct catalog_state state =
        catalog_state_now(world->catalog, world->catalog_modified_ms);
    char text[128];

    if (world->shrunk_from) {
        snprintf(text, sizeof(text), "catalog: %d ads, fewer than half of the %d served before",
                 state.ads, world->shrunk_from);
        report(arg, text);
    }
    if (state.ads && !state.eligible) {
        snprintf(text, sizeof(text), "catalog: no ad is active now, of %d", state.ads);
        report(arg, text);
    }
}

static void warn_of_doubts(const struct world *world, world_warning_fn report, void *arg)
{
    const struct views *doubts = catalog_doubts(world->catalog);
    char text[320];

    for (int i = 0; i < doubts->n; i++) {
        snprintf(text, sizeof(text), "catalog: %.*s", VIEW_ARG(doubts->items[i]));
        report(arg, text);
    }
}

static void warn_of_precision(const struct world *world, world_warning_fn report, void *arg)
{
    const char *note = world_model(world)->served->engines[SERVED_PRIMARY].caps->note;
    char text[512];

    if (!note[0])
        return;
    snprintf(text, sizeof(text), "model.precision: %s", note);
    report(arg, text);
}

static void warn_of_descriptors(const struct config *config, world_warning_fn report, void *arg)
{
    const int64_t limit = descriptors_limit(), wanted = config->http.max_connections;
    const struct descriptors share = descriptors_share(limit, &config->http);
    char text[192];

    if (share.connections == wanted)
        return;
    snprintf(text, sizeof(text),
             "http.max_connections: %" PRId64 " and %" PRId64
             " other descriptors are more than the %" PRId64 " that the process may open: %" PRId64
             " are served",
             wanted, share.others, limit, share.connections);
    report(arg, text);
}

/* systemd's own folder for credentials, where access lists show as permissions of the group. */
static bool is_guarded(const char *path)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    const size_t n = folder ? strlen(folder) : 0;

    return n && strncmp(path, folder, n) == 0 && path[n] == '/' && !strstr(path, "/../");
}

/* Looked at anew: who may read a file changes without the file. */
static void warn_of_secret_file(const char *option, const struct secret *secret,
                                world_warning_fn report, void *arg)
{
    const char *exposed;
    char text[512];
    mode_t mode;

    if (!secret->file || is_guarded(secret->file) ||
        !(exposed = secret_exposed(secret->file, &mode)))
        return;
    snprintf(text, sizeof(text), "%s: %.400s %s (mode %04o)", option, secret->file, exposed,
             (unsigned)mode);
    report(arg, text);
}

/* Ids can be tried against the names of stored behaviour with every short key. */
static void warn_of_short_key(const struct secret *key, world_warning_fn report, void *arg)
{
    char text[128];

    if (key->value.len == 0 || key->value.len >= MIN_KEY_BYTES)
        return;
    snprintf(text, sizeof(text),
             "privacy.user_key: only %zu byte%s, fewer than the %d that keep user ids from being "
             "guessed",
             key->value.len, key->value.len == 1 ? "" : "s", MIN_KEY_BYTES);
    report(arg, text);
}

static void warn_of_secrets(const struct config *config, world_warning_fn report, void *arg)
{
    warn_of_secret_file("features.password", &config->features.password, report, arg);
    warn_of_secret_file("privacy.user_key", &config->privacy.user_key, report, arg);
    warn_of_short_key(&config->privacy.user_key, report, arg);
}

void world_warnings(const struct world *world, world_warning_fn report, void *arg)
{
    warn_of_few(world, report, arg);
    warn_of_keys(world, report, arg);
    warn_of_precision(world, report, arg);
    warn_of_descriptors(world->config, report, arg);
    warn_of_secrets(world->config, report, arg);
    warn_of_doubts(world, report, arg); /* last: these can be more than the log takes at once */
}
