/* features.url, checked. */
#include "server/store/store_url.h"

#define FORMS "must be redis://host:port or unix:/path"

int store_url_parse(const char *url, struct redis_url *out, struct err *err)
{
    struct err why;

    if (redis_url_parse(url, out, &why))
        return err_set(err, ERR_CONFIG, FORMS ": %s", why.text);
    if (out->has_login || out->has_db)
        return err_set(err, ERR_CONFIG,
                       FORMS "; user, password and database are options of their own");
    return 0;
}
