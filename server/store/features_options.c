#include <string.h>

#include "base/clock.h"
#include "base/secret.h"
#include "server/store/features_state.h"
#include "server/store/features_url.h"

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_server(const struct features_options *a, const struct features_options *b)
{
    return same_text(a->url, b->url) && same_text(a->user, b->user) &&
           view_eq(a->password, b->password) && a->database == b->database;
}

/* One block, a secret's, holds the three strings. */
static int copy_options(const struct features_options *from, struct features_options *to,
                        struct view *strings)
{
    size_t url = from->url ? strlen(from->url) + 1 : 0,
           user = from->user ? strlen(from->user) + 1 : 0;
    size_t n = url + user + from->password.len + 1;
    char *at = secret_alloc(n);

    if (!at)
        return -1;
    *to = *from;
    *strings = (struct view){at, n};
    if (url)
        to->url = memcpy(at, from->url, url);
    if (user)
        to->user = memcpy(at + url, from->user, user);
    if (from->password.len)
        to->password.ptr = memcpy(at + url + user, from->password.ptr, from->password.len);
    return 0;
}

int features_set(struct features *f, const struct features_options *options, struct err *err)
{
    struct features_options copy;
    struct redis_url url = {0};
    struct view strings;
    bool same = same_server(&f->options, options);

    if (options->url && features_url_parse(options->url, &url, err))
        return -1;
    if (copy_options(options, &copy, &strings))
        return err_set(err, ERR_NOMEM, "features: out of memory");
    secret_free(&f->strings);
    f->strings = strings;
    f->options = copy;
    f->url = url;
    atomic_store(&f->configured, copy.url != NULL);
    if (same)
        return 0;
    /* Another server: what is out on the old connection is told DOWN. */
    resolver_abandon(f->resolution);
    f->resolution = NULL;
    session_drop(f);
    breaker_init(&f->breaker);
    loop_timer_set(f->loop, &f->probe, TIMER_NEVER);
    f->retry_delay_us = 0;
    f->addresses.n = 0;
    f->next_address = 0;
    f->n_told = 0;
    f->flapping = false;
    features_show(f);
    loop_timer_set(f->loop, &f->retry, clock_now_us());
    return 0;
}
