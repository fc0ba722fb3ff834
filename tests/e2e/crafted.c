/*
 * Bounds the cost of a crafted body by counting engine jobs and ads examined. tests/unit has the
 * counts of single stages (texts tokenised, bytes normalised, events compared, ads examined).
 */
#include "tests/e2e/client.h"
#include "tests/e2e/driver.h"
#include "tests/test.h"

static struct driver d;

/* A body with this many placements and further members (", 'x':..."). */
static const char *placements(int n, const char *members)
{
    return js("{'imp':[%s]%s}", js_list(n, "{'id':'#','tagid':'t#'}"), members);
}

static const json_t *rank(const char *body)
{
    const struct driver_response *response = driver_rank(&d, body);

    if (response->status != 200)
        FAIL("%d %s", response->status, response->body);
    return driver_json(response);
}

static int jobs(void)
{
    return (int)driver_metric(&d, "adrank_batch_requests_sum");
}

/* The maximum number of placements, with a long context without content: 256 KiB of it are read. */
TEST(crafted__contexts_share_a_bound_on_text)
{
    enum { IMPS = 256 };
    const json_t *answer;
    int scored = 0;

    driver_start(&d, &(struct driver_args){.sets = {"rank.max_imps=256", "rank.top_n=1"}});
    answer = rank(placements(IMPS, js(",'site':{'search':'%*s'}", 200000, "")));
    CHECK(driver_lists(answer, "/degraded", "deadline") &&
          driver_lists(answer, "/degraded", "truncated"));
    CHECK_INT(json_array_size(driver_at(answer, "/results")), IMPS);
    for (int i = 0; i < IMPS; i++)
        scored += strcmp(driver_text(answer, js("/results/%d/source", i)), "model") == 0;
    CHECK(scored >= 16 && scored < 128);
    CHECK_INT(jobs(), scored);

    /* Texts of a reasonable length are all read, however many placements there are. */
    answer = rank(placements(IMPS, js(",'site':{'search':'trail running shoes'}")));
    CHECK(!driver_lists(answer, "/degraded", "deadline"));
    CHECK_INT(jobs(), scored + IMPS);
}

/* A template that does not read the placement has one context, however many there are. */
TEST(crafted__placements_that_nobody_reads_are_one_context)
{
    const json_t *answer;

    driver_start(&d, &(struct driver_args){.model = "config/demo/model", .backend = "cpu"});
    answer = rank(placements(16, ""));
    CHECK_INT(json_array_size(driver_at(answer, "/results")), 16 * 3);
    CHECK_INT(jobs(), 1);
}
