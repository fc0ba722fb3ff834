/* Tests of server/net/query.c. */
#include "server/net/query.h"

#include "tests/test.h"

static int read_query(struct view query, const char *name, bool strict, bool *on, struct err *err)
{
    return query_read(&(struct query_args){.query = query, .name = name, .strict = strict}, on,
                      err);
}

TEST(query__reads_a_switch)
{
    static const struct {
        const char *query;
        bool on;
    } rows[] = {
        {"", false},           {"&", false},         {"dry_run", true},
        {"dry_run=1", true},   {"dry_run=0", false}, {"dry_run=true&", true},
        {"&dry_run=0", false}, {"dry_run=1", true},  {"dry_run=false&&", false},
    };
    bool on;
    struct err err;

    for (int i = 0; i < COUNT(rows); i++) {
        test_row("query__reads_a_switch %s", rows[i].query);
        on = !rows[i].on;
        CHECK_OK(read_query(view_of(rows[i].query), "dry_run", true, &on, &err), err);
        CHECK_INT(on, rows[i].on);
    }
}

TEST(query__reports_what_is_wrong)
{
    static const struct {
        const char *query, *error;
        bool unknown;
    } rows[] = {
        {"dryrun=1", "dryrun: unknown parameter, expected: dry_run", true},
        {"dry_run=1&x", "x: unknown parameter", true},
        {"dry-run", "dry-run: unknown parameter", true},
        {"DRY_RUN=1", "DRY_RUN: unknown parameter", true},
        {"dry%5Frun=1", "dry%5Frun: unknown parameter", true},
        {"dry_run;verbose", "dry_run;verbose: unknown parameter", true},
        {"=1", ": unknown parameter", true},
        {"dry_run=maybe", "dry_run=maybe: must be 1, true, 0 or false", false},
        {"dry_run=", "dry_run=: must be", false},
        {"dry_run=%31", "dry_run=%31: must be", false},
        {"dry_run=yes", "must be", false},
        {"dry_run=2", "must be", false},
        {"dry_run=True", "must be", false},
        {"dry_run=1=1", "must be", false},
        {"dry_run=1&dry_run=0", "dry_run: duplicate parameter", false},
    };
    bool on;
    struct err err;

    for (int i = 0; i < COUNT(rows); i++) {
        const struct view query = view_of(rows[i].query);

        test_row("query__reports_what_is_wrong %s", rows[i].query);
        CHECK_ERR(read_query(query, "dry_run", true, &on, &err), err, rows[i].error);
        CHECK_INT(err.code, ERR_USAGE);
        if (rows[i].unknown)
            CHECK_OK(read_query(query, "dry_run", false, &on, &err), err);
        else
            CHECK_ERR(read_query(query, "dry_run", false, &on, &err), err, rows[i].error);
    }
}

/* Long client text is truncated, not the message around it: a name, and a value. */
TEST(query__cuts_what_was_sent)
{
    char longest[4000] = "verbose=";
    bool on;
    struct err err;

    memset(longest + 8, 'l', sizeof(longest) - 8);
    CHECK_ERR(read_query((struct view){longest, sizeof(longest)}, "verbose", false, &on, &err), err,
              "lll: must be 1");
    CHECK(strlen(err.text) < 128);
    memset(longest, 'l', 8);
    CHECK_ERR(read_query((struct view){longest, sizeof(longest)}, NULL, true, &on, &err), err,
              "expected: none");
    CHECK(strlen(err.text) < 128);
}
