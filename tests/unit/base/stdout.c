/* Tests of base/stdout.c. */
#include "base/stdout.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/test.h"

/* In a process of its own, whose exit status is what check returns. */
static int in_child(int (*check)(void))
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(check());
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* 0, or the number of what is wrong. */
static int occupied(void)
{
    char c;

    close(0);
    close(1);
    close(2);
    stdio_occupy();
    if (open("/dev/null", O_RDWR) <= 2)
        return 1;
    if (read(0, &c, 1) != -1 || errno != EBADF)
        return 2;
    if (write(1, "x", 1) != -1 || errno != EBADF)
        return 3;
    return write(2, "x", 1) != -1 || errno != EBADF ? 4 : 0;
}

static int open_ones_stay(void)
{
    int pair[2];

    if (pipe(pair) || dup2(pair[1], 1) != 1)
        return 1;
    close(2);
    stdio_occupy();
    return write(1, "x", 1) == 1 ? 0 : 2;
}

TEST(stdout__closed_ones_are_occupied)
{
    CHECK_INT(in_child(occupied), 0);
    CHECK_INT(in_child(open_ones_stay), 0);
}

static int flush_to(const char *path, const char *reason)
{
    struct err err;
    int fd = open(path, O_WRONLY);

    dup2(fd, 1);
    clearerr(stdout);
    printf("text");
    if (!reason)
        return stdout_flush(&err) ? 1 : 0;
    if (stdout_flush(&err) != -1 || err.code != ERR_UNAVAILABLE || !strstr(err.text, reason))
        return 2;
    /* A failure that was earlier counts, too. */
    dup2(open("/dev/null", O_WRONLY), 1);
    return stdout_flush(&err) == -1 ? 0 : 3;
}

static int full(void)
{
    return flush_to("/dev/full", "stdout: No space left");
}

static int taken(void)
{
    return flush_to("/dev/null", NULL);
}

TEST(stdout__what_is_lost_is_an_error)
{
    CHECK_INT(in_child(taken), 0);
    CHECK_INT(in_child(full), 0);
}
