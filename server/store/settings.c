/* A store's settings with strings of their own. */
#include "server/store/settings.h"

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool store_settings_same_server(const struct store_settings *a, const struct store_settings *b)
{
    return same_text(a->redis.url, b->redis.url) && same_text(a->redis.user, b->redis.user) &&
           view_eq(a->redis.password.value, b->redis.password.value) &&
           a->redis.database == b->redis.database;
}

int store_settings_copy(const struct store_settings *from, struct store_settings *to,
                        struct view *strings, struct err *err)
{
    const char *url = from->redis.url, *user = from->redis.user;
    const size_t url_bytes = url ? strlen(url) + 1 : 0, user_bytes = user ? strlen(user) + 1 : 0;
    const struct view password = from->redis.password.value;
    const size_t n = url_bytes + user_bytes + password.len + 1;
    char *at = secret_alloc(n);

    if (!at)
        return err_set(err, ERR_NOMEM, "features: out of memory");
    *to = *from;
    *strings = (struct view){at, n};
    to->redis.password = (struct secret){0};
    if (url)
        to->redis.url = memcpy(at, url, url_bytes);
    if (user)
        to->redis.user = memcpy(at + url_bytes, user, user_bytes);
    if (password.len)
        to->redis.password.value = (struct view){
            memcpy(at + url_bytes + user_bytes, password.ptr, password.len), password.len};
    return 0;
}
