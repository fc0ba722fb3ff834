/* Keys and passwords: warned of where others may read them, never logged, and in no memory that a
 * core dump holds. */
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "tests/e2e/driver.h"
#include "tests/redis.h"
#include "tests/test.h"

#define KEY "the-key-that-no-core-may-hold"
#define PASSWORD "the-password-that-no-core-may-hold"
#define OF_USER "{\"user\":{\"id\":\"u1\"},\"rank\":{\"candidates\":[{\"adid\":\"a1\"}]}}"

static struct driver d;

static void set_mode(const char *name, mode_t mode)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/%s", d.folder, name);
    CHECK_INT(chmod(path, mode), 0);
}

/* Of a reload; NULL: none of its warnings holds text. */
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
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
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
    CHECK_INT(driver_stop(&d), 0);
}

/* systemd guards the folder by access lists. */
TEST(secrets__of_systemd_are_not_warned_of)
{
    static const char set[] = "privacy.user_key={\"$file\":\"/tmp/adrank-credentials/user_key\"}";
    struct err err;

    (void)mkdir("/tmp/adrank-credentials", 0700);
    CHECK_OK(
        file_write("/tmp/adrank-credentials/user_key", VIEW_LIT("a key of enough bytes"), &err),
        err);
    CHECK_INT(chmod("/tmp/adrank-credentials/user_key", 0440), 0);
    for (int guarded = 0; guarded < 2; guarded++) {
        driver_start(
            &d, &(struct driver_args){
                    .sets = {set},
                    .env = {guarded ? "CREDENTIALS_DIRECTORY=/tmp/adrank-credentials" : NULL}});
        CHECK_INT(warning("privacy.user_key: ") == NULL, guarded);
        CHECK_INT(driver_stop(&d), 0);
    }
    unlink("/tmp/adrank-credentials/user_key");
    rmdir("/tmp/adrank-credentials");
}

TEST(secrets__short_keys_are_warned_of)
{
    static const struct {
        const char *key;
        bool warned;
    } rows[] = {{"abc", true}, {"fifteen bytes..", true}, {"sixteen bytes...", false}};

    driver_start(&d, &(struct driver_args){.sets = {"privacy.user_key={\"$file\":\"key\"}"}});
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *text;

        test_row("secrets: %s", rows[i].key);
        driver_write(&d, "key", rows[i].key);
        text = warning("privacy.user_key: only ");
        CHECK_INT(text != NULL, rows[i].warned);
        CHECK(!text || !strstr(text, rows[i].key));
    }
    CHECK_INT(driver_stop(&d), 0);
}

/* ---- what a core would hold ------------------------------------------------------------------ */

struct range {
    uint64_t from, to;
};

/* A sanitizer's address space is terabytes, and it copies what it sees. */
static bool sanitized(void)
{
    return driver_status_bytes(&d, "VmPeak:") > 1LL << 40;
}

static bool holds(const char *bytes, size_t n, const char *text)
{
    return memmem(bytes, n, text, strlen(text)) != NULL;
}

/* A range of the daemon's memory; whether it holds the text. */
static bool range_holds(int memory, struct range range, const char *text)
{
    static char bytes[1 << 20];
    const size_t overlap = strlen(text);

    for (uint64_t at = range.from; at < range.to; at += sizeof(bytes) - overlap) {
        size_t n = range.to - at < sizeof(bytes) ? (size_t)(range.to - at) : sizeof(bytes);
        ssize_t got = pread(memory, bytes, n, (off_t)at);

        if (got > 0 && holds(bytes, (size_t)got, text))
            return true;
    }
    return false;
}

/* Readable mappings, and whether a core leaves them out ("dd" among VmFlags). *n_without: how many
 * of those left out hold the text. */
static int dumped_ranges_with(const char *text, int *n_without)
{
    char path[64], line[512], flags[8];
    struct range range = {0};
    int memory, n = 0;
    FILE *maps;

    snprintf(path, sizeof(path), "/proc/%d/mem", (int)d.pid);
    memory = open(path, O_RDONLY);
    if (memory == -1)
        SKIP("the memory of another process may not be read here");
    snprintf(path, sizeof(path), "/proc/%d/smaps", (int)d.pid);
    maps = fopen(path, "re");
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
    struct redis redis AT_END(redis_stop);
    int left_out;

    redis_start(&redis, locked);
    driver_start(&d, &(struct driver_args){.redis = redis.url, .sets = {"log.sample=1"}});
    driver_write(&d, "key", KEY "\n");
    driver_write(&d, "password", PASSWORD "\n");
    for (int i = 0; i < 3; i++)
        CHECK_INT(
            driver_reload(&d, "{\"features\":{\"password\":{\"$file\":\"password\"}}}")->status,
            200);
    for (int64_t until_us = clock_now_us() + 10000000; driver_metric(&d, "adrank_redis_up") != 1;) {
        CHECK(clock_now_us() < until_us);
        usleep(5000);
    }
    for (int i = 0; i < 3; i++)
        CHECK(strstr(driver_rank(&d, OF_USER)->body, "\"degraded\":[]"));
    if (!sanitized()) {
        test_row("secrets: the key");
        CHECK_INT(dumped_ranges_with(KEY, &left_out), 0);
        CHECK(left_out > 0); /* else this finds nothing anywhere */
        test_row("secrets: the password");
        CHECK_INT(dumped_ranges_with(PASSWORD, &left_out), 0);
        CHECK(left_out > 0);
    }
    CHECK(!strstr(driver_log(&d), KEY) && !strstr(driver_log(&d), PASSWORD));
    CHECK_INT(driver_stop(&d), 0);
}
