/* docs/OPERATIONS.md against the program: it lists exactly the events of the log. metrics.c does
 * the same for metrics. */
#include <ctype.h>
#include <dirent.h>

#include "base/buf.h"
#include "base/file.h"
#include "tests/test.h"

static struct buf read_file(const char *path)
{
    struct buf text = BUF_INIT;
    struct err err;

    CHECK_OK(file_read(path, 1 << 20, &text, &err), err);
    return text;
}

/* The part from one headline to the next. */
static const char *part(const char *headline)
{
    static char text[32768];
    struct buf manual AT_END(buf_release) = read_file("docs/OPERATIONS.md");
    const char *at, *end;

    at = strstr(buf_str(&manual), headline);
    CHECK(at);
    end = strstr(at + 1, "\n## ");
    snprintf(text, sizeof(text), "%.*s", end ? (int)(end - at) : (int)strlen(at), at);
    return text;
}

static bool describes(const char *where, const char *name, size_t len)
{
    char quoted[128];

    snprintf(quoted, sizeof(quoted), "`%.*s", (int)len, name);
    for (const char *at = where; (at = strstr(at, quoted)); at++)
        if (at[len + 1] == '`' || at[len + 1] == '{')
            return true;
    return false;
}

/* ---- events ---------------------------------------------------------------------------------- */

static struct {
    char names[64][64];
    int n;
} events;

static void add_event(const char *name, size_t len, const char *path)
{
    CHECK(events.n < 64 && len < sizeof(events.names[0]));
    for (size_t i = 0; i < len; i++)
        if (!islower((unsigned char)name[i]) && name[i] != '_')
            FAIL("%s: event \"%.*s\" is not an identifier", path, (int)len, name);
    snprintf(events.names[events.n++], sizeof(events.names[0]), "%.*s", (int)len, name);
}

static void find_events(const char *text, const char *path)
{
    static const char *const calls[] = {"log_debug(", "log_info(", "log_warn(", "log_error(",
                                        "log_write("};

    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        for (const char *at = text; (at = strstr(at, calls[i])); at++) {
            const char *name = strchr(at, '"');

            CHECK(name);
            add_event(name + 1, strcspn(name + 1, "\""), path);
        }
}

static void walk(const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    char path[512];

    CHECK(dir);
    while ((entry = readdir(dir))) {
        size_t len = strlen(entry->d_name);

        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.') {
            walk(path);
        } else if (len > 2 && strcmp(entry->d_name + len - 2, ".c") == 0) {
            struct buf text AT_END(buf_release) = read_file(path);

            find_events(buf_str(&text), path);
        }
    }
    closedir(dir);
}

static bool is_event(const char *name, size_t len)
{
    for (int i = 0; i < events.n; i++)
        if (strlen(events.names[i]) == len && strncmp(events.names[i], name, len) == 0)
            return true;
    return false;
}

/* Clients can cause any number of lines: only events rate-limited elsewhere may lack a limit at the
 * call site. */
TEST(operations__every_line_has_a_budget)
{
    FILE *found = popen("grep -rl 'log_write(NULL' server base model kernels impression", "r");
    char line[256];

    CHECK(found);
    CHECK(fgets(line, sizeof(line), found));
    CHECK_STR(line, "server/request/request_log.c\n");
    CHECK(!fgets(line, sizeof(line), found));
    CHECK_INT(pclose(found), 0);
}

TEST(operations__describe_every_event)
{
    const char *where = part("## Log"), *row;

    walk("server");
    walk("model");
    CHECK(events.n > 10);
    add_event("log_recovered", strlen("log_recovered"), "base/log.c"); /* the log's own */
    for (int i = 0; i < events.n; i++)
        if (!describes(where, events.names[i], strlen(events.names[i])))
            FAIL("docs/OPERATIONS.md has no event %s", events.names[i]);
    /* And no removed event: names are in the first column. */
    for (row = where; (row = strstr(row, "\n| `")); row++) {
        const char *end = strchr(row + 3, '|');

        for (const char *at = row; (at = strchr(at, '`')) && at < end; at = strchr(at + 1, '`') + 1)
            if (!is_event(at + 1, strcspn(at + 1, "`")))
                FAIL("docs/OPERATIONS.md has an unknown event %.20s", at + 1);
    }
}
