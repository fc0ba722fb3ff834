/* CONTRACT 3, when things go wrong: clients that are slow, silent or do not read. */
#include <errno.h>
#include <sys/socket.h>

#include "tests/e2e/contract.h"

#define WAIT_MS 20000 /* for what should take some 300 ms */

static int64_t elapsed_ms(int64_t since_us)
{
    return (clock_now_us() - since_us) / 1000;
}

#define POST "POST /rank HTTP/1.1\r\nHost: a\r\n"
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"

/* Requests that never end, sent once, or repeatedly, as the deadline is absolute. */
CONTRACT_TEST(slow, head_and_body)
{
    static const struct {
        const char *bytes, *drip;
    } rows[] = {
        {"P", NULL},
        {POST, NULL},
        {POST "X-A: b\r", NULL},
        {POST "Content-Length: 9\r\n\r\n", NULL},
        {POST "Content-Length: 9\r\n\r\n{}", NULL},
        {CHUNKED "2\r\n{}\r\n", NULL},
        {POST "X-A: ", "a"},
        {POST "Content-Length: 200000\r\n\r\n", " "},
        {CHUNKED, "1\r\n \r\n"},
    };
    struct driver d;

    driver_start(&d, &(struct driver_args){.sets = {"http.head_ms=300", "http.body_ms=300"}});
    for (int i = 0; i < COUNT(rows); i++) {
        int64_t sent_us = clock_now_us();
        struct http_client client;

        test_row("%s, then %s", rows[i].bytes, rows[i].drip ? rows[i].drip : "nothing");
        client_open(&client, d.address);
        client_send(&client, view_of(rows[i].bytes));
        while (http_client_wait_end(&client, 20) == HTTP_CLIENT_OPEN) {
            CHECK(elapsed_ms(sent_us) < WAIT_MS);
            client_send(&client, view_of(rows[i].drip ? rows[i].drip : ""));
        }
        CHECK(elapsed_ms(sent_us) >= 300);
        contract_receive(&client, CONTRACT_CLOSES(408, "request_timeout"));
        contract_end(&d, &client, true);
    }
}

/* After a request, and before the first one, as first_byte_ms is longer here. */
CONTRACT_TEST(quiet, idle)
{
    struct http_client client, used;
    struct driver d;
    int64_t good_us;

    driver_start(&d, &(struct driver_args){.sets = {"http.idle_ms=300"}});
    client_open(&used, d.address);
    contract_good_on(&used);
    good_us = clock_now_us();
    client_open(&client, d.address);
    CHECK_INT(http_client_wait_end(&used, WAIT_MS), HTTP_CLIENT_CLOSED);
    CHECK(elapsed_ms(good_us) >= 250);
    CHECK_INT(http_client_wait_end(&client, WAIT_MS), HTTP_CLIENT_CLOSED);
    http_client_release(&used);
    http_client_release(&client);
    contract_good(&d);
}

/* Answers of some 100 KB each, until the kernel's buffers are full and the client reads nothing.
 * Uses a UNIX socket, whose buffers do not grow. */
CONTRACT_TEST(quiet, answer_not_taken)
{
    char path[64], set[96], bytes[4096];
    struct http_client client;
    struct driver d;
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
    contract_receive(&client, CONTRACT_OK); /* the first is read */
    WAIT_FOR_MS(WAIT_MS, driver_metric(&d, "adrank_connections") == 0);
    /* What the kernel had buffered arrives, then the connection ends without an error. */
    while ((n = recv(client.fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
        taken += (size_t)n;
    CHECK(n == 0 || (n == -1 && errno == ECONNRESET));
    CHECK(taken < 30 * 16 * 7 * 150);
    http_client_release(&client);
    contract_good(&d);
}
