/*
 * Memory held by requests stays within http.memory_bytes whatever a crowd of clients does, other
 * clients are still served, and memory is released afterwards. Every build checks the account; the
 * process's size is checked only without a sanitizer, which allocates memory itself.
 */
#include "tests/e2e/client.h"
#include "tests/e2e/crowd.h"
#include "tests/e2e/driver.h"
#include "tests/test.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#define ROUNDS 1
#else
#define SANITIZED false
#define ROUNDS 2
#endif

#define MIB (1 << 20)
/* In addition to the budget: spare read buffers, one answer being written, malloc's overhead. */
#define SLACK_BYTES (24 * MIB)

static struct driver d;

static void start(const char *set, const char *catalog, const char *batch_us)
{
    driver_start(
        &d, &(struct driver_args){.catalog = catalog,
                                  .backend = batch_us ? "paced" : "null",
                                  .env = {batch_us},
                                  .sets = {set, "http.body_ms=60000", "log.slow_ms=60000",
                                           "deadline.max_ms=10000", "deadline.default_ms=10000"}});
}

/* ---- readings -------------------------------------------------------------------------------- */

static double held_bytes(void)
{
    static const char *const kinds[] = {"body", "arena", "answer"};
    double bytes = 0;

    for (int i = 0; i < COUNT(kinds); i++)
        bytes += driver_metric(&d, js("adrank_memory_bytes{kind='%s'}", kinds[i]));
    return bytes;
}

static void check_back_near(int64_t start_bytes)
{
    int64_t until_us = clock_now_us() + 15000000, now_bytes;

    while (held_bytes() > 8 * MIB)
        if (clock_now_us() > until_us)
            FAIL("%g bytes are still held", held_bytes());
    if (SANITIZED)
        return;
    while ((now_bytes = driver_status_bytes(&d, "VmRSS:")) > start_bytes + 16 * MIB) {
        if (clock_now_us() > until_us)
            FAIL("%lld bytes are resident, %lld at the start", (long long)now_bytes,
                 (long long)start_bytes);
        usleep(50000);
    }
}

static void check_peak(int64_t start_bytes, int64_t limit_bytes)
{
    int64_t most_bytes = driver_status_bytes(&d, "VmHWM:");

    printf("     start %lld, at most %lld\n", (long long)start_bytes, (long long)most_bytes);
    if (!SANITIZED && most_bytes > start_bytes + limit_bytes + SLACK_BYTES)
        FAIL("%lld bytes were resident, %lld at the start", (long long)most_bytes,
             (long long)start_bytes);
}

static void check_good(void)
{
    CHECK_INT(driver_rank(&d, js("{'rank':{'candidates':[{'adid':'a1'}]}}"))->status, 200);
}

/* ---- bodies ---------------------------------------------------------------------------------- */

/* A POST of a body of n bytes: head, then item again and again, then tail. */
static struct view post_of(struct buf *out, size_t n, const char *head, const char *item,
                           const char *tail)
{
    struct buf body AT_END(buf_release) = BUF_INIT;

    buf_add_str(&body, head);
    while (body.len + strlen(item) + strlen(tail) + 1 < n)
        buf_printf(&body, "%s%s", body.len > strlen(head) ? "," : "", item);
    buf_add_str(&body, tail);
    buf_clear(out);
    buf_add_view(out, client_post(js("%s", buf_str(&body)), ""));
    return buf_view(out);
}

#define LARGE 262144

static const struct {
    const char *what, *head, *item, *tail;
} bodies[] = {
    {"a long list", "{'badv':[", "'a-shop-of-some-length.example'",
     "],'rank':{'candidates':[{'adid':'a1'}]}}"},
    {"numbers where strings belong", "{'badv':[", "1", "]}"},
    {"events", "{'rank':{'behaviour':[", "{'t':1,'type':'click','item':'an-item-of-ours'}", "]}}"},
    {"texts in many contexts",
     "{'imp':[{'id':'1','tagid':'1'},{'id':'2','tagid':'2'},{'id':'3','tagid':'3'},"
     "{'id':'4','tagid':'4'},{'id':'5','tagid':'5'},{'id':'6','tagid':'6'},"
     "{'id':'7','tagid':'7'},{'id':'8','tagid':'8'}],'rank':{'candidates':[",
     NULL, "]}}"},
};

/* 250 at the same time, twice without a sanitizer; the account is read continuously. */
static void storm(struct view post, int64_t limit_bytes)
{
    for (int round = 0; round < ROUNDS; round++) {
        struct crowd crowd = {.bytes = post, .reads = true};
        int64_t until_us = clock_now_us() + 60000000;

        crowd_open(&crowd, d.address, 250);
        while (!crowd_run(&crowd, 20)) {
            CHECK(held_bytes() <= (double)limit_bytes);
            CHECK(clock_now_us() < until_us);
        }
        printf("     200: %d, 422: %d, 503: %d\n", crowd_count(&crowd, 200),
               crowd_count(&crowd, 422), crowd_count(&crowd, 503));
        CHECK_INT(crowd_count(&crowd, 200) + crowd_count(&crowd, 422) + crowd_count(&crowd, 503),
                  250);
        CHECK(crowd_count(&crowd, 503) < 250); /* the oldest get through */
        crowd_close(&crowd);
        check_good();
    }
}

TEST(memory__large_bodies_stay_within_the_budget)
{
    enum { LIMIT = 32 * MIB };
    struct buf out AT_END(buf_release) = BUF_INIT;
    char text[1500];

    snprintf(text, sizeof(text), "{'adid':'x','bid':1,'text':'%*s'}", 1350, "a");
    for (int i = 0; i < COUNT(bodies); i++) {
        int64_t start_bytes;

        test_row("%s", bodies[i].what);
        start("http.memory_bytes=33554432", NULL, "ADRANK_PACED_FIXED_US=20000");
        CHECK_INT(driver_metric(&d, "adrank_memory_limit_bytes"), LIMIT);
        check_good();
        start_bytes = driver_status_bytes(&d, "VmRSS:");
        storm(post_of(&out, LARGE, bodies[i].head, bodies[i].item ? bodies[i].item : text,
                      bodies[i].tail),
              LIMIT);
        check_peak(start_bytes, LIMIT);
        check_back_near(start_bytes);
        driver_end(&d);
    }
}

/* Incomplete bodies hold their received bytes for body_ms; small requests do not wait for that. */
TEST(memory__unfinished_bodies_shut_nobody_out)
{
    static const struct {
        int n;
        size_t bytes;
    } crowds[] = {{258, 256 << 10}, {1000, 64 << 10}, {2000, 20 << 10}};

    start("http.memory_bytes=33554432", NULL, NULL);
    for (int i = 0; i < COUNT(crowds); i++) {
        struct buf out = BUF_INIT;
        struct crowd crowd = {0};

        test_row("%d of %zu bytes", crowds[i].n, crowds[i].bytes);
        crowd.bytes = post_of(&out, crowds[i].bytes, "{'badv':[", "''", "]}");
        crowd.bytes.len--; /* never whole */
        crowd_open(&crowd, d.address, crowds[i].n);
        for (int k = 0; k < 20; k++) {
            crowd_run(&crowd, 20);
            check_good();
        }
        crowd_run(&crowd, 2000);
        CHECK(held_bytes() > 12 * MIB); /* they do hold it */
        for (int k = 0; k < 20; k++)
            check_good();
        crowd_close(&crowd);
        buf_release(&out);
        check_back_near(INT64_MAX / 2);
    }
}

/* ---- answers --------------------------------------------------------------------------------- */

/* Pipelined requests with more answers than the kernel buffers. */
static void long_answers(struct buf *out)
{
    const char *imps = js_list(16, js("{'id':'#%0100d'}", 0));
    struct view post = client_post(js("{'imp':[%s],'rank':{'top_n':50}}", imps), "");

    for (int i = 0; i < 40; i++)
        buf_add_view(out, post);
}

TEST(memory__answers_that_nobody_takes_stay_within_the_budget)
{
    enum { LIMIT = 8 * MIB };
    struct buf catalog AT_END(buf_release) = BUF_INIT, out AT_END(buf_release) = BUF_INIT;
    struct crowd crowd = {.receive_bytes = 4096};
    int64_t start_bytes, until_us;
    double most = 0;

    for (int i = 0; i < 60; i++) /* with long names, so that answers are long */
        buf_printf(&catalog, "{\"adid\":\"%0200d\",\"title\":\"kettle %d\",\"bid\":1}\n", i, i);
    buf_add_str(&catalog, js("{'adid':'a1','title':'yoga mat','bid':1}\n"));
    start("http.memory_bytes=8388608", buf_str(&catalog), NULL);
    check_good();
    start_bytes = driver_status_bytes(&d, "VmRSS:");
    long_answers(&out);
    crowd.bytes = buf_view(&out);
    crowd_open(&crowd, d.address, 100);
    until_us = clock_now_us() + 60000000;
    do {
        double now = driver_metric(&d, "adrank_memory_bytes{kind=\"answer\"}");

        most = now > most ? now : most;
        CHECK(held_bytes() <= LIMIT);
        CHECK(clock_now_us() < until_us);
        check_good();
    } while (!crowd_run(&crowd, 20) || most < LIMIT / 4);
    printf("     %g bytes of answers were held\n", most);
    check_peak(start_bytes, LIMIT);
    crowd_close(&crowd);
    check_back_near(start_bytes);
}

/* ---- a reload -------------------------------------------------------------------------------- */

static const char *config_of(const char *http)
{
    return driver_config("{'model':{'backend':'paced'},'http':{'workers':2},"
                         "'deadline':{'max_ms':10000,'default_ms':10000}}",
                         http, NULL);
}

/* The workers' spare memory exceeds the new limit: they release it without a request. */
TEST(memory__a_lower_limit_ends_what_is_kept)
{
    enum { LOWER = 2 * MIB };
    struct buf out AT_END(buf_release) = BUF_INIT;
    struct crowd crowd = {.reads = true};
    int64_t until_us = clock_now_us() + 30000000;

    driver_start(&d,
                 &(struct driver_args){.plain = true,
                                       .env = {"ADRANK_PACED_FIXED_US=20000"},
                                       .config = config_of("{'http':{'memory_bytes':67108864}}")});
    crowd.bytes = post_of(&out, 60000, bodies[0].head, bodies[0].item, bodies[0].tail);
    crowd_open(&crowd, d.address, 32);
    while (!crowd_run(&crowd, 20))
        CHECK(clock_now_us() < until_us);
    CHECK_INT(crowd_count(&crowd, 200), 32);
    crowd_close(&crowd);
    usleep(2500000); /* memory kept only after a burst has been released by now */
    CHECK(held_bytes() > LOWER);
    CHECK_INT(driver_reload(&d, config_of("{'http':{'memory_bytes':2097152}}"))->status, 200);
    while (held_bytes() > LOWER / 4 * 3)
        CHECK(clock_now_us() < until_us);
}
