/* CONTRACT 3: every reason in `degraded` and `filtered` can be had, alone, and its metric moves
 * with it. */
#include <unistd.h>

#include "base/file.h"
#include "tests/e2e/contract.h"

static struct driver daemon_;

/* No Redis listens where it looks for one; the catalog is larger than what is taken of it. */
static struct driver *mine(void)
{
    if (!daemon_.pid)
        driver_start(&daemon_, &(struct driver_args){.backend = "null",
                                                     .redis = "redis://127.0.0.1:1",
                                                     .sets = {"rank.max_candidates=4"}});
    return &daemon_;
}

/* Of a metric with a label for each reason, which must all be there. */
static void read_counts(struct driver *d, const char *name, const char *label,
                        const char *const *values, double *out)
{
    for (int i = 0; values[i]; i++)
        out[i] = contract_metric(d, name, label, values[i]);
}

#define MAX_REASONS 10

static const char *const degraded_reasons[] = {"features", "privacy",  "candidates", "truncated",
                                               "model",    "deadline", NULL};
static const char *const filtered_reasons[] = {
    "unknown", "inactive", "duplicate", "floor", "blocked", "currency", "no_bid", "no_cvr", NULL};

/* The answer to body is degraded by this reason alone, and so are the metrics. */
static void check_degraded(struct driver *d, const char *reason, const char *body)
{
    double before[MAX_REASONS], after[MAX_REASONS];

    read_counts(d, "degraded_total", "reason", degraded_reasons, before);
    CHECK_STR(answer_degraded(contract_rank(d, "%s", body)), reason);
    read_counts(d, "degraded_total", "reason", degraded_reasons, after);
    for (int i = 0; degraded_reasons[i]; i++) {
        test_row("%s where it is %s", degraded_reasons[i], reason);
        CHECK_INT(after[i] - before[i], strcmp(degraded_reasons[i], reason) == 0);
    }
}

static void check_filtered(const char *reason, int count, const char *body)
{
    double before[MAX_REASONS], after[MAX_REASONS];
    json_t *answer;

    read_counts(mine(), "filtered_total", "reason", filtered_reasons, before);
    answer = contract_rank(mine(), "%s", body);
    read_counts(mine(), "filtered_total", "reason", filtered_reasons, after);
    for (int i = 0; filtered_reasons[i]; i++) {
        int want = strcmp(filtered_reasons[i], reason) == 0 ? count : 0;

        test_row("%s where it is %s", filtered_reasons[i], reason);
        CHECK_INT(answer_filtered(answer, filtered_reasons[i]), want);
        CHECK_INT(after[i] - before[i], want);
    }
    CHECK_INT(json_object_size(json_object_get(answer, "filtered")), 1);
}

CONTRACT_TEST(degraded, features)
{
    check_degraded(mine(), "features", "{'user':{'id':'u'},'rank':{'candidates':[{'adid':'a1'}]}}");
}

CONTRACT_TEST(degraded, privacy)
{
    check_degraded(mine(), "privacy",
                   "{'user':{'id':'u'},'device':{'lmt':1},'rank':{'candidates':[{'adid':'a1'}]}}");
}

CONTRACT_TEST(degraded, candidates)
{
    check_degraded(mine(), "candidates", "{}");
}

CONTRACT_TEST(degraded, truncated)
{
    struct buf text = BUF_INIT;

    for (int i = 0; i < 40; i++)
        buf_add_str(&text, "mat ");
    check_degraded(mine(), "truncated",
                   js("{'rank':{'candidates':[{'adid':'a1','text':'%s'}]}}", buf_str(&text)));
    buf_release(&text);
}

CONTRACT_TEST(degraded, model)
{
    struct driver d AT_END(driver_end);

    driver_start(&d, &(struct driver_args){.backend = "failing"});
    driver_write(&d, "device", "nan");
    check_degraded(&d, "model", "{'rank':{'candidates':[{'adid':'a1'}]}}");
}

CONTRACT_TEST(degraded, deadline)
{
    check_degraded(mine(), "deadline", "{'tmax':1,'rank':{'candidates':[{'adid':'a1'}]}}");
}

/* Of each reason the ads of two imps; a1 passes beside them. */
CONTRACT_TEST(filtered, unknown)
{
    check_filtered("unknown", 2,
                   "{'imp':[{'id':'1'},{'id':'2'}],'rank':{'candidates':[{'adid':'a1'},"
                   "{'adid':'nobody'}]}}");
}

CONTRACT_TEST(filtered, inactive)
{
    check_filtered("inactive", 4,
                   "{'imp':[{'id':'1'},{'id':'2'}],'rank':{'candidates':[{'adid':'a1'},"
                   "{'adid':'a9'},{'adid':'a10'}]}}");
}

CONTRACT_TEST(filtered, duplicate)
{
    check_filtered("duplicate", 4,
                   "{'imp':[{'id':'1'},{'id':'2'}],'rank':{'candidates':[{'adid':'a1'},"
                   "{'adid':'a1'},{'adid':'a1','bid':7}]}}");
}

CONTRACT_TEST(filtered, floor)
{
    check_filtered("floor", 3,
                   "{'imp':[{'id':'1','bidfloor':0.85},{'id':'2','bidfloor':0.95}],"
                   "'rank':{'candidates':[{'adid':'a1'},{'adid':'a3'},{'adid':'a4'}]}}");
}

CONTRACT_TEST(filtered, blocked)
{
    check_filtered("blocked", 2,
                   "{'imp':[{'id':'1'},{'id':'2'}],'badv':['tea.example'],"
                   "'rank':{'candidates':[{'adid':'a1'},{'adid':'a2'}]}}");
}

CONTRACT_TEST(filtered, currency)
{
    check_filtered("currency", 2,
                   "{'imp':[{'id':'1','bidfloor':0.1,'bidfloorcur':'EUR'},{'id':'2'}],"
                   "'rank':{'candidates':[{'adid':'a1'},{'adid':'a3'}]}}");
}

CONTRACT_TEST(filtered, no_bid)
{
    check_filtered("no_bid", 2,
                   "{'imp':[{'id':'1'},{'id':'2'}],'rank':{'candidates':[{'adid':'a1'},"
                   "{'adid':'x','text':'mat'}]}}");
}

CONTRACT_TEST(filtered, no_cvr)
{
    check_filtered("no_cvr", 4,
                   "{'imp':[{'id':'1'},{'id':'2'}],'rank':{'candidates':[{'adid':'a1'},"
                   "{'adid':'a8'},{'adid':'x','text':'mat','bid':3,'bid_type':'cpa'}]}}");
}

TEST(reasons__the_daemon_ends_well)
{
    contract_good(mine());
    CHECK_INT(driver_stop(mine()), 0);
}
