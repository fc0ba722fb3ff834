/* Listener, threads and drain over real sockets. Addresses: tests/e2e/bind.c; running out of
 * descriptors: tests/e2e/descriptors.c. */
#define _GNU_SOURCE /* memmem */
#include "server/net/server.h"

#include <sys/stat.h>

#include "tests/unit/server/net/server_fixture.h"

TEST(server__spreads_connections)
{
    struct http_client *clients;

    fixture_begin();
    clients = connect_idle(10);
    CHECK_INT(server_connections(&fixture.server), 10);
    CHECK_INT(atomic_load(&fixture.server.threads[0].connections), 5);
    CHECK_INT(atomic_load(&fixture.server.threads[1].connections), 5);
    for (int i = 0; i < 10; i++)
        http_client_release(&clients[i]);
    WAIT_UNTIL(atomic_load(&fixture.server.threads[0].connections) == 0);
    fixture_stop();
}

TEST(server__beats)
{
    int64_t first_us;

    fixture_begin();
    WAIT_UNTIL(server_heartbeat_us(&fixture.server) > 0);
    first_us = server_heartbeat_us(&fixture.server);
    WAIT_UNTIL(server_heartbeat_us(&fixture.server) > first_us);
    fixture_stop();
}

TEST(server__listens_on_a_unix_socket)
{
    char path[64], address[80];
    struct stat st;
    struct err err;

    snprintf(path, sizeof(path), "/tmp/adrank-test-%d.sock", (int)getpid());
    snprintf(address, sizeof(address), "unix:%s", path);
    for (int round = 0; round < 2; round++) {
        fixture_init();
        fixture.options.address = address;
        fixture_start();
        CHECK_STR(listener_text(&fixture.server.listener), address);
        connect_idle(1);
        if (round == 0) { /* a socket in use is not removed */
            struct listener second;

            CHECK_ERR(listener_open(
                          &second,
                          &(struct listener_args){.loop = &fixture.loop, .address = address}, &err),
                      err, "bind");
            CHECK_INT(err.code, ERR_UNAVAILABLE);
            connect_idle(1);
        }
        fixture_stop();
        CHECK(stat(path, &st) == -1);
        /* a stale socket of a crash is replaced in the second round */
        if (round == 0) {
            struct sockaddr_un sun = {.sun_family = AF_UNIX};
            int fd = socket(AF_UNIX, SOCK_STREAM, 0);

            memcpy(sun.sun_path, path, strlen(path) + 1);
            CHECK(bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0);
            close(fd);
        }
    }
}

static void on_drained(int64_t n_cut, void *arg)
{
    (void)arg;
    fixture.cut = n_cut;
    fixture.drained = 1;
}

/* On the accepting thread, as a signal handler's loop event would. */
static void on_drain_letter(struct letter *letter, void *reader)
{
    (void)letter;
    (void)reader;
    server_drain(&fixture.server, on_drained, NULL);
}

static void drain(void)
{
    fixture.drain.deliver = on_drain_letter;
    loop_post(&fixture.loop, &fixture.drain);
    WAIT_UNTIL(server_draining(&fixture.server));
}

static void expect_last(struct http_client *client)
{
    struct client_response response = expect(client, 200);

    CHECK_VIEW(http_response_header(&response, "connection"), "close");
    expect_end(client);
}

TEST(server__drains)
{
    struct http_client *idle, *late, *fresh, refused;
    struct err err;

    fixture_init();
    fixture.options.drain_grace_ms = 300;
    fixture.options.drain_max_ms = 60000;
    fixture_start();
    idle = connect_idle(1);
    late = connect_client();
    send_text(late, GET("/late"));
    drain();
    expect_last(late);        /* a request that has begun is answered */
    fresh = connect_client(); /* within the grace */
    send_text(fresh, GET("/get"));
    expect_last(fresh);
    CHECK_INT(http_client_wait_end(idle, 500), HTTP_CLIENT_OPEN);
    CHECK_OK(http_client_init(&refused, listener_text(&fixture.server.listener), WAIT_MS, &err),
             err);
    CHECK_ERR(http_client_connect(&refused, &err), err, "refused"); /* after it */
    http_client_release(&refused);
    CHECK_INT(fixture.drained, 0);
    send_text(idle, GET("/get")); /* its next request is its last */
    expect_last(idle);
    WAIT_UNTIL(fixture.drained == 1);
    CHECK_INT(fixture.cut, 0);
    fixture_stop();
}

TEST(server__drains_no_longer_than_allowed)
{
    fixture_init();
    fixture.options.drain_grace_ms = 10;
    fixture.options.drain_max_ms = 100;
    fixture_start();
    connect_idle(1);
    send_text(connect_client(), GET("/park"));
    WAIT_UNTIL(fixture.parked == 1);
    drain();
    WAIT_UNTIL(fixture.drained == 1);
    CHECK_INT(fixture.cut, 2);
    fixture_stop();
    CHECK_INT(fixture.gone, 1);
}

#define CLIENTS 6
#define ROUNDS 150

struct driver {
    pthread_t thread;
    uint64_t seed;
    int bad;
    char address[ADDRESS_TEXT_BYTES];
};

/* No CHECK off the main thread: errors are counted. */
static void *drive(void *arg)
{
    static const char *const targets[] = {"/get", "/late", "/echo"};
    static const char *const bodies[] = {"ok", "late", "[1,2,3]"};
    struct driver *driver = arg;
    struct http_client client;
    struct client_response response;
    struct rng rng;
    struct err err;

    rng_init(&rng, driver->seed);
    if (http_client_init(&client, driver->address, WAIT_MS, &err))
        return NULL;
    for (int i = 0; i < ROUNDS; i++) {
        int kind = i % 10 == 9 ? 1 : rng_below(&rng, 2) ? 2 : 0;
        struct http_request request = {.method = kind == 2 ? "POST" : "GET",
                                       .target = targets[kind],
                                       .body = kind == 2 ? VIEW_LIT("[1,2,3]") : (struct view){0}};

        if (http_client_call(&client, &request, &response, &err) || response.status != 200 ||
            !view_is(response.body, bodies[kind]))
            driver->bad++;
        if (rng_below(&rng, 20) == 0)
            http_client_close(&client);
    }
    http_client_release(&client);
    return NULL;
}

TEST(server__serves_many_at_once)
{
    struct driver drivers[CLIENTS];

    fixture_begin();
    for (int i = 0; i < CLIENTS; i++) {
        drivers[i] = (struct driver){.seed = (uint64_t)i};
        memcpy(drivers[i].address, listener_text(&fixture.server.listener), ADDRESS_TEXT_BYTES);
        CHECK(pthread_create(&drivers[i].thread, NULL, drive, &drivers[i]) == 0);
    }
    for (int i = 0; i < CLIENTS; i++) {
        pthread_join(drivers[i].thread, NULL);
        CHECK_INT(drivers[i].bad, 0);
    }
    CHECK_INT(fixture.answered, CLIENTS * ROUNDS);
    fixture_stop();
}
