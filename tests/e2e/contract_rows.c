/*
 * CONTRACT 3 as a list of cases: every row of its tables, and every case that a row names. Each has
 * a test: CONTRACT_TEST(row, case) in one of tests/e2e/contract_*.c, or a unit test named below.
 * The sources are searched for them, so that none can be forgotten.
 */
#include <dirent.h>

#include "base/file.h"
#include "tests/test.h"

#define FOLDER "tests/e2e"
#define CONTRACT "docs/CONTRACT.md"

static const struct {
    const char *name; /* of the row */
    const char
        *line; /* first words of its line in a table of docs/CONTRACT.md; "": only in the text */
    const char *rule;  /* the contract's */
    const char *cases; /* names separated by single blanks */
} contract_rows[] = {
    /* when things go wrong */
    {"grammar", "not HTTP/1.x grammar",
     "not HTTP/1.x grammar, lengths, control bytes, Host: 400, closed",
     "refusals ends_early control_bytes host"},
    {"coding", "Transfer-Encoding: exactly `chunked`",
     "Transfer-Encoding: exactly chunked, strictly; any other: 501, closed", "chunked refusals"},
    {"size", "head over 16 KiB",
     "head over 16 KiB or 64 fields / body over http.max_body_bytes: 431 / 413, closed",
     "head_bytes head_fields body"},
    {"slow", "head not complete in 2 s", "head or body not complete in time: 408, closed",
     "head_and_body"},
    {"quiet", "idle keep-alive over",
     "idle over http.idle_ms / answer not taken in http.write_ms: closed without a word",
     "idle before_the_first_byte answer_not_taken"},
    {"route", "wrong path, method",
     "wrong path, method (Allow), content type, content encoding: 404, 405, 415",
     "path method content_type content_encoding"},
    {"expect", "`Expect: 100-continue`", "Expect: 100-continue: 100, once the head is accepted",
     "continued refused_head"},
    {"not_json", "not JSON", "RFC 8259, UTF-8, depth <= 32, no duplicate keys that matter: 400",
     "syntax utf8 depth duplicate_keys"},
    {"invalid", "JSON but not a request",
     "JSON but not a request: 422, every error with its JSON pointer",
     "fields too_long every_error"},
    {"unknown", "unknown `adid` without text", "unknown adid without text: counted in filtered",
     "adid"},
    {"nothing", "nothing to show", "nothing to show: 200 with empty results", "to_show"},
    {"truncated", "text or behaviour longer",
     "text or behaviour longer than the model takes: truncated, oldest first",
     "ad_text behaviour_text behaviour_events"},
    {"redis", "Redis late, down", "Redis late, down, or answering nonsense: 200, degraded features",
     "late down down_at_start wrong_type garbage_event error_replies nonsense"},
    {"backend", "backend failed", "backend failed: 200, degraded model", "failed not_finite"},
    {"late", "cannot be answered by the deadline",
     "cannot be answered by the deadline, or too many waiting: deadline.on_late",
     "nothing_left too_many full_queue some_contexts refused_early at_the_reserve thousands_wait"},
    {"refused", "before the first verified model",
     "before the first model; max_connections, memory_bytes, out of memory: 503",
     "before_the_model max_connections body_memory out_of_memory any_allocation"},
    {"room", "over `http.max_connections` otherwise",
     "who has been idle, or else slow, for longest makes room for a new connection",
     "silent used slow"},
    {"bug", "our own bug", "our own bug: 500, never a crash, never half an answer",
     "each forgotten_call"},
    {"problem", "", "application/problem+json; never repeats user ids or bodies",
     "form repeats_nothing"},
    /* the request */
    {"id", "`id` |", "echoed; made up if absent", "echoed made_up"},
    {"tmax", "`tmax` |",
     "whole round trip, 0 = absent, min with deadline.max_ms, less deadline.network_ms",
     "budgets from_the_first_byte"},
    {"imp", "`imp[]` |",
     "id, tagid, bidfloor; none: one implied; each distinct context scored by itself",
     "id_twice tagid bidfloor implied too_many"},
    {"unique", "`imp[]` |", "rank.unique: imp, or request (greedy by ecpm, imp order, adid)",
     "imp request"},
    {"user", "`user.buyeruid` |", "buyeruid preferred to id for the stored history",
     "history buyeruid number"},
    {"place", "`site` / `app` |",
     "alike: domain or bundle, cat, search or keywords; app wins over site",
     "site_and_app app_wins fields"},
    {"device", "", "devicetype, os, language, geo: part of the context", "fields"},
    {"blocks", "`badv`, `bcat`", "badv, bcat, cur, bidfloorcur honoured; answered in cur",
     "badv spelling bcat cur"},
    {"privacy", "`regs`, `user.consent`",
     "any signal that is there and not shown to be harmless: no history, degraded privacy",
     "flags strings header several behaviour log"},
    {"candidates", "`rank.candidates[]` |",
     "in the catalog or with text; bid and bid_type override; limits; absent",
     "with_text bid too_many absent"},
    {"behaviour", "`rank.behaviour[]` |",
     "types, items, texts; merged with the stored history, newest last",
     "fields merged same_event catalog_text"},
    {"top_n", "`rank.top_n` |", "ads per impression, default from config",
     "given configured too_many"},
    {"ignored", "", "unknown fields are ignored and counted", "fields"},
    {"bounds", "", "ids, lists, imps x candidates and imps x top_n are bounded", "answer"},
    {"lenient", "", "null is absent, numbers by value, ids may be numbers; files are strict",
     "requests"},
    /* the answer */
    {"answer", "", "fields, ecpm, order, numbers, generation, digest",
     "fields ecpm order generation"},
    {"score", "", "the same request with the same world and features gives the same scores",
     "formula same_in_any_batch"},
    {"header", "",
     "X-Request-Id, traceparent, Server-Timing, Cache-Control, keep-alive, pipelining",
     "request_id traceparent server_timing cache_control keep_alive pipelining"},
    {"degraded", "", "every reason, and its metric", "each"},
    {"filtered", "", "every reason, and its metric", "each"},
};

#define NET "tests/unit/server/net/"
#define DECODE "tests/unit/impression/decode"

/* Cases tested elsewhere: a unit test covers them with the same requests, or no client can cause
 * them. */
static const struct elsewhere {
    const char *row, *name, *file, *test;
} elsewhere[] = {
    {"grammar", "ends_early", NET "connection.c", "connection__answers_who_shut_only_sending"},
    {"grammar", "control_bytes", NET "http_reader.c", "http_reader__refuses_nul"},
    {"grammar", "host", NET "connection.c", "connection__follows_version_and_connection_field"},
    {"coding", "chunked", NET "http_reader.c", "http_reader__reads_and_refuses"},
    {"coding", "refusals", NET "http_reader.c", "http_reader__reads_and_refuses"},
    {"quiet", "before_the_first_byte", NET "connection_deadlines.c",
     "connection__closes_silent_ones_early"},
    {"not_json", "utf8", DECODE ".c", "decode__unescapes_strings"},
    {"not_json", "depth", DECODE "_refusals.c", "decode__takes_32_levels_and_no_more"},
    {"not_json", "duplicate_keys", DECODE ".c", "decode__counts_and_skips_unknown_fields"},
    {"invalid", "too_long", DECODE "_bounds.c", "decode__refuses_long_ids"},
    {"refused", "body_memory", NET "connection_limits.c", "connection__limits_memory_of_bodies"},
    {"room", "silent", NET "connection_limits.c", "connection__makes_room_by_the_silent_first"},
    {"room", "used", NET "connection_limits.c", "connection__makes_room_by_the_longest_idle"},
    {"room", "slow", NET "connection_limits.c", "connection__makes_room_by_the_slow"},
    {"bug", "forgotten_call", NET "connection.c", "connection__routes"},
    {"redis", "nonsense", "tests/e2e/hostile_redis.c", "hostile_redis__breaks_nothing"},
    {"imp", "id_twice", DECODE "_refusals.c", "decode__refuses_what_is_not_a_request"},
    {"top_n", "too_many", DECODE "_refusals.c", "decode__refuses_what_is_not_a_request"},
    {"header", "request_id", NET "connection.c", "connection__passes_ids_to_handlers"},
    {"header", "cache_control", NET "response_head.c", "answer_head__writes_the_head"},
    {"header", "keep_alive", NET "connection.c", "connection__keeps_alive"},
};

/* All contract_*.c, concatenated. */
static void read_sources(struct buf *out)
{
    DIR *dir = opendir(FOLDER);
    struct buf one AT_END(buf_release) = BUF_INIT;
    struct dirent *entry;
    struct err err;
    char path[512];

    CHECK(dir);
    while ((entry = readdir(dir))) {
        size_t n = strlen(entry->d_name);

        if (strncmp(entry->d_name, "contract_", 9) != 0 || strcmp(entry->d_name + n - 2, ".c") != 0)
            continue;
        snprintf(path, sizeof(path), FOLDER "/%s", entry->d_name);
        CHECK_OK(file_read(path, 1 << 20, &one, &err), err);
        buf_add_view(out, buf_view(&one));
    }
    closedir(dir);
}

static int count(const char *text, const char *what)
{
    int n = 0;

    for (; (text = strstr(text, what)); text++)
        n++;
    return n;
}

static int tests_elsewhere(const struct elsewhere *at)
{
    struct buf source AT_END(buf_release) = BUF_INIT;
    char test[128];
    struct err err;

    CHECK_OK(file_read(at->file, 1 << 20, &source, &err), err);
    snprintf(test, sizeof(test), "\nTEST(%s)\n", at->test);
    return count(buf_str(&source), test);
}

/* CONTRACT_TEST(row, case) in the sources, or what `elsewhere` names. */
static int tests_of(const char *sources, const char *row, struct view name)
{
    char test[128];
    int n;

    snprintf(test, sizeof(test), "\nCONTRACT_TEST(%s, %.*s)\n", row, VIEW_ARG(name));
    n = count(sources, test);
    for (int i = 0; i < COUNT(elsewhere); i++)
        if (strcmp(elsewhere[i].row, row) == 0 && view_is(name, elsewhere[i].name))
            n += tests_elsewhere(&elsewhere[i]);
    return n;
}

/* Every case of a row has one test. Returns the number of cases. */
static int each_case(int row, const char *sources)
{
    int n = 0;

    for (const char *at = contract_rows[row].cases; *at; at += strspn(at, " "), n++) {
        struct view name = {at, strcspn(at, " ")};

        test_row("case %s, %.*s", contract_rows[row].name, VIEW_ARG(name));
        CHECK_INT(tests_of(sources, contract_rows[row].name, name), 1);
        at += name.len;
    }
    return n;
}

/* As many tests as cases: none without a case. */
TEST(contract_rows__every_row_has_cases_and_every_case_one_test)
{
    struct buf sources AT_END(buf_release) = BUF_INIT;
    int n = 0;

    read_sources(&sources);
    for (int i = 0; i < COUNT(contract_rows); i++) {
        test_row("row %s", contract_rows[i].name);
        CHECK(*contract_rows[i].cases);
        n += each_case(i, buf_str(&sources));
    }
    CHECK_INT(n, count(buf_str(&sources), "\nCONTRACT_TEST(") + COUNT(elsewhere));
}

static bool has_prefix(struct view text, const char *prefix)
{
    return text.len >= strlen(prefix) && memcmp(text.ptr, prefix, strlen(prefix)) == 0;
}

/* "| case *(later)* | ..." or "| field | *(later)* |": names that are reserved. */
static bool is_later(struct view line)
{
    const char *cell = memmem(line.ptr, line.len, " | ", 3), *later = "*(later)*";

    return cell &&
           ((cell - line.ptr >= 9 && memcmp(cell - 9, later, 9) == 0) ||
            has_prefix((struct view){cell + 3, (size_t)(line.ptr + line.len - cell) - 3}, later));
}

/* The lines of the tables of section 3, without their "| ". Returns how many. */
static int table_lines(const char *text, struct view *lines, int max)
{
    const char *at = strstr(text, "\n## 3."), *end;
    int n = 0;

    CHECK(at && (end = strstr(at + 1, "\n## ")));
    while ((at = strstr(at, "\n| ")) && at < end) {
        struct view line = {at + 3, strcspn(at + 3, "\n")};

        at += 3;
        if (has_prefix(line, "---") || has_prefix(line, "field |") || has_prefix(line, "case |") ||
            is_later(line))
            continue;
        CHECK(n < max);
        lines[n++] = line;
    }
    return n;
}

static int rows_of_line(struct view line)
{
    int n = 0;

    for (int i = 0; i < COUNT(contract_rows); i++)
        n += contract_rows[i].line[0] && has_prefix(line, contract_rows[i].line);
    return n;
}

TEST(contract_rows__every_line_of_the_contract_has_a_row_and_every_row_its_line)
{
    struct buf text AT_END(buf_release) = BUF_INIT;
    struct view lines[64];
    struct err err;
    int n;

    CHECK_OK(file_read(CONTRACT, 1 << 20, &text, &err), err);
    n = table_lines(buf_str(&text), lines, COUNT(lines));
    CHECK(n >= 20);
    for (int i = 0; i < n; i++) {
        test_row("line %.*s", (int)(lines[i].len < 40 ? lines[i].len : 40), lines[i].ptr);
        CHECK(rows_of_line(lines[i]) > 0);
    }
    for (int i = 0; i < COUNT(contract_rows); i++) {
        int found = 0;

        test_row("line of row %s", contract_rows[i].name);
        for (int k = 0; k < n; k++)
            found += has_prefix(lines[k], contract_rows[i].line);
        CHECK_INT(found, contract_rows[i].line[0] ? 1 : n);
    }
}
