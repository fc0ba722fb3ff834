/* The rows of adrank-history's command line. */
#include "tools/history/options.h"

#include <stdlib.h>

#include "base/printable.h"

#define DEFAULT_URL "redis://127.0.0.1:6379"
#define URL_FORM "redis://[user[:password]@]host[:port][/db] or unix:/path"

static bool is_first_key(const struct options *out, struct err *err)
{
    if (out->key.len)
        err_set(err, ERR_USAGE, "one of --key-file and --key-env, once");
    return !out->key.len;
}

static int read_key_file(const struct cli_option *option, char *path, struct options *out,
                         struct err *err)
{
    const char *exposed;
    mode_t mode;

    (void)option;
    if (!is_first_key(out, err))
        return -1;
    if (secret_read(path, &out->key, err))
        return err_prefix(err, "--key-file");
    exposed = secret_exposed(path, &mode);
    if (exposed)
        snprintf(out->key_warning, sizeof(out->key_warning), "--key-file: %.160s %s (mode %04o)",
                 path, exposed, (unsigned)mode);
    printable_blank(out->key_warning);
    return 0;
}

static int read_key_env(const struct cli_option *option, char *name, struct options *out,
                        struct err *err)
{
    const char *value = getenv(name);

    (void)option;
    if (!is_first_key(out, err))
        return -1;
    if (!value || !*value)
        return err_set(err, ERR_USAGE, "--key-env: the variable %s is %s", name,
                       value ? "set but empty" : "not set");
    out->key = secret_copy(view_of(value));
    return out->key.ptr ? 0 : err_set(err, ERR_NOMEM, "out of memory");
}

static int read_url(const struct cli_option *option, char *text, struct options *out,
                    struct err *err)
{
    struct err why;

    if (redis_url_parse(text, &out->redis, &why))
        return err_set(err, ERR_USAGE, "--%s: %s; must be " URL_FORM, option->name, why.text);
    return 0;
}

static int read_verb(const struct cli_option *option, char *word, struct options *out,
                     struct err *err)
{
    static const char *const verbs[] = {"put", "get", "erase", "help"};

    (void)option;
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (strcmp(word, verbs[i]) == 0) {
            out->verb = (enum history_verb)i;
            return 0;
        }
    return err_set(err, ERR_USAGE, "%s: no such command; put, get, erase or help", word);
}

static const struct cli_option rows[] = {
    {NULL, "COMMAND", .read = read_verb},
    {"redis", "URL", .read = read_url, .help = URL_FORM "; default " DEFAULT_URL},
    {"key-file", "FILE", .read = read_key_file,
     .help = "privacy.user_key of the daemon's configuration"},
    {"key-env", "NAME", .read = read_key_env, .help = "the same from an environment variable"},
    {"max-events", "N", CLI_INT(max_events, 1, 10000),
     .help = "newest events kept per user; default 100"},
    {"ttl-days", "N", CLI_INT(ttl_days, 1, 3650),
     .help = "days after a user's last put until its events expire; default 90"},
};

const struct cli options_cli =
    CLI("usage: adrank-history put|get|erase [options] <lines\n\n"
        "  put    a line an event, a user's oldest first:\n"
        "         {\"user\":\"u42\",\"t\":1790000000000,\"type\":\"click\",\"item\":\"sku9\","
        "\"text\":\"...\"}\n"
        "  get    a line a user, {\"user\":\"u42\"}: prints its events in the format of put\n"
        "  erase  a line a user: deletes everything stored about it\n\n"
        "Bad lines are reported by number and skipped; the exit status is then 65.\n\n",
        rows);

int options_parse(int argc, char **argv, struct options *out, struct err *err)
{
    int rc;

    *out = (struct options){.verb = HISTORY_NONE, .max_events = 100, .ttl_days = 90};
    if (redis_url_parse(DEFAULT_URL, &out->redis, err))
        return -1;
    rc = cli_read(&options_cli, argc, argv, out, err);
    if (rc || out->verb == HISTORY_HELP)
        return rc ? rc : 1;
    if (out->verb == HISTORY_NONE)
        return err_set(err, ERR_USAGE, "a command is missing: put, get, erase or help");
    if (out->key.len == 0)
        return err_set(err, ERR_USAGE, "--key-file or --key-env is needed");
    return 0;
}

void options_release(struct options *options)
{
    secret_free(&options->key);
    explicit_bzero(options->redis.password, sizeof(options->redis.password));
}
