/* Calls to a running daemon, its metrics, and the programs used with it. */
#include "tests/e2e/client.h"
#include "tests/e2e/driver.h"
#include "tests/e2e/shell.h"
#include "tests/test.h"

static struct driver_response result;

static void take_response(const struct client_response *response)
{
    CHECK(response->body.len < sizeof(result.body));
    result.status = response->status;
    memcpy(result.body, response->body.ptr ? response->body.ptr : "", response->body.len);
    result.body[response->body.len] = '\0';
    snprintf(result.head, sizeof(result.head), "%.*s",
             (int)((response->body.ptr ? response->body.ptr : response->bytes) - response->bytes),
             response->bytes);
    result.closed = !response->keep_alive;
}

struct driver_response *driver_call(const char *address, const char *method, const char *target,
                                    const char *body)
{
    struct http_client client;
    struct client_response response;
    struct err err;

    CHECK_OK(http_client_init(&client, address, 30000, &err), err);
    CHECK_OK(http_client_call(
                 &client,
                 &(struct http_request){.method = method, .target = target, .body = view_of(body)},
                 &response, &err),
             err);
    take_response(&response);
    http_client_release(&client);
    return &result;
}

struct driver_response *driver_rank(struct driver *driver, const char *body)
{
    return driver_call(driver->address, "POST", "/rank", body);
}

struct driver_response *driver_raw(const char *address, struct view bytes)
{
    struct http_client client;
    struct client_response response;

    client_open(&client, address);
    client_send(&client, bytes);
    response = client_answer(&client);
    take_response(&response);
    result.closed = http_client_wait_end(&client, 200) == HTTP_CLIENT_CLOSED;
    http_client_release(&client);
    return &result;
}

struct driver_response *driver_reload(struct driver *driver, const char *config)
{
    if (config)
        driver_write(driver, "config.json", config);
    return driver_call(driver->admin, "POST", "/admin/reload", NULL);
}

/* ---- figures --------------------------------------------------------------------------------- */

int64_t driver_status_bytes(struct driver *driver, const char *name)
{
    char path[64], line[256];
    int64_t kib = -1;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)driver->pid);
    file = fopen(path, "re");
    CHECK(file);
    while (kib == -1 && fgets(line, sizeof(line), file))
        if (strncmp(line, name, strlen(name)) == 0)
            kib = strtoll(line + strlen(name), NULL, 10);
    fclose(file);
    return kib * 1024;
}

static const char *metrics_of(struct driver *driver)
{
    const struct driver_response *response = driver_call(driver->admin, "GET", "/metrics", NULL);

    CHECK_INT(response->status, 200);
    return response->body;
}

/* NULL after the last. */
static const char *next_line(const char *line)
{
    const char *end = strchr(line, '\n');

    return end ? end + 1 : NULL;
}

double driver_metric(struct driver *driver, const char *sample)
{
    const size_t n = strlen(sample);

    for (const char *line = metrics_of(driver); line; line = next_line(line))
        if (strncmp(line, sample, n) == 0 && line[n] == ' ')
            return strtod(line + n, NULL);
    return -1;
}

/* ---- programs -------------------------------------------------------------------------------- */

const char *driver_history(struct driver *driver, const char *url, const char *verb,
                           const char *lines)
{
    static struct buf out;

    driver_write(driver, "lines", js("%s", lines));
    CHECK_INT(shell(&out, "%s %s --redis %s --key-file %s/key <%s/lines",
                    driver_build_path("bin/adrank-history"), verb, url, driver->folder,
                    driver->folder),
              0);
    return buf_str(&out);
}

int driver_probe(struct driver *driver, const char *what)
{
    return shell(NULL, "%s --probe %s --set admin.address=%s 2>/dev/null",
                 driver_build_path("bin/adrankd"), what, driver->admin);
}
