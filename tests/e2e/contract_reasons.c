/* CONTRACT 3: every reason in `degraded` and `filtered` can occur alone, and moves its metric. */
#include "tests/e2e/contract.h"

static struct driver daemon_;

/* No Redis listens at the configured address; the catalog has more ads than are taken from it. */
static struct driver *mine(void)
{
    if (!daemon_.pid)
        driver_start(&daemon_, &(struct driver_args){.kept = true,
                                                     .redis = "redis://127.0.0.1:1",
                                                     .sets = {"rank.max_candidates=4"}});
    return &daemon_;
}

/* Reads a metric with a label for each reason, all of which must exist. */
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

/* The answer to body is degraded for this reason alone, and only its metric moves. */
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

CONTRACT_TEST(degraded, each)
{
    static const char *const rows[][2] = {
        {"features", "'user':{'id':'u'},'rank':{'candidates':[{'adid':'a1'}]}"},
        {"privacy", "'user':{'id':'u'},'device':{'lmt':1},'rank':{'candidates':[{'adid':'a1'}]}"},
        {"candidates", ""},
        {"deadline", "'tmax':1,'rank':{'candidates':[{'adid':'a1'}]}"},
    };
    struct driver d;

    for (int i = 0; i < COUNT(rows); i++)
        check_degraded(mine(), rows[i][0], js("{%s}", rows[i][1]));
    check_degraded(mine(), "truncated",
                   js("{'rank':{'candidates':[{'adid':'a1','text':'%s'}]}}", js_list(40, "mat")));
    driver_start(&d, &(struct driver_args){.backend = "failing"});
    driver_write(&d, "device", "nan");
    check_degraded(&d, "model", js("{'rank':{'candidates':[{'adid':'a1'}]}}"));
}

/* For each reason, ads of two imps; a1 passes. */
CONTRACT_TEST(filtered, each)
{
    static const struct {
        const char *reason;
        int count;
        const char *members, *candidates;
        const char *floors[2]; /* additional members of the imps */
    } rows[] = {
        {"unknown", 2, "", "{'adid':'nobody'}", {"", ""}},
        {"inactive", 4, "", "{'adid':'a9'},{'adid':'a10'}", {"", ""}},
        {"duplicate", 4, "", "{'adid':'a1'},{'adid':'a1','bid':7}", {"", ""}},
        {"floor", 3, "", "{'adid':'a3'},{'adid':'a4'}", {",'bidfloor':0.85", ",'bidfloor':0.95"}},
        {"blocked", 2, "'badv':['tea.example'],", "{'adid':'a2'}", {"", ""}},
        {"currency", 2, "", "{'adid':'a3'}", {",'bidfloor':0.1,'bidfloorcur':'EUR'", ""}},
        {"no_bid", 2, "", "{'adid':'x','text':'mat'}", {"", ""}},
        {"no_cvr",
         4,
         "",
         "{'adid':'a8'},{'adid':'x','text':'mat','bid':3,'bid_type':'cpa'}",
         {"", ""}},
    };

    for (int row = 0; row < COUNT(rows); row++) {
        double before[MAX_REASONS], after[MAX_REASONS];
        json_t *answer;

        read_counts(mine(), "filtered_total", "reason", filtered_reasons, before);
        answer = contract_rank(mine(),
                               "{%s'imp':[{'id':'1'%s},{'id':'2'%s}],"
                               "'rank':{'candidates':[{'adid':'a1'},%s]}}",
                               rows[row].members, rows[row].floors[0], rows[row].floors[1],
                               rows[row].candidates);
        read_counts(mine(), "filtered_total", "reason", filtered_reasons, after);
        for (int i = 0; filtered_reasons[i]; i++) {
            bool is_it = strcmp(filtered_reasons[i], rows[row].reason) == 0;

            test_row("%s where it is %s", filtered_reasons[i], rows[row].reason);
            CHECK_INT(answer_filtered(answer, filtered_reasons[i]), is_it ? rows[row].count : 0);
            CHECK_INT(after[i] - before[i], is_it ? rows[row].count : 0);
        }
        CHECK_INT(json_object_size(json_object_get(answer, "filtered")), 1);
    }
}

TEST(reasons__the_daemon_ends_well)
{
    contract_good(mine());
    CHECK_INT(driver_stop(mine()), 0);
}
