/*
 * What a crafted body may cost, counted: jobs for the engine, ads looked at. tests/unit holds the
 * counts of single stages (texts tokenised, bytes normalised, comparisons of events, looks at ads).
 */
#include "tests/e2e/driver.h"
#include "tests/test.h"

static struct driver d;

static void add_imps(struct buf *body, int n)
{
    buf_add_str(body, "\"imp\":[");
    for (int i = 0; i < n; i++)
        buf_printf(body, "%s{\"id\":\"%d\",\"tagid\":\"t%d\"}", i ? "," : "", i, i);
    buf_add_str(body, "]");
}

static const json_t *rank(struct buf *body)
{
    const struct driver_response *response = driver_rank(&d, buf_str(body));

    if (response->status != 200)
        FAIL("%d %s", response->status, response->body);
    buf_clear(body);
    return driver_json(response);
}

static int jobs(void)
{
    return (int)driver_metric(&d, "adrank_batch_requests_sum");
}

/* As many placements as may be, in a context that is long and says nothing: 256 KiB of it are
 * looked at. */
TEST(crafted__contexts_share_a_bound_on_text)
{
    enum { IMPS = 256 };
    struct buf body = BUF_INIT;
    const json_t *answer;
    int scored = 0;

    driver_start(&d, &(struct driver_args){.sets = {"rank.max_imps=256", "rank.top_n=1"}});
    buf_add_str(&body, "{");
    add_imps(&body, IMPS);
    buf_printf(&body, ",\"site\":{\"search\":\"%*s\"}}", 200000, "");
    answer = rank(&body);
    CHECK(driver_lists(answer, "/degraded", "deadline") &&
          driver_lists(answer, "/degraded", "truncated"));
    CHECK_INT(json_array_size(driver_at(answer, "/results")), IMPS);
    for (size_t i = 0; i < IMPS; i++) {
        const json_t *result = json_array_get(driver_at(answer, "/results"), i);

        scored += strcmp(json_string_value(driver_at(result, "/source")), "model") == 0;
    }
    CHECK(scored >= 16 && scored < 128);
    CHECK_INT(jobs(), scored);

    /* Texts of a sane length are all read, however many placements there are. */
    buf_add_str(&body, "{");
    add_imps(&body, IMPS);
    buf_add_str(&body, ",\"site\":{\"search\":\"trail running shoes\"}}");
    CHECK(!driver_lists(rank(&body), "/degraded", "deadline"));
    CHECK_INT(jobs(), scored + IMPS);
    buf_release(&body);
    CHECK_INT(driver_stop(&d), 0);
}

/* A template that does not read the placement has one context, however many there are. */
TEST(crafted__placements_that_nobody_reads_are_one_context)
{
    struct buf body = BUF_INIT;

    driver_start(&d, &(struct driver_args){.model = "config/demo/model", .backend = "cpu"});
    buf_add_str(&body, "{");
    add_imps(&body, 16);
    buf_add_str(&body, "}");
    CHECK_INT(json_array_size(driver_at(rank(&body), "/results")), 16 * 3);
    CHECK_INT(jobs(), 1);
    buf_release(&body);
    CHECK_INT(driver_stop(&d), 0);
}
