/* What counts as a store failure: a caller with a short timeout, a busy loop and a slow greeting do
 * not. */
#include <netdb.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "tests/loopback.h"
#include "tests/unit/server/store/store_rig.h"

int __real_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **found);
int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **found);
void __real_freeaddrinfo(struct addrinfo *found);
void __wrap_freeaddrinfo(struct addrinfo *found);

/* "two.test" has two addresses, with a server only at the second. "gone.test" had the same: the
 * name server fails after the first lookup. */
static struct addrinfo two[2];
static struct sockaddr_in two_addresses[2];
static atomic_int lookups;

int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **found)
{
    if (!node || !strstr(node, ".test"))
        return __real_getaddrinfo(node, service, hints, found);
    if (strcmp(node, "none.test") == 0)
        return EAI_NONAME;
    if (atomic_fetch_add(&lookups, 1) > 0 && strcmp(node, "gone.test") == 0)
        return EAI_AGAIN;
    for (int i = 0; i < 2; i++) {
        two_addresses[i] = (struct sockaddr_in){
            .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + (i == 0))};
        two[i] = (struct addrinfo){.ai_family = AF_INET,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_addr = (struct sockaddr *)&two_addresses[i],
                                   .ai_addrlen = sizeof(two_addresses[i]),
                                   .ai_next = i == 0 ? &two[1] : NULL};
    }
    *found = two;
    return 0;
}

void __wrap_freeaddrinfo(struct addrinfo *found)
{
    if (found != two)
        __real_freeaddrinfo(found);
}

TEST(store__callers_in_a_hurry_are_not_the_stores_fault)
{
    rig_start_up(NULL);
    for (int n_in_a_row = 0; n_in_a_row < BREAKER_FAILURES + 1;) {
        ask_by("GET k", 1); /* if the loop was kept busy, the answer is read first */
        n_in_a_row = seen.status == STORE_LATE ? n_in_a_row + 1 : 0;
        CHECK(seen.status == STORE_LATE || seen.status == STORE_OK);
    }
    CHECK_INT(store_breaker(rig.store), BREAKER_CLOSED);
    ask_for("GET k", STORE_OK);
    rig_stop();
}

TEST(store__a_silent_store_opens_the_breaker_whoever_waits)
{
    static struct store_call cancelled;

    rig_start_up(NULL);
    redis_pause(&rig.redis);
    for (int i = 0; i < BREAKER_FAILURES; i++) {
        if (i % 2) {
            ask_by("GET k", 1000);
            CHECK_INT(seen.status, STORE_LATE);
        } else {
            send_by(&cancelled, "GET k", 1000000000);
            store_cancel(rig.store, &cancelled);
        }
    }
    CHECK(!is_open());
    run_until(is_open);
    redis_resume(&rig.redis);
    run_until(is_up);
    rig_stop();
}

static int n_ok, n_late;

static void on_counted(struct store_call *call, enum store_status status,
                       const struct store_reply *replies, int n)
{
    (void)call;
    n_ok += status == STORE_OK && n == 1 && replies[0].n > 0;
    n_late += status == STORE_LATE;
}

static bool all_counted(void)
{
    return n_ok + n_late == 30;
}

static int n_turns;

static bool some_turns(void)
{
    return ++n_turns > 5;
}

/* 30 calls of n elements are out when the loop stands still for three times timeout_ms. */
static void stall_with(int n)
{
    static struct store_call calls[30];
    struct store_settings settings = settings_of(NULL);
    char command[256];

    settings.redis.max_in_flight = 30;
    settings.redis.timeout_ms = 300;
    rig_start(NULL, &settings);
    snprintf(command, sizeof(command), "RPUSH k %0100d", 1);
    run_until(is_up);
    for (int i = 0; i < n; i++)
        ask(command);
    n_ok = n_late = 0;
    redis_pause(&rig.redis);
    for (int i = 0; i < 30; i++) {
        calls[i] = (struct store_call){.on_done = on_counted};
        send_by(&calls[i], "LRANGE k 0 -1", 1000000000);
    }
    n_turns = 0;
    run_until(some_turns); /* the commands go out */
    redis_resume(&rig.redis);
    usleep(900000); /* the answers arrive */
    run_until(all_counted);
}

TEST(store__a_busy_loop_reads_what_came_before_it_calls_it_late)
{
    stall_with(10); /* 30 KB: the replies fit the socket buffer */
    CHECK_INT(n_ok, 30);
    CHECK_INT(store_breaker(rig.store), BREAKER_CLOSED);
    rig_stop();
}

/* Not all of 300 KB fit the socket: some are late, but not because of the store. */
TEST(store__a_busy_loop_does_not_open_the_breaker)
{
    stall_with(100);
    CHECK_INT(store_breaker(rig.store), BREAKER_CLOSED);
    ask_for("GET k", STORE_OK);
    rig_stop();
}

/* The unread reply of one call is read; the others stay unanswered for longer than that. */
TEST(store__a_busy_loop_does_not_excuse_a_silent_store)
{
    static struct store_call calls[BREAKER_FAILURES + 1];

    rig_start_up(NULL);
    ask("SETRANGE s 300000 x");
    n_late = n_turns = 0;
    redis_pause(&rig.redis);
    for (int i = 0; i <= BREAKER_FAILURES; i++) {
        calls[i].on_done = on_counted;
        send_by(&calls[i], i == 0 ? "GET s" : "BLPOP nobody 3", 1000000000);
    }
    run_until(some_turns);
    redis_resume(&rig.redis);
    usleep(200000);
    run_until(is_open);
    CHECK_INT(n_late, BREAKER_FAILURES);
    rig_stop();
}

/* ---- a server that greets slowly ------------------------------------------------------------- */

static struct {
    int listener;
    pthread_t thread;
    atomic_int n_connections;
} slow;

/* The first connection is greeted immediately, never answered, and closed after 1.5 s; all others
 * are greeted after 700 ms. */
static void *serve_slowly(void *arg)
{
    char bytes[4096];

    for (;;) {
        int fd = accept(slow.listener, NULL, NULL);
        bool first = atomic_fetch_add(&slow.n_connections, 1) == 0;

        if (fd == -1)
            return arg;
        if (read(fd, bytes, sizeof(bytes)) > 0) {
            usleep(first ? 0 : 700000);
            (void)!write(fd, "+OK\r\n", 5);
            if (first)
                usleep(1500000);
            else
                while (read(fd, bytes, sizeof(bytes)) > 0)
                    ;
        }
        close(fd);
    }
}

TEST(store__a_slow_greeting_is_waited_for_with_the_breaker_open)
{
    struct store_settings settings = settings_of(NULL);
    char url[64];
    int port = 0;

    memset(&slow, 0, sizeof(slow));
    slow.listener = loopback_listen(&port);
    CHECK_INT(pthread_create(&slow.thread, NULL, serve_slowly, NULL), 0);
    snprintf(url, sizeof(url), "redis://127.0.0.1:%d", port);
    settings.redis.url = url;
    settings.redis.timeout_ms = 10;
    settings.redis.connect_ms = 2000;
    rig_start_up(&settings);
    for (int i = 0; i < BREAKER_FAILURES; i++)
        ask("GET k");
    run_until(is_open);
    run_until(is_up);
    CHECK(atomic_load(&slow.n_connections) <= 3);
    rig_stop();
    shutdown(slow.listener, SHUT_RDWR);
    pthread_join(slow.thread, NULL);
    close(slow.listener);
}

/* ---- names ----------------------------------------------------------------------------------- */

/* Connects by the second address of that name. */
static void come_up_by(const char *name)
{
    struct store_settings settings = settings_of("redis://127.0.0.1:1");
    char url[64];

    rig_start(NULL, &settings);
    atomic_store(&lookups, 0);
    snprintf(url, sizeof(url), "redis://%s:%d", name, rig.redis.port);
    settings.redis.url = url;
    store_set(rig.store, &settings);
    run_until(is_up);
    rig_stop();
}

TEST(store__tries_all_addresses_of_a_name)
{
    come_up_by("two.test");
}

TEST(store__keeps_the_addresses_when_the_name_server_fails)
{
    come_up_by("gone.test");
    CHECK(atomic_load(&lookups) > 1);
}

static int log_fd;
static char log_text[4096];

static bool is_logged(void)
{
    ssize_t n = pread(log_fd, log_text, sizeof(log_text) - 1, 0);

    log_text[n > 0 ? n : 0] = '\0';
    return strstr(log_text, "event=redis_disconnected");
}

TEST(store__logs_that_a_name_does_not_resolve)
{
    struct store_settings settings = settings_of("redis://none.test:7");

    log_fd = memfd_create("log", MFD_CLOEXEC);
    CHECK(log_fd != -1);
    log_init(log_fd, LOG_WARN);
    rig_start(NULL, &settings);
    run_until(is_logged);
    CHECK(strstr(log_text, "reason=\"cannot resolve the name: Name or service not known\""));
    CHECK(strstr(log_text, "address=none.test:7"));
    rig_stop();
    log_init(STDERR_FILENO, LOG_INFO);
    close(log_fd);
}
