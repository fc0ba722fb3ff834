/* Tests of base/secret.c. */
#include "base/secret.h"

#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/test.h"

static char path[64];

static void write_key(const void *bytes, size_t n, mode_t mode)
{
    struct err err;

    snprintf(path, sizeof(path), "/tmp/adrank-secret-%d", (int)getpid());
    CHECK_OK(file_write(path, (struct view){bytes, n}, &err), err);
    CHECK_INT(chmod(path, mode), 0);
}

TEST(secret__reads_a_file_without_its_line_ends)
{
    static const struct {
        const char *text, *key;
    } rows[] = {{"key", "key"},           {"key\n", "key"},   {"key\r\n", "key"},
                {" k y \r\n\n", " k y "}, {"a\nb\n", "a\nb"}, {"\nkey", "\nkey"}};
    struct view key;
    struct err err;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        test_row("secret: row %zu", i);
        write_key(rows[i].text, strlen(rows[i].text), 0600);
        CHECK_OK(secret_read(path, &key, &err), err);
        CHECK_VIEW(key, rows[i].key);
        secret_free(&key);
        CHECK(!key.ptr && key.len == 0);
    }
    unlink(path);
}

TEST(secret__refuses_what_is_empty_long_or_no_file)
{
    static char bytes[SECRET_MAX_BYTES + 1];
    struct view key;
    struct err err;

    memset(bytes, 'k', sizeof(bytes));
    write_key(bytes, SECRET_MAX_BYTES, 0600);
    CHECK_OK(secret_read(path, &key, &err), err);
    CHECK_INT(key.len, SECRET_MAX_BYTES);
    secret_free(&key);
    write_key(bytes, sizeof(bytes), 0600);
    CHECK_ERR(secret_read(path, &key, &err), err, "more than 4096 bytes");
    write_key("", 0, 0600);
    CHECK_ERR(secret_read(path, &key, &err), err, "is empty");
    write_key("\r\n\n", 3, 0600);
    CHECK_ERR(secret_read(path, &key, &err), err, "is empty");
    unlink(path);
    CHECK_ERR(secret_read(path, &key, &err), err, path);
    CHECK_INT(err.code, ERR_NOINPUT);
    CHECK_ERR(secret_read("/tmp", &key, &err), err, "not a regular file");
}

TEST(secret__reports_who_else_may_open_a_file)
{
    mode_t mode = 0;

    write_key("key", 3, 0600);
    CHECK(!secret_exposed(path, &mode));
    CHECK_INT(chmod(path, 0644), 0);
    CHECK_STR(secret_exposed(path, &mode), "is readable by others");
    CHECK_INT(mode, 0644);
    CHECK_INT(chmod(path, 0640), 0);
    CHECK_STR(secret_exposed(path, &mode), "is readable by its group");
    unlink(path);
    CHECK(!secret_exposed(path, &mode));
}

/* The kernel's word on the pages of an address: the line of VmFlags. */
static void flags_of(const void *at, char *out, size_t size)
{
    FILE *maps = fopen("/proc/self/smaps", "re");
    unsigned long from, to;
    bool inside = false;
    char line[512];

    CHECK(maps);
    out[0] = '\0';
    while (fgets(line, sizeof(line), maps)) {
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
            inside = (uintptr_t)at >= from && (uintptr_t)at < to;
        else if (inside && strncmp(line, "VmFlags:", 8) == 0)
            snprintf(out, size, "%s", line);
    }
    fclose(maps);
}

TEST(secret__lies_in_pages_that_are_not_dumped)
{
    struct view secret = secret_copy(VIEW_LIT("sesame"));
    char flags[512];

    CHECK_VIEW(secret, "sesame");
    flags_of(secret.ptr, flags, sizeof(flags));
    CHECK(strstr(flags, " dd"));
    secret_free(&secret);
    secret_free(&secret); /* of nothing */
}
