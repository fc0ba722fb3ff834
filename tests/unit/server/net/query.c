/* Tests of server/net/query.c. */
#include "server/net/query.h"

#include "tests/test.h"

static bool dry_run, verbose;
static const struct query_switch switches[] = {{"dry_run", &dry_run}, {"verbose", &verbose}};

static int read_query(const char *query, bool strict, struct err *err)
{
    return query_read(
        &(struct query_args){
            .query = view_of(query), .switches = switches, .n_switches = 2, .strict = strict},
        err);
}

TEST(query__reads_switches)
{
    static const struct {
        const char *query;
        bool dry_run, verbose;
    } rows[] = {
        {"", false, false},
        {"&", false, false},
        {"dry_run", true, false},
        {"dry_run=1", true, false},
        {"dry_run=true&", true, false},
        {"&dry_run=0", false, false},
        {"dry_run=false&&verbose", false, true},
        {"verbose=1&dry_run=1", true, true},
    };
    struct err err;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        test_row("query__reads_switches %s", rows[i].query);
        dry_run = verbose = true;
        CHECK_OK(read_query(rows[i].query, true, &err), err);
        CHECK_INT(dry_run, rows[i].dry_run);
        CHECK_INT(verbose, rows[i].verbose);
    }
}

static const struct {
    const char *query, *error;
    bool unknown;
} bad[] = {
    {"dryrun=1", "dryrun: no such parameter; there is: dry_run, verbose", true},
    {"dry_run=1&x", "x: no such parameter", true},
    {"dry-run", "dry-run: no such parameter", true},
    {"DRY_RUN=1", "DRY_RUN: no such parameter", true},
    {"dry%5Frun=1", "dry%5Frun: no such parameter", true},
    {"dry_run;verbose", "dry_run;verbose: no such parameter", true},
    {"=1", ": no such parameter", true},
    {"dry_run=maybe", "dry_run=maybe: must be 1, true, 0 or false", false},
    {"dry_run=", "dry_run=: must be", false},
    {"dry_run=%31", "dry_run=%31: must be", false},
    {"dry_run=yes", "must be", false},
    {"dry_run=2", "must be", false},
    {"dry_run=True", "must be", false},
    {"dry_run=1=1", "must be", false},
    {"dry_run=1&dry_run=0", "dry_run: given twice", false},
    {"dry_run&verbose&dry_run", "dry_run: given twice", false},
};

TEST(query__names_what_is_wrong)
{
    struct err err;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        test_row("query__names_what_is_wrong %s", bad[i].query);
        CHECK_ERR(read_query(bad[i].query, true, &err), err, bad[i].error);
        CHECK_INT(err.code, ERR_USAGE);
        if (bad[i].unknown)
            CHECK_OK(read_query(bad[i].query, false, &err), err);
        else
            CHECK_ERR(read_query(bad[i].query, false, &err), err, bad[i].error);
    }
}

TEST(query__says_that_there_is_none)
{
    struct query_args args = {.query = VIEW_LIT("x=1"), .strict = true};
    char longest[4000];
    struct err err;

    CHECK_ERR(query_read(&args, &err), err, "x: no such parameter; there is: none");
    memset(longest, 'l', sizeof(longest));
    args.query = (struct view){longest, sizeof(longest)};
    CHECK_ERR(query_read(&args, &err), err, "there is: none"); /* what was sent is cut, not this */
}
