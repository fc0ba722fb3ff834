/*
 * The fixed requests of bench/compare get bit-identical answers: tests/golden/answers.tsv holds the
 * answers given without a device, which are the same on every processor. After an intended change
 * of answers, ./adrank bench answers build/release rewrites it.
 */
#include "base/file.h"
#include "tests/e2e/driver.h"
#include "tests/test.h"

#define LEAST 25

static struct buf requests, answers, catalog;

static void read_file(const char *path, struct buf *out)
{
    struct err err;

    CHECK_OK(file_read(path, 1 << 22, out, &err), err);
    buf_str(out);
}

/* The text after the name and its tab, up to the end of the line; *next is the next line. */
static struct view behind_name(char *line, char **next)
{
    char *tab = strchr(line, '\t'), *end = strchr(line, '\n');

    CHECK(tab && end && tab < end);
    *tab = *end = '\0';
    *next = end + 1;
    return (struct view){tab + 1, (size_t)(end - tab - 1)};
}

static struct view request_of(const char *name)
{
    for (const char *line = requests.ptr; line && *line; line = strchr(line, '\n')) {
        size_t n = strlen(name);

        line += *line == '\n';
        if (strncmp(line, name, n) == 0 && line[n] == '\t')
            return (struct view){line + n + 1, strcspn(line + n + 1, "\n")};
    }
    FAIL("no request %s", name);
}

/* Without the times, and without a generated id, which differs every time. */
static void check_same(const char *name, const char *stored, json_t *answer)
{
    json_t *want = json_loads(stored, 0, NULL);

    CHECK(want && answer);
    json_object_del(answer, "timing_us");
    if (!json_object_get(want, "id"))
        json_object_del(answer, "id");
    if (!json_equal(want, answer))
        FAIL("%s: got\n%s\nwant\n%s", name,
             json_dumps(answer, JSON_COMPACT | JSON_REAL_PRECISION(17)), stored);
    json_decref(want);
    json_decref(answer);
}

TEST(answers__stay_the_same_bits)
{
    struct driver d;
    char body[65536];
    int n = 0;

    read_file("bench/compare/requests.tsv", &requests);
    read_file("bench/compare/catalog.jsonl", &catalog);
    read_file("tests/golden/answers.tsv", &answers);
    driver_start(&d, &(struct driver_args){.backend = "null", .catalog = buf_str(&catalog)});
    for (char *line = answers.ptr, *next; *line; line = next, n++) {
        struct view stored = behind_name(line, &next), request = request_of(line);
        const struct driver_response *response;

        test_row("answers: %s", line);
        CHECK(request.len < sizeof(body));
        snprintf(body, sizeof(body), "%.*s", VIEW_ARG(request));
        response = driver_rank(&d, body);
        CHECK_INT(response->status, 200);
        check_same(line, stored.ptr, json_loads(response->body, 0, NULL));
    }
    CHECK(n >= LEAST);
    driver_end(&d);
    buf_release(&requests);
    buf_release(&catalog);
    buf_release(&answers);
}
