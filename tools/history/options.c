/* Parses and checks adrank-history's arguments. */
#include "tools/history/options.h"

#include <stdlib.h>

#include "base/number.h"
#include "base/printable.h"

#define DEFAULT_URL "redis://127.0.0.1:6379"
#define DEFAULT_MAX_EVENTS 100
#define DEFAULT_TTL_DAYS 90
#define MAX_EVENTS 10000
#define MAX_TTL_DAYS 3650

static const char *const verbs[] = {"put", "get", "erase", "help"};

void history_options_print(FILE *out)
{
    fprintf(out,
            "usage: adrank-history put|get|erase [options] <lines\n\n"
            "  put    a line an event, a user's oldest first:\n"
            "         {\"user\":\"u42\",\"t\":1790000000000,\"type\":\"click\",\"item\":\"sku9\","
            "\"text\":\"...\"}\n"
            "  get    a line a user, {\"user\":\"u42\"}: its events as put takes them\n"
            "  erase  a line a user: all that is stored of it\n\n"
            "  --redis URL        redis://[user[:password]@]host[:port][/db] or unix:/path "
            "(" DEFAULT_URL ")\n"
            "  --key-file FILE    privacy.user_key of the daemon's configuration\n"
            "  --key-env NAME     the same from a variable\n"
            "  --max-events N     kept per user, the newest (%d)\n"
            "  --ttl-days N       forgotten that long after the last event that was put (%d)\n\n"
            "Bad lines are reported by number and skipped; the exit status is then 65.\n",
            DEFAULT_MAX_EVENTS, DEFAULT_TTL_DAYS);
}

static int read_key_file(const char *path, struct history_options *out, struct err *err)
{
    const char *exposed;
    mode_t mode;

    if (secret_read(path, &out->key, err))
        return err_prefix(err, "--key-file");
    exposed = secret_exposed(path, &mode);
    if (exposed)
        snprintf(out->key_warning, sizeof(out->key_warning), "--key-file: %.160s %s (mode %04o)",
                 path, exposed, (unsigned)mode);
    printable_blank(out->key_warning);
    return 0;
}

static int read_key_env(const char *name, struct view *key, struct err *err)
{
    const char *value = getenv(name);

    if (!value || !*value)
        return err_set(err, ERR_USAGE, "--key-env: the variable %s is %s", name,
                       value ? "set but empty" : "not set");
    *key = secret_copy(view_of(value));
    return key->ptr ? 0 : err_set(err, ERR_NOMEM, "out of memory");
}

static int read_count(const char *name, const char *text, int max, int *out, struct err *err)
{
    int64_t v;

    if (number_int(view_of(text), 1, max, &v))
        return err_set(err, ERR_USAGE, "%s: must be within 1 and %d", name, max);
    *out = (int)v;
    return 0;
}

static int read_url(const char *text, struct redis_url *out, struct err *err)
{
    struct err why;

    if (redis_url_parse(text, out, &why))
        return err_set(err, ERR_USAGE,
                       "--redis: %s; want redis://[user[:password]@]host[:port][/db] or unix:/path",
                       why.text);
    return 0;
}

static bool is_option(const char *name)
{
    static const char *const names[] = {"--redis", "--max-events", "--ttl-days", "--key-file",
                                        "--key-env"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static int set_option(const char *name, const char *value, struct history_options *out,
                      struct err *err)
{
    if (strcmp(name, "--redis") == 0)
        return read_url(value, &out->redis, err);
    if (strcmp(name, "--max-events") == 0)
        return read_count(name, value, MAX_EVENTS, &out->max_events, err);
    if (strcmp(name, "--ttl-days") == 0)
        return read_count(name, value, MAX_TTL_DAYS, &out->ttl_days, err);
    if (out->key.len)
        return err_set(err, ERR_USAGE, "one of --key-file and --key-env, once");
    return strcmp(name, "--key-file") == 0 ? read_key_file(value, out, err)
                                           : read_key_env(value, &out->key, err);
}

static int parse_verb(const char *word, enum history_verb *out, struct err *err)
{
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (strcmp(word, verbs[i]) == 0) {
            *out = (enum history_verb)i;
            return 0;
        }
    return err_set(err, ERR_USAGE, "unknown command; one of put, get, erase, help");
}

int history_options_parse(int argc, char **argv, struct history_options *out, struct err *err)
{
    *out = (struct history_options){.max_events = DEFAULT_MAX_EVENTS, .ttl_days = DEFAULT_TTL_DAYS};
    if (read_url(DEFAULT_URL, &out->redis, err))
        return -1;
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            out->verb = HISTORY_HELP;
            return 0;
        }
    if (argc < 2)
        return err_set(err, ERR_USAGE, "a command is missing: put, get, erase or help");
    if (parse_verb(argv[1], &out->verb, err) || out->verb == HISTORY_HELP)
        return out->verb == HISTORY_HELP ? 0 : -1;
    for (int i = 2; i < argc; i += 2) {
        if (!is_option(argv[i]))
            return err_set(err, ERR_USAGE, "unknown option %s", argv[i]);
        if (i + 1 == argc)
            return err_set(err, ERR_USAGE, "%s: a value is missing", argv[i]);
        if (set_option(argv[i], argv[i + 1], out, err))
            return -1;
    }
    if (out->key.len == 0)
        return err_set(err, ERR_USAGE, "--key-file or --key-env is needed");
    return 0;
}

void history_options_release(struct history_options *options)
{
    secret_free(&options->key);
    explicit_bzero(options->redis.password, sizeof(options->redis.password));
}
