/* Checks log and metrics texts. */
#include "tests/storm/lint.h"

#include "base/file.h"
#include "base/utf8.h"
#include "tests/test.h"

/* Never logged, whatever clients send. */
static const char *const bugs[] = {"internal_error", "jobs_leaked", "executor_leaked",
                                   "backend_broken"};

/* "| `a`, `b` | info | ..." */
static void take_names(struct lint_events *out, const char *line)
{
    const char *end = strchr(line + 1, '|'), *from, *to;

    while (end && (from = strchr(line, '`')) && from < end && (to = strchr(from + 1, '`'))) {
        size_t n = (size_t)(to - from - 1);

        CHECK(out->n < 128 && n < sizeof(out->names[0]));
        memcpy(out->names[out->n], from + 1, n);
        out->names[out->n++][n] = '\0';
        line = to + 1;
    }
}

void lint_events_read(struct lint_events *out)
{
    struct buf text = BUF_INIT;
    const char *line;
    struct err err;

    *out = (struct lint_events){0};
    CHECK_OK(file_read("docs/OPERATIONS.md", 1 << 20, &text, &err), err);
    line = strstr(buf_str(&text), "\n| event ");
    CHECK(line);
    for (line = strchr(line + 1, '\n'); line && line[1] == '|'; line = strchr(line + 1, '\n'))
        take_names(out, line + 1);
    buf_release(&text);
    CHECK(out->n > 10);
}

static bool is_bare(char c)
{
    return c > ' ' && c != '"' && c != '=' && c != 0x7f;
}

/* The length of one "key=value" or "key=\"value\""; 0 if it is neither. */
static size_t pair_len(struct view at, struct view *key, struct view *value)
{
    size_t i = 0, start;

    while (i < at.len && ((at.ptr[i] >= 'a' && at.ptr[i] <= 'z') || at.ptr[i] == '_' ||
                          (i && at.ptr[i] >= '0' && at.ptr[i] <= '9')))
        i++;
    if (i == 0 || i == at.len || at.ptr[i] != '=')
        return 0;
    *key = (struct view){at.ptr, i};
    start = ++i;
    if (i < at.len && at.ptr[i] == '"') {
        for (i++; i < at.len && at.ptr[i] != '"'; i++)
            i += at.ptr[i] == '\\';
        if (i++ >= at.len)
            return 0;
    } else
        while (i < at.len && is_bare(at.ptr[i]))
            i++;
    *value = (struct view){at.ptr + start, i - start};
    return i;
}

static const char *event_complaint(const struct lint_events *events, struct view event)
{
    for (size_t i = 0; i < sizeof(bugs) / sizeof(bugs[0]); i++)
        if (view_is(event, bugs[i]))
            return "a bug of the daemon's";
    for (int i = 0; i < events->n; i++)
        if (view_is(event, events->names[i]))
            return NULL;
    return "an event that docs/OPERATIONS.md does not list";
}

const char *lint_line(const struct lint_events *events, struct view line)
{
    static const char *const first[] = {"ts", "level", "event"};
    struct view key, value;

    if (!utf8_valid(line))
        return "not UTF-8";
    for (size_t i = 0; i < line.len; i++)
        if ((unsigned char)line.ptr[i] < ' ' || line.ptr[i] == 0x7f)
            return "a control byte";
    for (int n = 0; line.len || n < 3; n++) {
        size_t len = pair_len(line, &key, &value);

        if (!len || (len < line.len && line.ptr[len] != ' '))
            return "not logfmt";
        if (n < 3 && !view_is(key, first[n]))
            return "no ts, level and event in front";
        if (n == 2 && event_complaint(events, value))
            return event_complaint(events, value);
        len += len < line.len;
        line = (struct view){line.ptr + len, line.len - len};
    }
    return NULL;
}
