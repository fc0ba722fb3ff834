/* Starts, waits for and stops child processes. */
#include "tools/demo/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define STOP_MS 5000

static void become(const char *const *argv, const char *in, const char *log)
{
    sigset_t none;
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    int input = open(in ? in : "/dev/null", O_RDONLY);

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setpgid(0, 0); /* Ctrl-C is the demo's to handle */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (fd == -1 || input == -1 || dup2(input, 0) == -1 || dup2(fd, 1) == -1 || dup2(fd, 2) == -1)
        _exit(71);
    execvp(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

int process_start(struct process *process, const char *name, const char *const *argv,
                  const char *in, const char *log, struct err *err)
{
    process->pid = fork();
    if (process->pid == -1) {
        process->pid = 0;
        return err_set_errno(err, ERR_UNAVAILABLE, "%s", name);
    }
    if (process->pid == 0)
        become(argv, in, log);
    return 0;
}

int process_run(const char *name, const char *const *argv, const char *in, const char *log,
                struct err *err)
{
    struct process process;
    int status = 0;

    if (process_start(&process, name, argv, in, log, err))
        return -1;
    if (waitpid(process.pid, &status, 0) == -1)
        return err_set_errno(err, ERR_INTERNAL, "%s", name);
    if (!WIFEXITED(status) || WEXITSTATUS(status))
        return err_set(err, ERR_UNAVAILABLE, "%s failed (status %d)", name,
                       WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    return 0;
}

bool process_ended(struct process *process)
{
    if (process->pid && waitpid(process->pid, NULL, WNOHANG) == process->pid)
        process->pid = 0;
    return process->pid == 0;
}

void process_stop(struct process *process)
{
    if (process_ended(process))
        return;
    kill(process->pid, SIGTERM);
    for (int waited = 0; waited < STOP_MS && !process_ended(process); waited += 10)
        poll(NULL, 0, 10);
    if (process_ended(process))
        return;
    kill(process->pid, SIGKILL);
    waitpid(process->pid, NULL, 0);
    process->pid = 0;
}
