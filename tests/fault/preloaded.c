/* Every kind of fault fires on a small program, exactly at the call it was planned for. */
#include <fcntl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/fault/fault.h"
#include "tests/test.h"

struct victim {
    pid_t pid;
    int to, from; /* its stdin and stdout */
};

static void start(struct victim *victim, const char *board, const char *plan, char *const argv[])
{
    int in[2], out[2];

    CHECK(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
    victim->pid = fork();
    CHECK(victim->pid != -1);
    if (victim->pid == 0) {
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        setenv("LD_PRELOAD", fault_library(), 1);
        if (board)
            setenv("ADRANK_FAULT", board, 1);
        if (plan)
            setenv("ADRANK_FAULT_PLAN", plan, 1);
        execv(FAULT_VICTIM, argv);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    victim->to = in[1];
    victim->from = out[0];
}

static int finish(struct victim *victim, char *text, size_t size)
{
    size_t len = 0;
    ssize_t n;
    int status;

    while ((n = read(victim->from, text + len, size - 1 - len)) > 0)
        len += (size_t)n;
    text[len] = 0;
    close(victim->to);
    close(victim->from);
    CHECK(waitpid(victim->pid, &status, 0) == victim->pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The output of a victim that makes n calls; checks its exit status. plan may be NULL. */
static const char *run(const char *plan, const char *call, const char *n, int status)
{
    static char text[16384];
    struct victim victim;

    start(&victim, NULL, plan, (char *[]){"victim", (char *)call, (char *)n, NULL});
    CHECK_INT(finish(&victim, text, sizeof(text)), status);
    return text;
}

TEST(fault__fires_where_planned)
{
    static const struct {
        const char *plan, *call, *n, *want;
    } rows[] = {
        {"malloc:on=ours,from=2,count=1", "malloc", "4", "1 ENOMEM 1 1 "},
        {"malloc:on=ours,from=3", "calloc", "4", "1 1 ENOMEM ENOMEM "},
        {"malloc:on=ours", "realloc", "2", "ENOMEM ENOMEM "},
        {"malloc:on=ours,from=2", "aligned_alloc", "3", "1 ENOMEM ENOMEM "},
        {"malloc:on=ours,from=2", "posix_memalign", "3", "1 ENOMEM ENOMEM "},
        {"malloc:on=ours", "fopen", "2", "0 0 "},
        {"malloc:from=1", "fopen", "2", "ENOMEM ENOMEM "},
        {"read:error=EINTR,count=2", "read", "3", "EINTR EINTR 32 "},
        {"read:short_bytes=1", "read", "2", "1 1 "},
        {"write:error=ENOSPC,from=2,count=1", "write", "3", "32 ENOSPC 32 "},
        {"send:error=EPIPE,from=2", "send", "2", "32 EPIPE "},
        {"read:short_bytes=7,from=2", "readv", "3", "32 7 7 "},
        {"read:error=EIO,from=2", "readv", "3", "32 EIO EIO "},
        {"write:short_bytes=5", "writev", "2", "5 5 "},
        {"write:error=EAGAIN", "writev", "2", "EAGAIN EAGAIN "},
        {"send:short_bytes=3", "sendmsg", "1", "3 "},
        {"send:error=ECONNRESET", "sendmsg", "1", "ECONNRESET "},
        {"open:error=EMFILE,from=3,count=1", "open", "2", "EMFILE 0 "},
        {"open:error=ENFILE,from=4,count=1", "openat", "2", "0 ENFILE "},
        {"close:error=EIO,from=2,count=1", "close", "3", "0 EIO 0 "},
        {"fsync:error=EIO,count=1", "fsync", "2", "EIO EINVAL "},
        {"rename:error=EXDEV,count=1", "rename", "2", "EXDEV ENOENT "},
        {"write:error=EIO,on=socket", "write", "2", "32 32 "},
        {"write:error=EIO,on=file+socket", "write", "1", "32 "},
        {"send:error=EIO,on=socket", "send", "1", "EIO "},
        {"read:error=EIO;write:error=EPIPE", "write", "1", "EPIPE "},
        {"user:euid=0", "geteuid", "2", "0 0 "},
        {"user:euid=10001", "geteuid", "1", "10001 "},
    };

    for (int i = 0; i < COUNT(rows); i++) {
        test_row("fault__fires_where_planned %s: %s", rows[i].plan, rows[i].call);
        CHECK_STR(run(rows[i].plan, rows[i].call, rows[i].n, 0), rows[i].want);
    }
}

TEST(fault__without_a_plan_nothing_fails)
{
    static const char *const names[] = {"malloc", "read", "write", "send", "open"};

    for (int i = 0; i < COUNT(names); i++) {
        test_row("fault__without_a_plan_nothing_fails %s", names[i]);
        CHECK(!strchr(run(NULL, names[i], "3", 0), 'E'));
    }
}

TEST(fault__shares_of_calls_fail)
{
    const char *text = run("read:error=EIO,one_in=4", "read", "1000", 0);
    int failed = 0;

    for (const char *p = text; (p = strstr(p, "EIO")); p++)
        failed++;
    CHECK(failed > 200 && failed < 300);
}

static long clock_of(const char *call, const char *plan)
{
    return strtol(run(plan, call, "1", 0), NULL, 10);
}

TEST(fault__clocks_are_shifted)
{
    struct timespec now;

    CHECK_NEAR((double)clock_of("wall", "clock:wall_us=-3600500000"), (double)time(NULL) - 3600, 5);
    CHECK_NEAR((double)clock_of("wall", "clock:monotonic_us=3600000000"), (double)time(NULL), 5);
    clock_gettime(CLOCK_MONOTONIC, &now);
    CHECK_NEAR((double)clock_of("monotonic", "clock:monotonic_us=86400000000"),
               (double)now.tv_sec + 86400, 5);
}

TEST(fault__delays)
{
    struct timespec from, to;

    clock_gettime(CLOCK_MONOTONIC, &from);
    CHECK_STR(run("read:delay_us=100000,from=2,count=2", "read", "4", 0), "32 32 32 32 ");
    clock_gettime(CLOCK_MONOTONIC, &to);
    CHECK((double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9 >= 0.2);
}

/* Lets the victim make a call and reads what it prints about it. */
static const char *next_call(struct victim *victim)
{
    static char text[64];
    ssize_t n;

    CHECK(write(victim->to, "\n", 1) == 1);
    n = read(victim->from, text, sizeof(text) - 1);
    CHECK(n > 0);
    text[n] = 0;
    return text;
}

TEST(fault__plans_change_while_the_program_runs)
{
    char path[] = "/tmp/adrank-fault-XXXXXX";
    struct victim victim;
    struct fault fault;
    struct err err;
    char text[64];

    CHECK(mkstemp(path) != -1);
    CHECK_OK(fault_open(&fault, path, &err), err);
    start(&victim, path, NULL, (char *[]){"victim", "line", "read", "8", NULL});
    CHECK_STR(next_call(&victim), "32 ");
    CHECK_INT(fault_seen(&fault, FAULT_READ), 0);
    fault_set(&fault, FAULT_READ, &(struct fault_plan){.from = 2, .count = 1, .error = 5});
    CHECK_STR(next_call(&victim), "32 ");
    CHECK_STR(next_call(&victim), "EIO ");
    CHECK_STR(next_call(&victim), "32 ");
    CHECK_INT(fault_seen(&fault, FAULT_READ), 3);
    CHECK_INT(fault_fired(&fault, FAULT_READ), 1);
    fault_set(&fault, FAULT_READ, &(struct fault_plan){.from = 1, .short_bytes = 2});
    CHECK_STR(next_call(&victim), "2 ");
    fault_set(&fault, FAULT_READ, &(struct fault_plan){.from = 0});
    CHECK_STR(next_call(&victim), "32 ");
    CHECK_INT(fault_seen(&fault, FAULT_READ), 1);
    CHECK_INT(fault_fired(&fault, FAULT_READ), 0);
    fault_clear(&fault);
    CHECK_STR(next_call(&victim), "32 ");
    CHECK_STR(next_call(&victim), "32 ");
    CHECK_INT(finish(&victim, text, sizeof(text)), 0);
    fault_close(&fault);
    CHECK(access(path, F_OK) == -1);
}

TEST(fault__a_wrong_plan_ends_the_program)
{
    run("read:eror=EIO", "read", "1", 64);
}
