/* Child processes of the demo: started, watched, ended in reverse order. */
#ifndef TOOLS_DEMO_PROCESS_H
#define TOOLS_DEMO_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

struct process {
    const char *name; /* for messages */
    pid_t pid;        /* 0: not running */
};

/* argv ends with NULL. stdin from the file `in` unless NULL, stdout and stderr to the file `log`,
 * appended. The child ends with its parent, whatever ends that. */
int process_start(struct process *process, const char *name, const char *const *argv,
                  const char *in, const char *log, struct err *err) MUST_CHECK;
/* err reports a nonzero exit status. */
int process_wait(struct process *process, struct err *err) MUST_CHECK;
bool process_ended(struct process *process);
/* SIGTERM, SIGKILL after 5 s. Idempotent. */
void process_stop(struct process *process);

#endif
