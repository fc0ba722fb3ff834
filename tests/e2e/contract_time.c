/* CONTRACT 3, when things go wrong: clients that are slow, silent or do not read. */
#include <errno.h>
#include <sys/socket.h>

#include "tests/e2e/contract.h"

#define WAIT_MS 20000 /* for what takes some 300 ms */

/* A daemon with short limits; nobody sends a good request in more pieces than one. */
static void start(struct driver *d, const char *set)
{
    driver_start(d, &(struct driver_args){.sets = {set}});
}

static int64_t elapsed_ms(int64_t since_us)
{
    return (clock_now_us() - since_us) / 1000;
}

static const struct contract_want timed_out = {
    .status = 408, .code = "request_timeout", .closed = true};

CONTRACT_TEST(slow, head_and_body)
{
    static const char *const rows[] = {
        "P",
        "POST /rank HTTP/1.1\r\nHost: a\r\n",
        "POST /rank HTTP/1.1\r\nHost: a\r\nX-A: b\r",
        "POST /rank HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n",
        "POST /rank HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{}",
        "POST /rank HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"};

    for (int body = 0; body < 2; body++) {
        struct driver d AT_END(driver_end);

        start(&d, body ? "http.body_ms=300" : "http.head_ms=300");
        for (int i = 3 * body; i < 3 * body + 3; i++) {
            int64_t sent_us = clock_now_us();

            test_row("%s", rows[i]);
            contract_expect(&d, view_of(rows[i]), &timed_out);
            CHECK(elapsed_ms(sent_us) >= 300);
        }
    }
}

/* One byte again and again, for ever: the deadline is absolute. */
static void drip(struct driver *d, const char *begin, const char *byte)
{
    int64_t until_us = clock_now_us() + WAIT_MS * 1000LL;
    struct http_client client;

    client_open(&client, d->address);
    client_send(&client, view_of(begin));
    while (http_client_wait_end(&client, 20) == HTTP_CLIENT_OPEN) {
        CHECK(clock_now_us() < until_us);
        client_send(&client, view_of(byte));
    }
    contract_receive(&client, &timed_out);
    http_client_release(&client);
    contract_good(d);
}

CONTRACT_TEST(slow, drip)
{
    struct driver d;

    start(&d, "http.head_ms=300");
    drip(&d, "POST /rank HTTP/1.1\r\nHost: a\r\nX-A: ", "a");
    CHECK_INT(driver_stop(&d), 0);
    start(&d, "http.body_ms=300");
    test_row("body");
    drip(&d, "POST /rank HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n", " ");
    test_row("chunks");
    drip(&d, "POST /rank HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\n \r\n");
    CHECK_INT(driver_stop(&d), 0);
}

CONTRACT_TEST(quiet, idle)
{
    struct http_client client;
    struct driver d AT_END(driver_end);
    int64_t good_us;

    start(&d, "http.idle_ms=300");
    client_open(&client, d.address);
    contract_good_on(&client);
    good_us = clock_now_us();
    CHECK_INT(http_client_wait_end(&client, WAIT_MS), HTTP_CLIENT_CLOSED);
    CHECK(elapsed_ms(good_us) >= 250);
    http_client_release(&client);
    contract_good(&d);
}

CONTRACT_TEST(quiet, before_the_first_byte)
{
    static const char *const sets[] = {"http.first_byte_ms=300", "http.idle_ms=300"};

    for (int i = 0; i < 2; i++) {
        struct http_client client, used;
        struct driver d AT_END(driver_end);

        test_row("%s", sets[i]);
        start(&d, sets[i]);
        client_open(&used, d.address);
        contract_good_on(&used);
        client_open(&client, d.address);
        CHECK_INT(http_client_wait_end(&client, WAIT_MS), HTTP_CLIENT_CLOSED);
        http_client_release(&client);
        if (i == 0) /* between requests there is more time */
            contract_end(&d, &used, false);
        else
            http_client_release(&used);
        contract_good(&d);
    }
}

/* Answers of some 100 KB each, until neither the kernel nor the client takes more. A UNIX socket,
 * whose buffers do not grow. */
CONTRACT_TEST(quiet, answer_not_taken)
{
    char path[64], set[96], bytes[4096];
    struct http_client client;
    struct driver d AT_END(driver_end);
    ssize_t n;
    size_t taken = 0;

    snprintf(path, sizeof(path), "/tmp/adrank-contract-%d", (int)getpid());
    snprintf(set, sizeof(set), "http.address=unix:%s", path);
    driver_start(&d, &(struct driver_args){.sets = {"http.write_ms=300", set}});
    client_open(&client, d.address);
    for (int i = 0; i < 40; i++)
        client_send(
            &client,
            client_post(js("{'rank':{'top_n':50},'imp':[%s]}", js_list(16, "{'id':'#'}")), ""));
    contract_receive(&client, CONTRACT_OK); /* the first is taken */
    WAIT_FOR_MS(WAIT_MS, driver_metric(&d, "adrank_connections") == 0);
    /* What was in the kernel's hands comes, then the end: no answer more, no word of why. */
    while ((n = recv(client.fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
        taken += (size_t)n;
    CHECK(n == 0 || (n == -1 && errno == ECONNRESET));
    CHECK(taken < 30 * 16 * 7 * 150);
    http_client_release(&client);
    contract_good(&d);
}
