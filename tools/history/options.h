/* The command line of adrank-history. */
#ifndef TOOLS_HISTORY_OPTIONS_H
#define TOOLS_HISTORY_OPTIONS_H

#include "base/cli.h"
#include "base/redis_url.h"
#include "base/secret.h"

enum history_verb { HISTORY_PUT, HISTORY_GET, HISTORY_ERASE, HISTORY_HELP, HISTORY_NONE };

struct options {
    enum history_verb verb;
    struct redis_url redis;
    struct view key;       /* privacy.user_key, of base/secret.h */
    char key_warning[256]; /* about its file; "": none */
    int max_events;
    int ttl_days;
};

/* Reads the key as the daemon does: trailing line ends are not part of it. Returns 1 when help was
 * requested; ERR_USAGE, or ERR_NOINPUT for a key that cannot be read. Release *out in any case. */
int options_parse(int argc, char **argv, struct options *out, struct err *err) MUST_CHECK;
void options_release(struct options *options);

extern const struct cli options_cli;

#endif
