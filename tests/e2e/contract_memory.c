/*
 * CONTRACT 3, when things go wrong: out of memory, and very many requests at the same time. Not
 * built with a sanitizer: its malloc cannot be replaced by preloading, and it needs too much memory
 * itself.
 */
#include <sys/resource.h>
#include <unistd.h>

#include "tests/e2e/contract.h"
#include "tests/fault/fault.h"
#include "tests/redis.h"

static void start_faulty(struct driver *d, struct fault *fault)
{
    static char preload[4200], plan[128];
    char path[96];
    struct err err;

    snprintf(path, sizeof(path), "/tmp/adrank-fault-%d", (int)getpid());
    CHECK_OK(fault_open(fault, path, &err), err);
    snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", fault_library());
    snprintf(plan, sizeof(plan), "ADRANK_FAULT=%s", path);
    driver_start(d, &(struct driver_args){.backend = "null", .env = {preload, plan}});
}

/* A request that needs more memory than any before it. */
static const char *large(int n_candidates)
{
    return js("{'imp':[{'id':'1','tagid':'a'},{'id':'2','tagid':'b'},{'id':'3','tagid':'c'}],"
              "'rank':{'candidates':[%s]}}",
              js_list(n_candidates, "{'adid':'c#','bid':#,"
                                    "'text':'waterproof hiking jacket for the garden'}"));
}

CONTRACT_TEST(refused, out_of_memory)
{
    static const struct contract_want refused = {
        .status = 503, .code = "out_of_memory", .closed = true};
    struct http_client client;
    struct fault fault;
    struct driver d;

    start_faulty(&d, &fault);
    client_open(&client, d.address);
    contract_good_on(&client);
    fault_set(&fault, FAULT_MALLOC, &(struct fault_plan){.from = 1});
    client_send(&client, client_post(large(200), ""));
    contract_receive(&client, &refused);
    CHECK(fault_fired(&fault, FAULT_MALLOC) > 0);
    fault_clear(&fault);
    contract_end(&d, &client, true);
    test_row("the same request, with memory");
    CHECK_INT(driver_rank(&d, large(200))->status, 200);
    driver_end(&d);
    fault_close(&fault);
}

/* One request with the k-th allocation failing: a complete answer, or a closed connection without
 * one. */
static void try_without(struct driver *d, struct fault *fault, int k, const char *body)
{
    struct http_client client AT_END(http_client_release);
    struct client_response response;
    struct err err;

    fault_set(fault, FAULT_MALLOC, &(struct fault_plan){.from = (uint64_t)k, .count = 1});
    client_open_rank(&client, d->address, body);
    if (http_client_receive(&client, false, &response, &err)) {
        CHECK(client.in.len == 0 && err.code == ERR_UNAVAILABLE);
    } else if (response.status == 200) {
        contract_answer(js("%.*s", VIEW_ARG(response.body)));
    } else {
        CHECK_INT(response.status, 503);
        CHECK(response.body.len == 0 || /* a connection that could not be handed over */
              strstr(js("%.*s", VIEW_ARG(response.body)), "\"code\":\"out_of_memory\""));
        CHECK(http_response_header(&response, "Retry-After").len > 0);
    }
}

/* Fails each allocation of a request, in a warm and in a cold daemon; requests grow, so one always
 * has to allocate. */
CONTRACT_TEST(refused, any_allocation)
{
    struct fault fault;
    struct driver d;
    int fired = 0;

    start_faulty(&d, &fault);
    for (int k = 1; k <= 60; k++) {
        test_row("allocation %d", k);
        try_without(&d, &fault, 1 + k % 12, large(3 * k));
        fired += fault_fired(&fault, FAULT_MALLOC) > 0;
        fault_clear(&fault);
        contract_good(&d);
    }
    CHECK(fired >= 20);
    driver_end(&d);
    fault_close(&fault);
}

/* ---- very many ------------------------------------------------------------------------------- */

#define WAITING 9000 /* more than twice the jobs of one worker */

/* Raises this program's descriptor limit; false if the system does not allow so many. */
static bool raise_files(rlim_t n)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_max < n)
        return false;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

/* All wait for a hanging Redis; none is refused because of their number, each is answered by
 * on_late. */
CONTRACT_TEST(late, thousands_wait)
{
    static struct http_client clients[WAITING];
    static const char body[] =
        "{'tmax':6000,'user':{'id':'u1'},'rank':{'candidates':[{'adid':'a1'}]}}";
    struct redis redis;
    struct driver d;

    if (!raise_files(WAITING + 256))
        SKIP("no %d descriptors", WAITING + 256);
    redis_start(&redis, NULL);
    driver_start(&d, &(struct driver_args){
                         .backend = "null",
                         .redis = redis.url,
                         .sets = {"features.max_in_flight=65536", "features.timeout_ms=60000"}});
    WAIT_FOR(driver_metric(&d, "adrank_redis_up") == 1);
    redis_pause(&redis);
    for (int i = 0; i < WAITING; i++)
        client_open_rank(&clients[i], d.address, js(body));
    for (int i = 0; i < WAITING; i++) {
        json_t *answer = contract_answer(contract_receive(&clients[i], CONTRACT_OK));

        /* If the Redis timeout comes just before the deadline, the device may still score it. */
        CHECK(strncmp(answer_degraded(answer), "features", strlen("features")) == 0);
        http_client_release(&clients[i]);
    }
    redis_resume(&redis);
    driver_end(&d);
    redis_stop(&redis);
}
