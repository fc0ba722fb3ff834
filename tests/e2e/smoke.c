/* adrankd starts, answers, reloads and stops. */
#include "tests/e2e/driver.h"
#include "tests/test.h"

TEST(smoke__answers_and_ends)
{
    struct driver d;
    struct driver_response *r;

    driver_start(&d, &(struct driver_args){.backend = "null"});
    r = driver_rank(
        &d, "{\"id\":\"r-1\",\"rank\":{\"candidates\":[{\"adid\":\"a1\"},{\"adid\":\"a2\"}]}}");
    CHECK_INT(r->status, 200);
    CHECK(strstr(r->body, "\"id\":\"r-1\""));
    CHECK(strstr(r->body, "\"source\":\"model\""));
    CHECK_INT(driver_call(d.admin, "GET", "/readyz", NULL)->status, 200);
    CHECK_INT(driver_reload(&d, NULL)->status, 200);
    CHECK(strstr(driver_reload(&d, NULL)->body, "unchanged"));
    CHECK_INT((int)driver_metric(&d, "adrank_requests_total{code=\"200\",path=\"/rank\"}"), 1);
}
