/* CONTRACT 3, when things go wrong: clients that hold every connection there is shut nobody out. */
#include "tests/e2e/contract.h"

#define MAX 16
#define HELD (2 * MAX)

static void start(struct driver *d, const char *workers)
{
    driver_start(
        d, &(struct driver_args){.sets = {workers, "http.max_connections=16", "http.head_ms=60000",
                                          "http.body_ms=60000", "http.first_byte_ms=60000"}});
}

static void release(struct http_client *clients)
{
    for (int i = 0; i < HELD; i++)
        http_client_release(&clients[i]);
}

/* A number of good requests, each on a connection of its own, beside those that are held. */
static void check_served(struct driver *d)
{
    for (int i = 0; i < 5; i++)
        contract_good(d);
    CHECK_INT(driver_call(d->address, "GET", "/livez", NULL)->status, 200);
}

CONTRACT_TEST(room, silent)
{
    struct http_client clients[HELD];
    struct driver d AT_END(driver_end);

    start(&d, "http.workers=1"); /* so that it is known who is the oldest */
    for (int i = 0; i < HELD; i++)
        client_open(&clients[i], d.address);
    check_served(&d);
    CHECK(driver_metric(&d, "adrank_connections_evicted_total") >= HELD - MAX);
    /* The oldest went, told that there is no room. */
    contract_receive(&clients[0], CONTRACT_CLOSES(503, "too_many_connections"));
    release(clients);
    check_served(&d);
}

CONTRACT_TEST(room, used)
{
    struct http_client clients[HELD];
    struct driver d AT_END(driver_end);

    start(&d, "http.workers=1"); /* so that it is known who is the oldest */
    for (int i = 0; i < HELD; i++) {
        client_open(&clients[i], d.address);
        contract_good_on(&clients[i]);
    }
    check_served(&d);
    CHECK_INT(http_client_wait_end(&clients[0], 10000), HTTP_CLIENT_CLOSED); /* without a word */
    release(clients);
}

CONTRACT_TEST(room, slow)
{
    static const char *const begun[] = {
        "P", "POST /rank HTTP/1.1\r\nHost: a\r\nX-A: ",
        "POST /rank HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{"};

    for (int row = 0; row < 3; row++) {
        struct http_client clients[HELD];
        struct driver d AT_END(driver_end);

        test_row("%s", begun[row]);
        start(&d, "http.workers=2");
        for (int i = 0; i < HELD; i++) {
            client_open(&clients[i], d.address);
            client_send(&clients[i], view_of(begun[row]));
        }
        usleep(400000); /* now they count as slow */
        check_served(&d);
        release(clients);
    }
}
