/* adrankd's command line (CONTRACT 2). Pure. */
#ifndef SERVER_DAEMON_ARGUMENTS_H
#define SERVER_DAEMON_ARGUMENTS_H

#include <stdbool.h>

#include "base/err.h"

#define ARGUMENTS_MAX_SETS 64

enum arguments_mode {
    MODE_SERVE,
    MODE_CHECK_CONFIG, /* read the configuration, report what is wrong with it */
    MODE_PRINT_CONFIG,
    MODE_PROBE_READY, /* query a running daemon */
    MODE_PROBE_LIVE,
    MODE_VERSION,
    MODE_HELP,
};

struct arguments {
    enum arguments_mode mode;
    const char *config_file; /* NULL: none named */
    const char *sets[ARGUMENTS_MAX_SETS];
    int n_sets;
    bool allow_root;
};

/* ERR_USAGE names the argument. Strings point into argv. */
int arguments_parse(int argc, char **argv, struct arguments *out, struct err *err) MUST_CHECK;

extern const char arguments_usage[];

#endif
