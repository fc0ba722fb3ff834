/* What the daemon reports during the storm: alive, and within its memory limit. */
#include <unistd.h>

#include "tests/storm/around.h"

/* The sum of a metric's samples, whatever their labels. */
static double sum_of(struct view text, const char *name)
{
    double sum = 0;
    size_t n = strlen(name);

    for (const char *at = text.ptr, *end = text.ptr + text.len; at && at < end;) {
        const char *space = memchr(at, ' ', (size_t)(end - at));

        if (space && (size_t)(space - at) >= n && memcmp(at, name, n) == 0 &&
            (at[n] == ' ' || at[n] == '{'))
            sum += strtod(space, NULL);
        at = memchr(at, '\n', (size_t)(end - at));
        at += at != NULL;
    }
    return sum;
}

static bool get(struct storm *storm, struct http_client *client, const char *target,
                struct client_response *response)
{
    struct err err;

    if (http_client_call(client, &(struct http_request){.target = target}, response, &err))
        storm_fail(storm, "%s: %s", target, err.text);
    else if (response->status != 200)
        storm_fail(storm, "%s: %d", target, response->status);
    else
        return true;
    return false;
}

void *around_watch(void *arg)
{
    struct storm *storm = arg;
    struct client_response response;
    struct http_client client;
    struct err err;

    if (http_client_init(&client, storm->daemon->admin, storm->patience_ms, &err))
        storm_fail(storm, "%s", err.text);
    while (storm_goes_on(storm)) {
        if (get(storm, &client, "/livez", &response) &&
            get(storm, &client, "/metrics", &response)) {
            double held = sum_of(response.body, "adrank_memory_bytes");
            double limit = sum_of(response.body, "adrank_memory_limit_bytes");

            if (held > limit)
                storm_fail(storm, "requests hold %.0f bytes, more than %.0f", held, limit);
            storm->most_held = held > storm->most_held ? held : storm->most_held;
        }
        usleep(200000);
    }
    http_client_release(&client);
    return NULL;
}
