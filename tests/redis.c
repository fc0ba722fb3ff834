/* Starts a private redis-server on a free port. */
#include "tests/redis.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/loopback.h"

#define MAX_ARGS 48
#define START_ATTEMPTS 3 /* somebody else may take the port meanwhile */
#define START_WAIT_MS 10000

static int free_port(void)
{
    int port = 0;

    close(loopback_bind(&port));
    return port;
}

static bool installed(void)
{
    return system("command -v redis-server >/dev/null 2>&1") == 0;
}

_Noreturn static void run_server(const struct redis *redis, const char *const *extra)
{
    char port[16], log[96];
    const char *args[MAX_ARGS] = {
        "redis-server", "--port",      port,       "--bind",     "127.0.0.1", "--unixsocket",
        redis->socket,  "--dir",       redis->dir, "--save",     "",          "--appendonly",
        "no",           "--daemonize", "no",       "--loglevel", "warning"};
    int n = 0, fd;

    snprintf(port, sizeof(port), "%d", redis->port);
    snprintf(log, sizeof(log), "%s/log", redis->dir);
    while (args[n])
        n++;
    for (int i = 0; extra && extra[i] && n < MAX_ARGS - 1; i++)
        args[n++] = extra[i];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd != -1) {
        dup2(fd, STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
    }
    execvp(args[0], (char *const *)(void *)args);
    _exit(127);
}

static int dial(const struct redis *redis)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", redis->socket);
    if (fd == -1 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
        return fd;
    close(fd);
    return -1;
}

/* An error counts too: it asks for a password, so it is up. */
static bool answers(const struct redis *redis)
{
    int fd = dial(redis);
    char first = 0;

    if (fd == -1)
        return false;
    if (write(fd, "PING\r\n", 6) == 6)
        (void)!read(fd, &first, 1);
    close(fd);
    return first == '+' || first == '-';
}

const char *redis_say(const struct redis *redis, const char *commands)
{
    static char replies[32768];
    int fd = dial(redis);
    size_t len = 0;

    CHECK(fd != -1 && dprintf(fd, "%s\r\n", commands) > 0);
    CHECK(shutdown(fd, SHUT_WR) == 0);
    for (ssize_t n = 1; n > 0; len += (size_t)n) {
        n = read(fd, replies + len, sizeof(replies) - 1 - len);
        CHECK(n >= 0);
    }
    close(fd);
    replies[len] = '\0';
    return replies;
}

const char *redis_only_key(const struct redis *redis)
{
    static char key[256];

    CHECK_INT(sscanf(redis_say(redis, "KEYS *"), "*1\r\n$%*d\r\n%255s", key), 1);
    return key;
}

static void sleep_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static bool launch(struct redis *redis, const char *const *extra)
{
    redis->pid = fork();
    if (redis->pid == -1)
        FAIL("fork: %s", strerror(errno));
    if (redis->pid == 0)
        run_server(redis, extra);
    for (int waited = 0; waited < START_WAIT_MS; waited += 10) {
        if (answers(redis))
            return true;
        if (waitpid(redis->pid, NULL, WNOHANG) == redis->pid)
            break;
        sleep_ms(10);
    }
    redis_kill(redis);
    return false;
}

void redis_start(struct redis *redis, const char *const *extra)
{
    if (!installed())
        SKIP("no redis-server");
    *redis = (struct redis){.dir = "/tmp/adrank-redis-XXXXXX"};
    if (!mkdtemp(redis->dir))
        FAIL("%s: %s", redis->dir, strerror(errno));
    snprintf(redis->socket, sizeof(redis->socket), "%s/socket", redis->dir);
    for (int i = 0; i < START_ATTEMPTS; i++) {
        redis->port = free_port();
        snprintf(redis->url, sizeof(redis->url), "redis://127.0.0.1:%d", redis->port);
        if (launch(redis, extra))
            return;
    }
    FAIL("redis-server does not come up; see %s/log", redis->dir);
}

static void wait_for_end(struct redis *redis)
{
    if (redis->pid > 0)
        while (waitpid(redis->pid, NULL, 0) == -1 && errno == EINTR)
            ;
    redis->pid = 0;
}

static void remove_folder(const struct redis *redis)
{
    static const char *const files[] = {"socket", "log", "dump.rdb"};
    char path[128];

    for (int i = 0; i < COUNT(files); i++) {
        snprintf(path, sizeof(path), "%s/%s", redis->dir, files[i]);
        unlink(path);
    }
    rmdir(redis->dir);
}

void redis_stop(struct redis *redis)
{
    if (redis->pid > 0) {
        kill(redis->pid, SIGCONT);
        kill(redis->pid, SIGTERM);
    }
    wait_for_end(redis);
    remove_folder(redis);
}

void redis_pause(struct redis *redis)
{
    kill(redis->pid, SIGSTOP);
}

void redis_resume(struct redis *redis)
{
    kill(redis->pid, SIGCONT);
}

void redis_kill(struct redis *redis)
{
    if (redis->pid > 0)
        kill(redis->pid, SIGKILL);
    wait_for_end(redis);
}

void redis_restart(struct redis *redis)
{
    unlink(redis->socket); /* a killed one leaves it behind */
    if (!launch(redis, NULL))
        FAIL("redis-server does not come up again; see %s/log", redis->dir);
}
