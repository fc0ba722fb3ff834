/* Tests of base/bug.c. */
#include "base/bug.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/test.h"

TEST(bug__reports_where_and_aborts)
{
    char text[1024] = "";
    int pipe_fds[2], status;
    pid_t child;
    ssize_t n;

    CHECK(pipe(pipe_fds) == 0);
    child = fork();
    CHECK(child != -1);
    if (child == 0) {
        dup2(pipe_fds[1], STDERR_FILENO);
        BUG("the %s is %d", "answer", 42);
    }
    close(pipe_fds[1]);
    n = read(pipe_fds[0], text, sizeof(text) - 1);
    CHECK(n > 0);
    close(pipe_fds[0]);
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    CHECK(strncmp(text, "BUG ", 4) == 0);
    CHECK(strstr(text, "bug.c:"));
    CHECK(strstr(text, ": the answer is 42\n"));
}

TEST(bug__on_a_true_invariant_goes_on)
{
    int held = 1;

    BUG_ON(!held);
    CHECK(held);
}
