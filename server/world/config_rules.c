/* The rules between options, one row each. */
#include "server/world/config_rules.h"

#include <stdio.h>
#include <string.h>

#include "server/world/options.h"

static bool bodies_fit(const struct config *c)
{
    return c->http.memory_bytes >= c->http.max_body_bytes;
}

static bool drain_is_longer(const struct config *c)
{
    return c->http.drain_max_ms >= c->http.drain_grace_ms;
}

static bool top_n_is_allowed(const struct config *c)
{
    return c->rank.top_n <= c->rank.max_top_n;
}

static bool default_is_allowed(const struct config *c)
{
    return c->deadline.default_ms <= c->deadline.max_ms;
}

static bool reserve_leaves_time(const struct config *c)
{
    return c->deadline.encode_reserve_us < c->deadline.default_ms * 1000;
}

static bool store_has_key(const struct config *c)
{
    return !c->features.url || c->privacy.user_key.value.len;
}

static bool user_has_password(const struct config *c)
{
    return !c->features.user || c->features.password.value.len;
}

/* Port 0 is a different port each time. */
static bool addresses_differ(const struct config *c)
{
    const char *port = strrchr(c->http.address, ':');

    return strcmp(c->http.address, c->admin.address) != 0 || (port && strcmp(port, ":0") == 0);
}

static const struct {
    const char *pointer, *other; /* the option that is reported, and the one it is compared with */
    bool (*holds)(const struct config *c);
    const char *detail;
} rules[] = {
    {"/http/memory_bytes", "/http/max_body_bytes", bodies_fit,
     "must be at least http.max_body_bytes"},
    {"/http/drain_max_ms", "/http/drain_grace_ms", drain_is_longer,
     "must be at least http.drain_grace_ms"},
    {"/rank/top_n", "/rank/max_top_n", top_n_is_allowed, "must be at most rank.max_top_n"},
    {"/deadline/default_ms", "/deadline/max_ms", default_is_allowed,
     "must be at most deadline.max_ms"},
    {"/deadline/encode_reserve_us", "/deadline/default_ms", reserve_leaves_time,
     "must be less than deadline.default_ms"},
    {"/features/user", "/features/password", user_has_password, "requires features.password"},
    {"/admin/address", "/http/address", addresses_differ, "must not be http.address"},
    {"/privacy/user_key", "/features/url", store_has_key, "is required with features.url"},
};

/* Whether there is a problem with the option itself or with its section. */
static bool refused(const struct problems *problems, size_t n, const char *pointer)
{
    for (size_t i = 0; i < n; i++) {
        const char *place = problems->items[i].pointer;
        size_t len = strlen(place);

        if (len && strncmp(pointer, place, len) == 0 &&
            (pointer[len] == '\0' || pointer[len] == '/'))
            return true;
    }
    return false;
}

/* The pointer, with the name that the configuration uses. */
static const char *as_given(const struct config *config, const char *pointer, char out[192])
{
    struct config_option option;

    for (int i = 0; option_at(i, &option); i++) {
        snprintf(out, 192, "/%s/%s", option.section, option.row->name);
        if (strcmp(out, pointer) != 0)
            continue;
        if (config->by_alias[i])
            snprintf(out, 192, "/%s/%s", option.section, option.row->alias);
        break;
    }
    return out;
}

void config_check_rules(const struct config *config, struct problems *problems)
{
    size_t n = problems->n; /* of single options: one broken rule does not silence another */

    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        char first[192], other[192];

        if (!rules[i].holds(config) &&
            !refused(problems, n, as_given(config, rules[i].pointer, first)) &&
            !refused(problems, n, as_given(config, rules[i].other, other)))
            problems_add(problems, first, "%s", rules[i].detail);
    }
}
