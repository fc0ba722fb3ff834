/* The client against a small server that plays a script. */
#include "client/http_client.h"

#include <pthread.h>
#include <unistd.h>

#include "tests/loopback.h"

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static struct {
    int listen_fd;
    pthread_t thread;
    /* One for each request ("": none), then the connection is closed: NULL after the last of a
     * connection, twice after all. */
    const char *const *answers;
    char address[64];
    char requests[8192];
} peer;

/* Up to the empty line; bodies of these tests come with it. */
static bool read_request(int fd)
{
    size_t len = strlen(peer.requests);
    const char *start = peer.requests + len;
    ssize_t n;

    do {
        n = recv(fd, peer.requests + len, sizeof(peer.requests) - len - 1, 0);
        if (n <= 0)
            return false;
        len += (size_t)n;
        peer.requests[len] = 0;
    } while (!strstr(start, "\r\n\r\n"));
    return true;
}

static void *serve(void *arg)
{
    const char *const *answer = peer.answers;

    (void)arg;
    for (; *answer; answer++) {
        int fd = accept(peer.listen_fd, NULL, NULL);

        for (; *answer; answer++) {
            if (!read_request(fd))
                break;
            (void)!send(fd, *answer, strlen(*answer), MSG_NOSIGNAL);
        }
        while (*answer)
            answer++;
        close(fd);
    }
    return NULL;
}

static struct http_client client;
static struct client_response response;
static struct err err;

static void start(const char *const *answers, int timeout_ms)
{
    int port = 0;

    peer.requests[0] = 0;
    peer.answers = answers;
    peer.listen_fd = loopback_listen(&port);
    snprintf(peer.address, sizeof(peer.address), "127.0.0.1:%d", port);
    CHECK(pthread_create(&peer.thread, NULL, serve, NULL) == 0);
    CHECK_OK(http_client_init(&client, peer.address, timeout_ms, &err), err);
}

static void stop(void)
{
    http_client_release(&client);
    pthread_join(peer.thread, NULL);
    close(peer.listen_fd);
}

static const struct http_request get = {.target = "/x"};

TEST(http_client__keeps_its_connection)
{
    static const char *const answers[] = {OK_ANSWER, OK_ANSWER, NULL, NULL};

    start(answers, 5000);
    CHECK_OK(http_client_call(&client, &get, &response, &err), err);
    CHECK_INT(response.status, 200);
    CHECK_VIEW(response.body, "ok");
    CHECK_OK(http_client_call(&client,
                              &(struct http_request){.method = "POST",
                                                     .target = "/y",
                                                     .headers = "A: b\r\n",
                                                     .body = VIEW_LIT("{}")},
                              &response, &err),
             err);
    stop();
    CHECK_STR(peer.requests, "GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n"
                             "POST /y HTTP/1.1\r\nHost: localhost\r\nA: b\r\nContent-Type: "
                             "application/json\r\nContent-Length: 2\r\n\r\n{}");
}

TEST(http_client__connects_anew_when_a_kept_one_was_closed)
{
    static const char *const answers[] = {OK_ANSWER, NULL, OK_ANSWER, NULL, NULL};

    start(answers, 5000);
    for (int i = 0; i < 2; i++) {
        CHECK_OK(http_client_call(&client, &get, &response, &err), err);
        CHECK_VIEW(response.body, "ok");
    }
    stop();
}

TEST(http_client__reports_what_is_wrong)
{
    static const struct {
        const char *answer, *part;
        enum err_code code;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", "closed before", ERR_UNAVAILABLE},
        {"garbage\r\n", "not HTTP", ERR_DATA},
    };

    for (int i = 0; i < COUNT(cases); i++) {
        const char *const answers[] = {cases[i].answer, NULL, NULL};

        test_row("http_client__reports_what_is_wrong %s", cases[i].part);
        start(answers, 5000);
        CHECK_ERR(http_client_call(&client, &get, &response, &err), err, cases[i].part);
        CHECK_INT(err.code, cases[i].code);
        CHECK_INT(client.fd, -1);
        stop();
    }
}

TEST(http_client__waits_no_longer_than_its_timeout)
{
    static const char *const answers[] = {"", "", NULL, NULL};

    start(answers, 50);
    CHECK_ERR(http_client_call(&client, &get, &response, &err), err, "timed out");
    stop();
}

static void check_no_connection(const char *address, const char *why)
{
    CHECK_OK(http_client_init(&client, address, 5000, &err), err);
    CHECK_ERR(http_client_call(&client, &get, &response, &err), err, why);
    http_client_release(&client);
}

TEST(http_client__reports_a_refused_connection)
{
    int port = 0, fd = loopback_bind(&port); /* not listening */
    char address[64];

    snprintf(address, sizeof(address), "127.0.0.1:%d", port);
    check_no_connection(address, "refused");
    CHECK_INT(err.code, ERR_UNAVAILABLE);
    close(fd);
    check_no_connection("unix:/nowhere/at.all", "No such file");
    check_no_connection("nonsense", "not an address");
}
