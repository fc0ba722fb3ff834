/* Tests of server/admin/caller.c. */
#include "server/admin/caller.h"

#include "tests/test.h"

static const struct {
    const char *address, *host, *origin, *site, *why; /* NULL: accepted */
} rows[] = {
    /* the host */
    {"127.0.0.1:8081", "127.0.0.1:8081", NULL, NULL, NULL},
    {"127.0.0.1:8081", "127.0.0.1", NULL, NULL, NULL},
    {"127.0.0.1:8081", "10.1.2.3:9", NULL, NULL, NULL}, /* a forwarded port */
    {"127.0.0.1:8081", "[::1]:8081", NULL, NULL, NULL},
    {"127.0.0.1:8081", "[fd00::2]", NULL, NULL, NULL},
    {"127.0.0.1:8081", "localhost:8081", NULL, NULL, NULL},
    {"127.0.0.1:8081", "LocalHost", NULL, NULL, NULL},
    {"127.0.0.1:8081", NULL, NULL, NULL, NULL},
    {"admin.example:8081", "admin.example:8081", NULL, NULL, NULL},
    {"admin.example:8081", "ADMIN.example", NULL, NULL, NULL},
    {"*:8081", "127.0.0.1:8081", NULL, NULL, NULL},
    {"unix:/run/a.sock", "whatever", NULL, NULL, NULL},
    {"127.0.0.1:8081", "evil.example", NULL, NULL, "Host must be"},
    {"127.0.0.1:8081", "evil.example:8081", NULL, NULL, "Host must be"},
    {"127.0.0.1:8081", "127.0.0.1.evil.example", NULL, NULL, "Host must be"},
    {"127.0.0.1:8081", "localhost.evil.example", NULL, NULL, "Host must be"},
    {"127.0.0.1:8081", "evillocalhost", NULL, NULL, "Host must be"},
    {"127.0.0.1:8081", "127.1:8081", NULL, NULL, "Host must be"},
    {"127.0.0.1:8081", "2130706433", NULL, NULL, "Host must be"},
    {"127.0.0.1:8081", "", NULL, NULL, "Host must be"},
    {"127.0.0.1:8081", ":8081", NULL, NULL, "Host must be"},
    {"admin.example:8081", "admin.example.evil.example", NULL, NULL, "Host must be"},
    {"*:8081", "evil.example:8081", NULL, NULL, "Host must be"},
    {":8081", "evil.example:8081", NULL, NULL, "Host must be"},
    /* the origin */
    {"127.0.0.1:8081", "127.0.0.1:8081", "http://127.0.0.1:8081", NULL, NULL},
    {"127.0.0.1:8081", "localhost:8081", "http://LOCALHOST:8081", "same-origin", NULL},
    {"127.0.0.1:8081", "localhost:8081", "https://localhost:8081", NULL, NULL},
    {"127.0.0.1:8081", "127.0.0.1:8081", NULL, "none", NULL},
    {"127.0.0.1:8081", "127.0.0.1:8081", "http://evil.example", NULL, "Origin"},
    {"127.0.0.1:8081", "127.0.0.1:8081", "http://127.0.0.1:3000", NULL, "Origin"},
    {"127.0.0.1:8081", "127.0.0.1:8081", "http://127.0.0.1", NULL, "Origin"},
    {"127.0.0.1:8081", "127.0.0.1:8081", "http://localhost:8081", NULL, "Origin"},
    {"127.0.0.1:8081", "127.0.0.1:8081", "127.0.0.1:8081", NULL, "Origin"},
    {"127.0.0.1:8081", "127.0.0.1:8081", "file://127.0.0.1:8081", NULL, "Origin"},
    {"127.0.0.1:8081", "127.0.0.1:8081", "null", NULL, "Origin"},
    {"127.0.0.1:8081", "127.0.0.1:8081", "", NULL, "Origin"},
    {"127.0.0.1:8081", NULL, "http://evil.example", NULL, "Origin"},
    {"127.0.0.1:8081", "127.0.0.1:8081", NULL, "cross-site", "Sec-Fetch-Site"},
    {"127.0.0.1:8081", "127.0.0.1:8081", NULL, "same-site", "Sec-Fetch-Site"},
    {"127.0.0.1:8081", "127.0.0.1:8081", NULL, "", "Sec-Fetch-Site"},
};

static struct view field(const char *text)
{
    return text ? (struct view){text, strlen(text)} : (struct view){NULL, 0};
}

TEST(caller__is_taken_or_refused)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct caller caller = {.host = field(rows[i].host),
                                .origin = field(rows[i].origin),
                                .fetch_site = field(rows[i].site)};
        const char *why = caller_refused(&caller, rows[i].address);

        test_row("caller %zu: %s %s %s", i, rows[i].address, rows[i].host, rows[i].origin);
        if (!rows[i].why)
            CHECK(!why);
        else
            CHECK(why && strstr(why, rows[i].why));
    }
}
