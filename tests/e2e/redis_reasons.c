/* A real Redis that refuses the client, or no Redis: the log gives the reason, once and without the
 * password. */
#include "tests/e2e/client.h"
#include "tests/e2e/driver.h"
#include "tests/redis.h"
#include "tests/test.h"

#define PASSWORD "a password to be kept"
#define OF_USER "{'user':{'id':'u1'},'rank':{'candidates':[{'adid':'a1'}]}}"
#define WITH_PASSWORD "features.password={\"$file\":\"key\"}"

static const struct row {
    const char *name;
    const char *url; /* NULL: that of a server started with `extra` */
    const char *extra[9];
    const char *sets[3];
    const char *event; /* NULL: redis_disconnected */
    const char *reason;
} rows[] = {
    {.name = "nobody listens",
     .url = "redis://127.0.0.1:1",
     .reason = "cannot connect: Connection refused"},
    {.name = "no such socket",
     .url = "unix:/tmp/adrank-no-such-socket",
     .reason = "No such file or directory"},
    {.name = "no socket but a file", .url = "unix:/etc/passwd", .reason = "Connection refused"},
    {.name = "a password is wanted",
     .extra = {"--requirepass", PASSWORD},
     .reason = "SELECT refused: NOAUTH Authentication required."},
    {.name = "another password is wanted",
     .extra = {"--requirepass", PASSWORD},
     .sets = {WITH_PASSWORD},
     .reason = "AUTH refused: WRONGPASS"},
    {.name = "no password is wanted",
     .sets = {WITH_PASSWORD},
     .reason = "AUTH refused: ERR AUTH <password> called without any password configured"},
    {.name = "no such user",
     .sets = {WITH_PASSWORD, "features.user=nobody"},
     .reason = "AUTH refused: WRONGPASS"},
    {.name = "no such database",
     .sets = {"features.database=99"},
     .reason = "SELECT refused: ERR DB index is out of range"},
    {.name = "lists may not be read",
     .extra = {"--user", "default", "on", "nopass", "~*", "+@all", "-lrange"},
     .event = "event=redis_breaker_open",
     .reason = "NOPERM this user has no permissions to run the"},
    {.name = "other keys only",
     .extra = {"--user", "default", "on", "nopass", "~other:*", "+@all"},
     .event = "event=redis_breaker_open",
     .reason = "NOPERM"},
};

static struct driver d;

static const char *event_of(const struct row *row)
{
    return row->event ? row->event : "event=redis_disconnected";
}

static bool is_logged(const struct row *row)
{
    for (const char *at = driver_log(&d); (at = strstr(at, event_of(row))); at++) {
        const char *end = strchr(at, '\n'), *reason = strstr(at, row->reason);

        if (end && reason && reason < end)
            return true;
    }
    return false;
}

static void check_logged(const struct row *row)
{
    WAIT_FOR_MS(20000, driver_rank(&d, js(OF_USER))->status == 200 && is_logged(row));
    CHECK(strstr(driver_rank(&d, js(OF_USER))->body, "\"degraded\":[\"features\"]"));
    CHECK_INT(driver_metric(&d, "adrank_redis_configured"), 1);
    CHECK_INT(driver_metric(&d, "adrank_redis_up"), 0);
    usleep(300000); /* and many more attempts */
    CHECK_INT(driver_logged(&d, event_of(row)), 1);
    CHECK(!strstr(driver_log(&d), PASSWORD) && !strstr(driver_log(&d), DRIVER_KEY));
}

TEST(redis_reasons__are_logged_once)
{
    for (int i = 0; i < COUNT(rows); i++) {
        const struct row *row = &rows[i];
        struct redis redis = {0};

        test_row("redis: %s", row->name);
        if (!row->url)
            redis_start(&redis, row->extra);
        driver_start(&d, &(struct driver_args){
                             .redis = row->url ? row->url : redis.url,
                             .sets = {"features.timeout_ms=500", row->sets[0], row->sets[1]}});
        check_logged(row);
        driver_end(&d);
        if (!row->url)
            redis_stop(&redis);
    }
}
