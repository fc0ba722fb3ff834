/* The lint of logs passes good lines and finds bad ones. */
#include "tests/storm/lint.h"
#include "tests/test.h"

static struct lint_events events;

TEST(lints__pass_good_lines)
{
    static const char *const lines[] = {
        "ts=2026-01-31T12:00:00.123Z level=info event=ready address=127.0.0.1:8080",
        "ts=2026-01-31T12:00:00.123Z level=warn event=request degraded=\"\" a=\"b \\\" c\" n=1.5",
        "ts=2026-01-31T12:00:00.123Z level=info event=draining connections=3 held_back=7",
    };

    lint_events_read(&events);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        const char *complaint = lint_line(&events, view_of(lines[i]));

        if (complaint)
            FAIL("%s: %s", complaint, lines[i]);
    }
}

TEST(lints__find_bad_lines)
{
    static const struct {
        const char *line, *complaint;
    } rows[] = {
        {"", "not logfmt"},
        {"BUG: server/x.c:1: broken", "not logfmt"},
        {"==1==ERROR: AddressSanitizer: heap-use-after-free", "not logfmt"},
        {"level=info event=ready", "no ts"},
        {"ts=1 level=info event=never_heard_of", "does not list"},
        {"ts=1 level=error event=internal_error step=rank", "a bug"},
        {"ts=1 level=info event=ready a=\"b", "not logfmt"},
        {"ts=1 level=info event=ready a=\"b\"c", "not logfmt"},
        {"ts=1 level=info event=ready a", "not logfmt"},
        {"ts=1 level=info event=ready a=b\tc", "control"},
        {"ts=1 level=info event=ready a=\x1b[31m", "control"},
        {"ts=1 level=info event=ready a=\xff", "UTF-8"},
    };

    lint_events_read(&events);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *complaint = lint_line(&events, view_of(rows[i].line));

        if (!complaint || !strstr(complaint, rows[i].complaint))
            FAIL("\"%s\": %s, want %s", rows[i].line, complaint ? complaint : "nothing",
                 rows[i].complaint);
    }
}
