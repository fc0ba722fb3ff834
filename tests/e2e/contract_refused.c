/* CONTRACT 3, when things go wrong: 503, before the first model is loaded and when there is no
 * room. */
#include "tests/e2e/contract.h"

CONTRACT_TEST(refused, before_the_model)
{
    static const struct contract_want not_ready = {.status = 503, .code = "not_ready"};
    char address[64], public[96];
    struct http_client client;
    struct driver d;
    struct err err;

    /* The engine keeps opening while the device hangs. */
    snprintf(address, sizeof(address), "unix:/tmp/adrank-contract-%d", (int)getpid());
    snprintf(public, sizeof(public), "http.address=%s", address);
    driver_start(&d,
                 &(struct driver_args){
                     .backend = "failing", .device = "hang", .sets = {public}, .no_wait = true});
    snprintf(d.address, sizeof(d.address), "%s", address);
    while (access(address + strlen("unix:"), F_OK) == -1)
        CHECK(driver_wait(&d, 5) == -1);
    CHECK_OK(http_client_init(&client, d.address, 30000, &err), err);
    while (http_client_connect(&client, &err)) /* bound, and not yet listening */
        CHECK(driver_wait(&d, 5) == -1);
    client_send(&client, client_post("{}", ""));
    contract_receive(&client, &not_ready);
    test_row("health");
    CHECK_INT(driver_call(d.address, "GET", "/livez", NULL)->status, 200);
    CHECK_INT(driver_call(d.address, "GET", "/readyz", NULL)->status, 503);
    test_row("finally ready");
    driver_write(&d, "device", "");
    driver_wait_log(&d, "event=ready");
    while (driver_call(address, "GET", "/readyz", NULL)->status != 200)
        CHECK(driver_wait(&d, 5) == -1);
    /* The refused connection is now served. */
    contract_end(&d, &client, false);
}

CONTRACT_TEST(refused, max_connections)
{
    static const struct contract_want refused = {
        .status = 503, .code = "too_many_connections", .closed = true};
    struct http_client first, second, third;
    struct driver d;
    double evicted;

    driver_start(&d,
                 &(struct driver_args){.backend = "failing", .sets = {"http.max_connections=2"}});
    contract_good(&d);
    driver_write(&d, "device", "hang");
    client_open_rank(&first, d.address, "{}");
    client_open_rank(&second, d.address, "{}");
    while (driver_metric(&d, "adrank_stage_duration_seconds_count{stage=\"parse\"}") < 3)
        CHECK(driver_wait(&d, 5) == -1);
    /* 1 if the connection of the first call was not yet seen to be closed */
    evicted = driver_metric(&d, "adrank_connections_evicted_total");
    client_open(&third, d.address);     /* both others are being served */
    contract_receive(&third, &refused); /* without having sent a request */
    CHECK_INT(http_client_wait_end(&third, 10000), HTTP_CLIENT_CLOSED);
    http_client_release(&third);
    driver_write(&d, "device", "");
    contract_receive(&first, CONTRACT_OK);
    contract_receive(&second, CONTRACT_OK);
    client_send(&second, client_post("{}", "")); /* from here on the first has idled longest */
    contract_receive(&second, CONTRACT_OK);
    test_row("an idle connection makes room");
    contract_good(&d);
    CHECK_INT(http_client_wait_end(&first, 10000), HTTP_CLIENT_CLOSED);
    http_client_release(&first);
    contract_end(&d, &second, false);
    CHECK_INT(driver_metric(&d, "adrank_connections_evicted_total") - evicted, 1);
}
