/* CONTRACT 3, when things go wrong: an internal bug. adrankd_bugs.c has the bugs. */
#include "tests/e2e/contract.h"

/* The bug gets a complete answer and is logged; the connection and the daemon continue. */
static void check_bug(const char *bug)
{
    const char *header = js("X-Request-Id: %s\r\n", bug);
    const char *body = js("{'id':'%s','rank':{'candidates':[{'adid':'a1'}]}}", bug);
    struct driver d;

    test_row("%s", bug);
    driver_start(&d, &(struct driver_args){.program = "tests/adrankd-bugs"});
    for (int i = 0; i < 3; i++)
        contract_expect(&d, client_post(body, header), CONTRACT_REFUSES(500, "internal"));
    CHECK_NEAR(driver_metric(&d, "adrank_requests_total{code=\"500\",path=\"/rank\"}"), 3, 0);
    CHECK_INT(driver_call(d.admin, "GET", "/readyz", NULL)->status, 200);
}

CONTRACT_TEST(bug, each)
{
    check_bug("handler-forgets");
    check_bug("step-forgets");
    check_bug("step-fails");
}
