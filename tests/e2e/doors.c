/* Access control of the admin and the public listener. */
#include <unistd.h>

#include "tests/e2e/contract.h"

static struct driver d;

static void start(const char *set)
{
    driver_start(&d, &(struct driver_args){.sets = {set}});
}

/* ---- query parameters of admin calls --------------------------------------------------------- */

TEST(doors__unknown_and_malformed_parameters_of_admin_calls)
{
    static const struct {
        const char *method, *target;
        int status;
        const char *body; /* part of it */
    } rows[] = {
        {"POST", "/admin/reload?dryrun=1", 400, "dryrun: unknown parameter, expected: dry_run"},
        {"POST", "/admin/reload?dry-run=1", 400, "bad_query"},
        {"POST", "/admin/reload?DRY_RUN=1", 400, "bad_query"},
        {"POST", "/admin/reload?dry_run=maybe", 400, "must be 1, true, 0 or false"},
        {"POST", "/admin/reload?dry_run=", 400, "bad_query"},
        {"POST", "/admin/reload?dry_run=yes", 400, "bad_query"},
        {"POST", "/admin/reload?dry_run=1&dry_run=0", 400, "duplicate parameter"},
        {"POST", "/admin/reload?dry_run=1&force=1", 400, "force: unknown parameter"},
        {"POST", "/admin/reload?dry%5Frun=1", 400, "bad_query"},
        {"POST", "/admin/reload?dry_run=%31", 400, "bad_query"},
        {"POST", "/admin/drain?dry_run=1", 400, "expected: none"},
        {"GET", "/admin/config?verbose=1", 400, "expected: none"},
        {"GET", "/readyz?verbose=yes", 400, "bad_query"},
        {"GET", "/livez?verbose=1&verbose=0", 400, "duplicate parameter"},
        {"POST", "/admin/reload?dry_run=1", 200, "valid"},
        {"POST", "/admin/reload?dry_run=true", 200, "valid"},
        {"POST", "/admin/reload?dry_run", 200, "valid"},
        {"GET", "/metrics?x=1", 200, "adrank_"},
        {"GET", "/readyz?_=1790000000", 200, "{\"status\":\"ok\"}"},
        {"GET", "/admin/config?", 200, "max_candidates"},
    };

    start(NULL);
    driver_write(&d, "config.json", "{\"rank\":{\"top_n\":7}}");
    for (int i = 0; i < COUNT(rows); i++) {
        struct driver_response *r;

        test_row("%s %s", rows[i].method, rows[i].target);
        r = driver_call(d.admin, rows[i].method, rows[i].target, NULL);
        if (r->status != rows[i].status || !strstr(r->body, rows[i].body))
            FAIL("%d %s", r->status, r->body);
        if (r->status == 400)
            CHECK(strstr(r->head, "application/problem+json"));
    }
    test_row("nothing was applied, nothing drains");
    CHECK(strstr(driver_call(d.admin, "GET", "/admin/config", NULL)->body, "\"top_n\":3"));
    CHECK_INT(driver_call(d.address, "GET", "/readyz", NULL)->status, 200);
}

/* ---- callers --------------------------------------------------------------------------------- */

static int ask(const char *method, const char *target, const char *fields)
{
    return driver_raw(d.admin, view_of(js("%s %s HTTP/1.1\r\n%sContent-Length: 0\r\n\r\n", method,
                                          target, fields)))
        ->status;
}

TEST(doors__admin_calls_from_elsewhere)
{
    static const char *const foreign[] = {
        "Host: evil.example\r\n",
        "Host: evil.example:8081\r\n",
        "Host: 127.0.0.1.evil.example\r\n",
        "Host: 127.0.0.1\r\nOrigin: http://evil.example\r\n",
        "Host: 127.0.0.1\r\nOrigin: http://127.0.0.1:3000\r\n",
        "Host: 127.0.0.1\r\nOrigin: null\r\n",
        "Host: localhost\r\nSec-Fetch-Site: cross-site\r\n",
        "Host: localhost\r\nSec-Fetch-Site: same-site\r\n",
    };
    static const char *const ours[] = {
        "Host: 127.0.0.1\r\n",
        "Host: 127.0.0.1:8081\r\n",
        "Host: [::1]:8081\r\n",
        "Host: localhost:8081\r\n",
        "Host: 10.0.0.7:9\r\n",
        "Host: localhost:8081\r\nOrigin: http://localhost:8081\r\nSec-Fetch-Site: same-origin\r\n",
    };
    static const char *const calls[][2] = {{"POST", "/admin/drain"},
                                           {"POST", "/admin/reload"},
                                           {"POST", "/admin/reload?dry_run=1"},
                                           {"GET", "/admin/config"},
                                           {"HEAD", "/admin/config"}};

    start("http.drain_grace_ms=20000");
    for (int i = 0; i < COUNT(foreign); i++) {
        for (size_t k = 0; k < 4; k++) {
            test_row("%s %s: %s", calls[k][0], calls[k][1], foreign[i]);
            CHECK_INT(ask(calls[k][0], calls[k][1], foreign[i]), 403);
        }
        test_row("health and metrics: %s", foreign[i]);
        CHECK_INT(ask("GET", "/readyz", foreign[i]), 200);
        CHECK_INT(ask("GET", "/metrics", foreign[i]), 200);
    }
    test_row("a target with a foreign host");
    CHECK_INT(ask("POST", "http://evil.example/admin/drain", "Host: 127.0.0.1\r\n"), 403);
    for (int i = 0; i < COUNT(ours); i++) {
        test_row("%s", ours[i]);
        CHECK_INT(ask("GET", "/admin/config", ours[i]), 200);
        CHECK_INT(ask("POST", "/admin/reload?dry_run=1", ours[i]), 200);
    }
    test_row("only our own caller starts a drain");
    CHECK_INT(ask("GET", "/readyz", ours[0]), 200);
    CHECK_INT(ask("POST", "/admin/drain", ours[0]), 202);
    CHECK_INT(ask("GET", "/readyz", ours[0]), 503);
    driver_kill(&d, 15);
}

/* ---- what each listener shows ---------------------------------------------------------------- */

TEST(doors__the_public_side_does_not_reveal_what_serves)
{
    static const char *const targets[] = {"/readyz?verbose=1", "/livez?verbose=1",
                                          "/readyz?verbose", "/readyz?verbose=yes",
                                          "/readyz?a=b&verbose=true"};

    start(NULL);
    for (int i = 0; i < COUNT(targets); i++) {
        struct driver_response *r = driver_call(d.address, "GET", targets[i], NULL);

        test_row("%s", targets[i]);
        CHECK_INT(r->status, 200);
        CHECK_STR(r->body, "{\"status\":\"ok\"}");
    }
    test_row("the admin listener shows it");
    CHECK(strstr(driver_call(d.admin, "GET", "/livez?verbose=true", NULL)->body, "\"digest\""));
    CHECK_STR(driver_call(d.admin, "GET", "/readyz?verbose=0", NULL)->body, "{\"status\":\"ok\"}");
}

/* ---- HEAD ------------------------------------------------------------------------------------ */

/* A response's head without the parts that differ between exchanges. */
static const char *head_of(const char *address, const char *method, const char *target)
{
    const struct driver_response *response = driver_call(address, method, target, NULL);
    const char *text = "";

    CHECK_INT(response->status, 200);
    CHECK_INT(response->body[0] == '\0', strcmp(method, "HEAD") == 0);
    for (const char *line = response->head; *line; line += strcspn(line, "\n") + 1)
        if (strncmp(line, "Date:", 5) != 0 && strncmp(line, "X-Request-Id:", 13) != 0)
            text = js("%s%.*s\n", text, (int)strcspn(line, "\n"), line);
    return text;
}

TEST(doors__head_wherever_get_is)
{
    const struct {
        const char *address, *target;
    } rows[] = {{d.address, "/livez"}, {d.address, "/readyz"}, {d.address, "/readyz?verbose=1"},
                {d.admin, "/livez"},   {d.admin, "/readyz"},   {d.admin, "/admin/config"}};

    start(NULL);
    for (int i = 0; i < COUNT(rows); i++) {
        test_row("HEAD %s %d", rows[i].target, i);
        CHECK_STR(head_of(rows[i].address, "HEAD", rows[i].target),
                  head_of(rows[i].address, "GET", rows[i].target));
    }
    test_row("HEAD of a body of varying length");
    CHECK(strstr(head_of(d.admin, "HEAD", "/metrics"), "Content-Length: "));
    head_of(d.admin, "HEAD", "/readyz?verbose=1");
    test_row("HEAD of an error");
    CHECK_INT(driver_call(d.address, "HEAD", "/metrics", NULL)->status, 404);
    CHECK_INT(driver_call(d.address, "HEAD", "/rank", NULL)->status, 405);
    CHECK_INT(driver_call(d.admin, "HEAD", "/admin/reload", NULL)->status, 405);
}

/* ---- held admin slots ------------------------------------------------------------------------ */

#define HELD 100 /* more than the admin listener has */

TEST(doors__held_admin_connections_shut_no_probe_out)
{
    static const char *const begun[] = {
        "", "G", "POST /admin/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n1"};

    for (size_t row = 0; row < 3; row++) {
        struct http_client clients[HELD];

        test_row("held: %s", begun[row]);
        driver_start(
            &d, &(struct driver_args){.sets = {"http.head_ms=60000", "http.body_ms=60000",
                                               "http.idle_ms=60000", "http.first_byte_ms=60000"}});
        for (int i = 0; i < HELD; i++) {
            client_open(&clients[i], d.admin);
            client_send(&clients[i], view_of(begun[row]));
        }
        if (row) /* by now they count as slow */
            usleep(400000);
        CHECK_INT(driver_probe(&d, "ready"), 0);
        CHECK_INT(driver_probe(&d, "live"), 0);
        CHECK_INT(driver_call(d.admin, "GET", "/metrics", NULL)->status, 200);
        contract_good(&d);
        for (int i = 0; i < HELD; i++)
            http_client_release(&clients[i]);
    }
}

/* Whatever limits the public listener's clients have. */
TEST(doors__silent_admin_connections_end_early)
{
    struct http_client client;

    driver_start(&d,
                 &(struct driver_args){.sets = {"http.idle_ms=60000", "http.first_byte_ms=60000"}});
    client_open(&client, d.admin);
    CHECK_INT(http_client_wait_end(&client, 10000), HTTP_CLIENT_CLOSED);
    http_client_release(&client);
}
