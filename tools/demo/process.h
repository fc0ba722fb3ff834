/* Child processes of the demo. */
#ifndef TOOLS_DEMO_PROCESS_H
#define TOOLS_DEMO_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

struct process {
    pid_t pid; /* 0: not running */
};

/* argv ends with NULL. stdin is the file `in` unless NULL, stdout and stderr are appended to the
 * file `log`. The child is killed when its parent ends for any reason. */
int process_start(struct process *process, const char *name, const char *const *argv,
                  const char *in, const char *log, struct err *err) MUST_CHECK;
/* The same, to its end; err reports a nonzero exit status. */
int process_run(const char *name, const char *const *argv, const char *in, const char *log,
                struct err *err) MUST_CHECK;
bool process_ended(struct process *process);
/* SIGTERM, SIGKILL after 5 s. Idempotent. */
void process_stop(struct process *process);

#endif
