/* Keys and passwords: a warning if others may read the file, never logged, and not in memory that a
 * core dump contains. */
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/e2e/client.h"
#include "tests/e2e/driver.h"
#include "tests/e2e/shell.h"
#include "tests/redis.h"
#include "tests/test.h"

#define KEY "the-key-that-no-core-may-hold"
#define PASSWORD "the-password-that-no-core-may-hold"

static struct driver d;

static void set_mode(const char *name, mode_t mode)
{
    CHECK_INT(chmod(js("%s/%s", d.folder, name), mode), 0);
}

/* The warning of a reload that contains text; NULL if none does. */
static const char *warning(const char *text)
{
    const json_t *warnings = driver_at(driver_json(driver_reload(&d, NULL)), "/warnings");

    for (size_t i = 0; i < json_array_size(warnings); i++)
        if (strstr(json_string_value(json_array_get(warnings, i)), text))
            return json_string_value(json_array_get(warnings, i));
    return NULL;
}

TEST(secrets__that_others_may_read_are_warned_of)
{
    static const struct {
        mode_t mode;
        const char *text; /* NULL: no warning */
    } rows[] = {{0400, NULL},
                {0600, NULL},
                {0700, NULL},
                {0440, "key is readable by its group (mode 0440)"},
                {0444, "key is readable by others (mode 0444)"},
                {0604, "key is readable by others (mode 0604)"},
                {0644, "key is readable by others (mode 0644)"},
                {0660, "key is writable by its group (mode 0660)"},
                {0666, "key is writable by everyone (mode 0666)"}};

    driver_start(&d, &(struct driver_args){.sets = {"privacy.user_key={\"$file\":\"key\"}"}});
    for (int i = 0; i < COUNT(rows); i++) {
        const char *text;

        test_row("secrets: mode %o", rows[i].mode);
        set_mode("key", rows[i].mode);
        text = warning("privacy.user_key: ");
        if (rows[i].text ? !text || !strstr(text, rows[i].text) : text != NULL)
            FAIL("warning %s, want %s", text ? text : "none", rows[i].text ? rows[i].text : "none");
    }
    test_row("secrets: a change is logged with its warnings");
    driver_write(&d, "key", "another key of enough bytes");
    set_mode("key", 0644);
    CHECK(warning("privacy.user_key: "));
    driver_wait_log(&d, "key is readable by others (mode 0644)");
}

/* systemd protects the folder by access control lists. */
TEST(secrets__of_systemd_are_not_warned_of)
{
    const char *folder = shell_folder();

    CHECK_INT(shell(NULL, "umask 227; echo a key of enough bytes >%s/user_key", folder), 0);
    for (int guarded = 0; guarded < 2; guarded++) {
        driver_start(&d, &(struct driver_args){
                             .sets = {js("privacy.user_key={'$file':'%s/user_key'}", folder)},
                             .env = {guarded ? js("CREDENTIALS_DIRECTORY=%s", folder) : NULL}});
        CHECK_INT(warning("privacy.user_key: ") == NULL, guarded);
    }
}

TEST(secrets__short_keys_are_warned_of)
{
    static const struct {
        const char *key;
        bool warned;
    } rows[] = {{"abc", true}, {"fifteen bytes..", true}, {"sixteen bytes...", false}};

    driver_start(&d, &(struct driver_args){.sets = {"privacy.user_key={\"$file\":\"key\"}"}});
    for (int i = 0; i < COUNT(rows); i++) {
        const char *text;

        test_row("secrets: %s", rows[i].key);
        driver_write(&d, "key", rows[i].key);
        text = warning("privacy.user_key: only ");
        CHECK_INT(text != NULL, rows[i].warned);
        CHECK(!text || !strstr(text, rows[i].key));
    }
}

/* ---- contents of a core dump ----------------------------------------------------------------- */

struct range {
    uint64_t from, to;
};

/* A sanitizer's address space is terabytes, and it copies data. */
static bool sanitized(void)
{
    return driver_status_bytes(&d, "VmPeak:") > 1LL << 40;
}

/* Whether a range of the daemon's memory contains the text. */
static bool range_holds(int memory, struct range range, const char *text)
{
    static char bytes[1 << 20];
    const size_t overlap = strlen(text);

    for (uint64_t at = range.from; at < range.to; at += sizeof(bytes) - overlap) {
        size_t n = range.to - at < sizeof(bytes) ? (size_t)(range.to - at) : sizeof(bytes);
        ssize_t got = pread(memory, bytes, n, (off_t)at);

        if (got > 0 && memmem(bytes, (size_t)got, text, overlap))
            return true;
    }
    return false;
}

/* Counts the readable mappings that contain the text: those in a core dump, and in *n_without those
 * left out of it ("dd" among VmFlags). */
static int dumped_ranges_with(const char *text, int *n_without)
{
    char line[512], flags[8];
    struct range range = {0};
    int memory, n = 0;
    FILE *maps;

    memory = open(js("/proc/%d/mem", (int)d.pid), O_RDONLY);
    if (memory == -1)
        SKIP("the memory of another process may not be read here");
    maps = fopen(js("/proc/%d/smaps", (int)d.pid), "re");
    CHECK(maps);
    *n_without = 0;
    while (fgets(line, sizeof(line), maps)) {
        struct range next;

        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s", &next.from, &next.to, flags) == 3)
            range = next;
        else if (strncmp(line, "VmFlags:", 8) == 0 && flags[0] == 'r' &&
                 range_holds(memory, range, text))
            *(strstr(line, " dd ") ? n_without : &n) += 1;
    }
    fclose(maps);
    close(memory);
    return n;
}

TEST(secrets__are_in_no_memory_that_is_dumped)
{
    static const char *const locked[] = {"--requirepass", PASSWORD, NULL};
    const char *of_user = js("{'user':{'id':'u1'},'rank':{'candidates':[{'adid':'a1'}]}}");
    const char *config = js("{'features':{'password':{'$file':'password'}}}");
    struct redis redis AT_END(redis_stop);
    int left_out;

    redis_start(&redis, locked);
    driver_start(&d, &(struct driver_args){.redis = redis.url, .sets = {"log.sample=1"}});
    driver_write(&d, "key", KEY "\n");
    driver_write(&d, "password", PASSWORD "\n");
    for (int i = 0; i < 3; i++)
        CHECK_INT(driver_reload(&d, config)->status, 200);
    WAIT_FOR(driver_metric(&d, "adrank_redis_up") == 1);
    for (int i = 0; i < 3; i++)
        CHECK(strstr(driver_rank(&d, of_user)->body, "\"degraded\":[]"));
    if (!sanitized()) {
        CHECK_INT(dumped_ranges_with(KEY, &left_out), 0);
        CHECK(left_out > 0); /* otherwise the search finds nothing at all */
        CHECK_INT(dumped_ranges_with(PASSWORD, &left_out), 0);
        CHECK(left_out > 0);
    }
    CHECK(!strstr(driver_log(&d), KEY) && !strstr(driver_log(&d), PASSWORD));
}
