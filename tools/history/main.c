/* adrank-history: writes, reads and erases stored behaviour (CONTRACT 5). */
#include <signal.h>

#include "base/stdout.h"
#include "tools/history/history.h"

int main(int argc, char **argv)
{
    struct options options;
    struct err err = {0};
    int rc;

    stdio_occupy();
    signal(SIGPIPE, SIG_IGN); /* a lost connection is an ordinary error */
    rc = options_parse(argc, argv, &options, &err);
    if (rc > 0) {
        cli_print(&options_cli, stdout);
        rc = stdout_flush(&err);
    } else if (rc == 0) {
        rc = history_run(&options, stdin, stdout, stderr, &err);
    }
    options_release(&options);
    return rc ? cli_fail("adrank-history", &err) : 0;
}
