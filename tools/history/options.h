/* The command line of adrank-history. */
#ifndef TOOLS_HISTORY_OPTIONS_H
#define TOOLS_HISTORY_OPTIONS_H

#include <stdio.h>

#include "base/redis_url.h"
#include "base/secret.h"

enum history_verb { HISTORY_PUT, HISTORY_GET, HISTORY_ERASE, HISTORY_HELP };

struct history_options {
    enum history_verb verb;
    struct redis_url redis;
    struct view key;       /* privacy.user_key, of base/secret.h */
    char key_warning[256]; /* about its file; "": none */
    int max_events;
    int ttl_days;
};

/* Reads the key as the daemon does: trailing line ends are not part of it. ERR_USAGE, or
 * ERR_NOINPUT for a key that cannot be read. *out is to be released in any case. */
int history_options_parse(int argc, char **argv, struct history_options *out,
                          struct err *err) MUST_CHECK;
void history_options_release(struct history_options *options);
void history_options_print(FILE *out);

#endif
