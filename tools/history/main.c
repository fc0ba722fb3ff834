/* adrank-history: how others write, read and erase what users did (CONTRACT 5). */
#include <signal.h>

#include "base/stdout.h"
#include "tools/history/history.h"

int main(int argc, char **argv)
{
    struct history_options options;
    struct err err = {0};
    int rc;

    stdio_occupy();
    signal(SIGPIPE, SIG_IGN); /* a lost connection is an error like others */
    rc = history_options_parse(argc, argv, &options, &err);

    if (rc == 0 && options.verb == HISTORY_HELP) {
        history_options_print(stdout);
        rc = stdout_flush(&err);
    } else if (rc == 0) {
        rc = history_run(&options, stdin, stdout, stderr, &err);
    }
    history_options_release(&options);
    if (rc)
        fprintf(stderr, "adrank-history: %s\n", err.text);
    return rc ? err_exit_status(&err) : 0;
}
