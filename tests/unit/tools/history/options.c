/* Tests of tools/history/options.c. */
#include "tools/history/options.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/test.h"

static int parse(struct options *out, struct err *err, char **words)
{
    int n = 0;

    while (words[n])
        n++;
    return options_parse(n, words, out, err);
}

#define PARSE(...) parse(&options, &err, (char *[]){"adrank-history", __VA_ARGS__, NULL})

TEST(options__reads_values)
{
    struct options options;
    struct err err;

    setenv("ADRANK_TEST_KEY", "secret", 1);
    CHECK_OK(PARSE("put", "--key-env", "ADRANK_TEST_KEY"), err);
    CHECK_INT(options.verb, HISTORY_PUT);
    CHECK_INT(options.max_events, 100);
    CHECK_INT(options.ttl_days, 90);
    CHECK_STR(options.redis.host, "127.0.0.1");
    CHECK_VIEW(options.key, "secret");
    options_release(&options);
    CHECK_OK(PARSE("erase", "--max-events", "7", "--ttl-days", "30", "--redis", "unix:/r.sock",
                   "--key-env", "ADRANK_TEST_KEY"),
             err);
    CHECK_INT(options.verb, HISTORY_ERASE);
    CHECK_INT(options.max_events, 7);
    CHECK_INT(options.ttl_days, 30);
    CHECK(options.redis.is_unix);
    options_release(&options);
    CHECK_INT(PARSE("get", "--help"), 1);
    options_release(&options);
    CHECK_INT(PARSE("help"), 1);
    options_release(&options);
}

TEST(options__reads_the_key_as_the_daemon_does)
{
    char path[] = "/tmp/adrank-key-XXXXXX";
    struct options options;
    struct err err;
    int fd = mkstemp(path);

    CHECK(fd != -1);
    close(fd);
    CHECK_OK(file_write(path, VIEW_LIT(" a key \r\n\n"), &err), err);
    CHECK_OK(PARSE("get", "--key-file", path), err);
    CHECK_VIEW(options.key, " a key ");
    CHECK_INT(chmod(path, 0604), 0);
    options_release(&options);
    CHECK_OK(PARSE("get", "--key-file", path), err);
    CHECK(strstr(options.key_warning, "is readable by others (mode 0604)"));
    CHECK_INT(chmod(path, 0600), 0);
    options_release(&options);
    CHECK_OK(PARSE("get", "--key-file", path), err);
    CHECK_STR(options.key_warning, "");
    options_release(&options);
    CHECK_OK(file_write(path, VIEW_LIT("\n"), &err), err);
    CHECK_ERR(PARSE("get", "--key-file", path), err, "empty");
    options_release(&options);
    remove(path);
    CHECK_ERR(PARSE("get", "--key-file", path), err, path);
    CHECK_INT(err.code, ERR_NOINPUT);
    options_release(&options);
}

TEST(options__refuses)
{
    static const struct {
        const char *words[6], *why;
    } rows[] = {
        {{NULL}, "a command is missing"},
        {{"delete"}, "delete: no such command"},
        {{"put"}, "--key-file or --key-env is needed"},
        {{"put", "--key-env"}, "--key-env: needs a value"},
        {{"put", "--key-env", "ADRANK_TEST_NONE"}, "the variable ADRANK_TEST_NONE is not set"},
        {{"put", "--key-env", "ADRANK_TEST_EMPTY"},
         "the variable ADRANK_TEST_EMPTY is set but empty"},
        {{"put", "--nothing", "1"}, "--nothing: unknown option"},
        {{"put", "--max-events", "0"}, "--max-events 0: must be an integer from 1 to 10000"},
        {{"put", "--ttl-days", "3651"}, "must be an integer from 1 to 3650"},
        {{"put", "--redis", "x"}, "--redis: unknown scheme; must be redis://["},
        {{"put", "--redis", "redis://::1"}, "--redis: bad host or port"},
        {{"put", "--key-env", "ADRANK_TEST_KEY", "--key-env", "ADRANK_TEST_KEY"}, "once"},
    };

    setenv("ADRANK_TEST_KEY", "secret", 1);
    setenv("ADRANK_TEST_EMPTY", "", 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *words[8] = {"adrank-history"};
        struct options options;
        struct err err;

        test_row("%s", rows[i].why);
        memcpy(words + 1, rows[i].words, sizeof(rows[i].words));
        CHECK_ERR(parse(&options, &err, words), err, rows[i].why);
        CHECK_INT(err.code, ERR_USAGE);
        options_release(&options);
    }
}
