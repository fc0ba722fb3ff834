/* Fewer descriptors than connections: clients are served or refused immediately, the log gets a
 * line or two, and the admin listener stays open. */
#define _GNU_SOURCE /* prlimit */
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/e2e/contract.h"

#define CLIENTS 100
/* far less than slow refusals would take, far more than a busy machine needs */
#define PROMPT_US 3000000

static const char get[] = "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n";
static struct driver d;
static struct http_client clients[CLIENTS];

static void connect_all(const char *bytes)
{
    for (int i = 0; i < CLIENTS; i++) {
        client_open(&clients[i], d.address);
        /* it may have been refused by now */
        (void)!send(clients[i].fd, bytes, strlen(bytes), MSG_NOSIGNAL);
    }
}

struct tally {
    int n_served, n_refused, n_closed;
};

/* Collects each client's result, without waiting long. */
static struct tally take_all(void)
{
    struct tally tally = {0};
    int64_t since_us = clock_now_us();

    for (int i = 0; i < CLIENTS; i++) {
        struct client_response response;
        struct err err;

        if (http_client_receive(&clients[i], false, &response, &err))
            tally.n_closed++;
        else if (response.status == 503)
            tally.n_refused++;
        else
            tally.n_served += response.status == 200;
        http_client_release(&clients[i]);
    }
    CHECK(clock_now_us() - since_us < PROMPT_US);
    CHECK_INT(tally.n_served + tally.n_refused + tally.n_closed, CLIENTS);
    return tally;
}

/* While a burst is still being handed to the workers, a newcomer may be refused like the others: it
 * tries again, as Retry-After asks. */
static void good_after_burst(void)
{
    int64_t until_us = clock_now_us() + PROMPT_US;
    struct http_client client;
    struct client_response response;
    struct err err;

    for (;;) {
        client_open(&client, d.address);
        (void)!send(client.fd, get, strlen(get), MSG_NOSIGNAL);
        if (http_client_receive(&client, false, &response, &err) == 0 && response.status == 200)
            break;
        http_client_release(&client);
        CHECK(clock_now_us() < until_us);
        usleep(20000);
    }
    contract_good_on(&client);
    http_client_release(&client);
}

/* The shared budget of descriptors: public connections never take the others'. */
TEST(descriptors__a_burst_beyond_the_limit)
{
    driver_start(&d, &(struct driver_args){.files_soft = 64, .files_hard = 64});
    driver_wait_log(&d, "event=world_warning warning=\"http.max_connections: ");
    for (int round = 0; round < 3; round++) {
        connect_all(get);
        CHECK_INT(driver_probe(&d, "ready"), 0);
        CHECK_INT(driver_call(d.admin, "GET", "/metrics", NULL)->status, 200);
        CHECK(take_all().n_served > 0);
        good_after_burst();
    }
    test_row("silent clients");
    connect_all("");
    CHECK_INT(driver_probe(&d, "ready"), 0);
    good_after_burst();
    for (int i = 0; i < CLIENTS; i++)
        http_client_release(&clients[i]);
    CHECK(driver_logged(&d, "event=accept_paused") <= 2); /* one per listener */
    CHECK_INT(driver_reload(&d, "{}")->status, 200);      /* files can still be read */
}

static void limit_files(rlim_t n)
{
    struct rlimit limit;

    CHECK(prlimit(d.pid, RLIMIT_NOFILE, NULL, &limit) == 0);
    limit.rlim_cur = n;
    CHECK(prlimit(d.pid, RLIMIT_NOFILE, &limit, NULL) == 0);
}

/* The public listener's reserve descriptor: among those on /dev/null it precedes the admin
 * listener's, which is the last. */
static int reserve(void)
{
    int last = -1, before = -1;

    for (int fd = 3; fd < 256; fd++) {
        char to[64] = "";

        if (readlink(js("/proc/%d/fd/%d", (int)d.pid, fd), to, sizeof(to) - 1) <= 0 ||
            strcmp(to, "/dev/null") != 0)
            continue;
        before = last;
        last = fd;
    }
    CHECK(before > 0);
    return before;
}

/* No descriptors at all: another cause used them up. */
TEST(descriptors__refused_at_once_and_logged_once)
{
    struct rlimit before;

    driver_start(&d, &(struct driver_args){0});
    CHECK(prlimit(d.pid, RLIMIT_NOFILE, NULL, &before) == 0);
    limit_files((rlim_t)reserve() + 1);
    for (int round = 0; round < 3; round++) {
        connect_all("");
        CHECK_INT(take_all().n_refused, CLIENTS);
    }
    CHECK_INT(driver_logged(&d, "event=accept_paused"), 1);
    CHECK_INT(driver_logged(&d, "event=accept_resumed"), 0);
    limit_files(before.rlim_cur);
    contract_good(&d);
    driver_wait_log(&d, "event=accept_resumed");
    CHECK(strstr(strstr(driver_log(&d), "event=accept_resumed"), js(" refused=%d ", 3 * CLIENTS)));
    CHECK_INT(driver_logged(&d, "event=accept_paused"), 1);
}
