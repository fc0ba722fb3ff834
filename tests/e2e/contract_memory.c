/* CONTRACT 3, when things go wrong: out of memory. Not built with a sanitizer, whose malloc cannot be preloaded over. */
#include <unistd.h>

#include "tests/e2e/contract.h"
#include "tests/fault/fault.h"

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

/* A request that needs more memory than one has needed before. */
static const char *large(int n_candidates)
{
    struct buf list = BUF_INIT;
    const char *out;

    for (int i = 0; i < n_candidates; i++)
        buf_printf(&list,
                   "%s{'adid':'c%d','bid':%d,'text':'waterproof hiking jacket for the garden'}",
                   i ? "," : "", i, i);
    out = js("{'imp':[{'id':'1','tagid':'a'},{'id':'2','tagid':'b'},{'id':'3','tagid':'c'}],"
             "'rank':{'candidates':[%s]}}",
             buf_str(&list));
    buf_release(&list);
    return out;
}

CONTRACT_TEST(refused, out_of_memory)
{
    static const struct contract_want refused = {
        .status = 503, .code = "out_of_memory", .closed = true};
    struct http_client client;
    struct fault fault;
    struct driver d;

    start_faulty(&d, &fault);
    contract_connect(&d, &client);
    contract_good_on(&client);
    fault_set(&fault, FAULT_MALLOC, &(struct fault_plan){.from = 1});
    contract_send(&client, contract_post(large(200), ""));
    contract_receive(&client, &refused);
    CHECK(fault_fired(&fault, FAULT_MALLOC) > 0);
    fault_clear(&fault);
    contract_end(&d, &client, true);
    test_row("the same request, with memory");
    CHECK_INT(driver_rank(&d, large(200))->status, 200);
    CHECK_INT(driver_stop(&d), 0);
    fault_close(&fault);
}

/* One exchange with the k-th allocation failing: a whole answer, or none at all on a connection that ends. */
static void try_without(struct driver *d, struct fault *fault, int k, const char *body)
{
    struct http_client client;
    struct http_response response;
    struct err err;

    fault_set(fault, FAULT_MALLOC, &(struct fault_plan){.from = (uint64_t)k, .count = 1});
    contract_connect(d, &client);
    contract_send(&client, contract_post(body, ""));
    if (http_client_receive(&client, false, &response, &err)) {
        CHECK(client.in.len == 0 && err.code == ERR_UNAVAILABLE);
    } else if (response.status == 200) {
        contract_answer(js("%.*s", VIEW_ARG(response.body)));
    } else {
        CHECK_INT(response.status, 503);
        CHECK(strstr(js("%.*s", VIEW_ARG(response.body)), "\"code\":\"out_of_memory\""));
        CHECK(http_response_header(&response, "Retry-After").len > 0);
    }
    http_client_release(&client);
}

/* Each allocation that a request of its kind makes in a daemon that is warm, or is not; requests grow, so that
 * there always is one that has to take more. */
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
    CHECK_INT(driver_stop(&d), 0);
    fault_close(&fault);
}

TEST_MAIN
