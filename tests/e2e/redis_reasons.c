/* A real Redis that lets nobody in, or none at all: the log says why, once, and without the
 * password. */
#include <unistd.h>

#include "base/clock.h"
#include "tests/e2e/driver.h"
#include "tests/redis.h"
#include "tests/test.h"

#define PASSWORD "a password to be kept"
#define OF_USER "{\"user\":{\"id\":\"u1\"},\"rank\":{\"candidates\":[{\"adid\":\"a1\"}]}}"
#define WITH_PASSWORD "features.password={\"$file\":\"key\"}"

static const struct row {
    const char *name;
    const char *url; /* NULL: of a server that is started with `extra` */
    const char *extra[9];
    const char *sets[3];
    const char *event, *reason;
} rows[] = {
    {.name = "nobody listens",
     .url = "redis://127.0.0.1:1",
     .event = "event=redis_disconnected",
     .reason = "cannot connect: Connection refused"},
    {.name = "no such socket",
     .url = "unix:/tmp/adrank-no-such-socket",
     .event = "event=redis_disconnected",
     .reason = "No such file or directory"},
    {.name = "no socket but a file",
     .url = "unix:/etc/passwd",
     .event = "event=redis_disconnected",
     .reason = "Connection refused"},
    {.name = "a password is wanted",
     .extra = {"--requirepass", PASSWORD},
     .event = "event=redis_disconnected",
     .reason = "SELECT refused: NOAUTH Authentication required."},
    {.name = "another password is wanted",
     .extra = {"--requirepass", PASSWORD},
     .sets = {WITH_PASSWORD},
     .event = "event=redis_disconnected",
     .reason = "AUTH refused: WRONGPASS"},
    {.name = "no password is wanted",
     .sets = {WITH_PASSWORD},
     .event = "event=redis_disconnected",
     .reason = "AUTH refused: ERR AUTH <password> called without any password configured"},
    {.name = "no such user",
     .sets = {WITH_PASSWORD, "features.user=nobody"},
     .event = "event=redis_disconnected",
     .reason = "AUTH refused: WRONGPASS"},
    {.name = "no such database",
     .sets = {"features.database=99"},
     .event = "event=redis_disconnected",
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

static int count(const char *text)
{
    int n = 0;

    for (const char *at = driver_log(&d); (at = strstr(at, text)); at += strlen(text))
        n++;
    return n;
}

static bool is_told(const struct row *row)
{
    for (const char *at = driver_log(&d); (at = strstr(at, row->event)); at++) {
        const char *end = strchr(at, '\n'), *reason = strstr(at, row->reason);

        if (end && reason && reason < end)
            return true;
    }
    return false;
}

static void check_told(const struct row *row)
{
    int64_t until_us = clock_now_us() + 20000000;

    while (!is_told(row)) {
        const struct driver_response *response = driver_rank(&d, OF_USER);

        CHECK_INT(response->status, 200);
        if (clock_now_us() > until_us)
            FAIL("no %s with \"%s\" in:\n%s", row->event, row->reason, driver_log(&d));
        usleep(5000);
    }
    CHECK(strstr(driver_rank(&d, OF_USER)->body, "\"degraded\":[\"features\"]"));
    CHECK_INT(driver_metric(&d, "adrank_redis_configured"), 1);
    CHECK_INT(driver_metric(&d, "adrank_redis_up"), 0);
    usleep(300000); /* and many tries more */
    CHECK_INT(count(row->event), 1);
    CHECK(!strstr(driver_log(&d), PASSWORD) && !strstr(driver_log(&d), DRIVER_KEY));
}

TEST(redis_reasons__are_told_once)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        struct redis redis = {0};

        test_row("redis: %s", row->name);
        if (!row->url)
            redis_start(&redis, row->extra);
        driver_start(&d, &(struct driver_args){
                             .redis = row->url ? row->url : redis.url,
                             .sets = {"features.timeout_ms=500", row->sets[0], row->sets[1]}});
        check_told(row);
        CHECK_INT(driver_stop(&d), 0);
        if (!row->url)
            redis_stop(&redis);
    }
}
