/* Starts and stops one build's daemon and Redis for a comparison. */
#include "bench/compare/instance.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "bench/compare/requests.h"

#define READY_MS 120000 /* valgrind's pace */
#define CALL_MS 120000
#define KEY "a key for comparisons"

static const char config[] =
    "{\"http\":{\"address\":\"127.0.0.1:0\",\"workers\":1,\"drain_grace_ms\":0},"
    "\"admin\":{\"address\":\"127.0.0.1:0\",\"stall_ms\":60000},"
    "\"model\":{\"path\":\"%s\",\"backend\":\"%s\",\"threads\":%d},"
    "\"catalog\":{\"path\":\"%s/" COMPARE_FOLDER "/catalog.jsonl\"},"
    "\"deadline\":{\"max_ms\":60000,\"default_ms\":60000},"
    "\"log\":{\"slow_ms\":60000}%s}";
static const char features[] =
    ",\"features\":{\"url\":\"unix:%s/redis\",\"timeout_ms\":10000,\"connect_ms\":10000},"
    "\"privacy\":{\"user_key\":{\"$file\":\"%s/key\"}}";

static _Noreturn void become(const char *const *argv, const char *in, const char *log)
{
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    int input = open(in, O_RDONLY);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (fd == -1 || input == -1 || dup2(input, 0) == -1 || dup2(fd, 1) == -1 || dup2(fd, 2) == -1)
        _exit(71);
    execvp(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

static pid_t start(const struct instance *instance, const char *const *argv, const char *in,
                   const char *log)
{
    char path[128];
    pid_t pid;

    snprintf(path, sizeof(path), "%s/%s", instance->folder, log);
    pid = fork();
    if (pid == 0)
        become(argv, in, path);
    return pid;
}

static int write_file(const struct instance *instance, const char *name, const char *text,
                      struct err *err)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", instance->folder, name);
    return file_write(path, view_of(text), err);
}

static int write_config(const struct instance *instance, const struct instance_args *args,
                        struct err *err)
{
    char model[PATH_MAX], here[PATH_MAX], backend[PATH_MAX] = "cpu", redis[512] = "";
    struct buf text = BUF_INIT;
    int rc;

    if (!realpath(args->model, model))
        return err_set_errno(err, ERR_NOINPUT, "%s", args->model);
    if (!getcwd(here, sizeof(here)))
        return err_set_errno(err, ERR_INTERNAL, "getcwd");
    if (args->null_backend) {
        buf_printf(&text, "%s/lib/adrank-backend-null.so", args->build);
        if (!realpath(buf_str(&text), backend)) {
            err_set_errno(err, ERR_NOINPUT, "%s", buf_str(&text));
            buf_release(&text);
            return -1;
        }
        buf_clear(&text);
    }
    if (args->redis)
        snprintf(redis, sizeof(redis), features, instance->folder, instance->folder);
    buf_printf(&text, config, model, backend, args->threads ? args->threads : 1, here, redis);
    rc = write_file(instance, "config.json", buf_str(&text), err);
    buf_release(&text);
    return rc;
}

/* ---- Redis ----------------------------------------------------------------------------------- */

static int put_history(const struct instance *instance, const char *build, struct err *err)
{
    char program[PATH_MAX], url[128], key[128];
    const char *argv[] = {program, "put", "--redis", url, "--key-file", key, NULL};
    int status = -1;
    pid_t pid;

    snprintf(program, sizeof(program), "%s/bin/adrank-history", build);
    snprintf(url, sizeof(url), "unix:%s/redis", instance->folder);
    snprintf(key, sizeof(key), "%s/key", instance->folder);
    pid = start(instance, argv, COMPARE_FOLDER "/history.jsonl", "history.log");
    if (pid == -1 || waitpid(pid, &status, 0) == -1 || status)
        return err_set(err, ERR_UNAVAILABLE, "%s failed", program);
    return 0;
}

static int start_redis(struct instance *instance, const char *build, struct err *err)
{
    char path[128];
    const char *argv[] = {"redis-server", "--port", "0", "--unixsocket", path, "--save", "",
                          NULL,           NULL};

    if (write_file(instance, "key", KEY, err))
        return -1;
    snprintf(path, sizeof(path), "%s/redis", instance->folder);
    instance->redis_pid = start(instance, argv, "/dev/null", "redis.log");
    for (int waited = 0; access(path, F_OK) && waited < 10000; waited += 10)
        poll(NULL, 0, 10);
    return put_history(instance, build, err);
}

/* ---- adrankd --------------------------------------------------------------------------------- */

static int wait_ready(struct instance *instance, char *address, size_t size, struct err *err)
{
    int64_t until_us = clock_now_us() + READY_MS * 1000LL;
    struct buf log = BUF_INIT;
    char path[128];
    int rc = -1;

    snprintf(path, sizeof(path), "%s/log", instance->folder);
    for (;;) {
        const char *at = NULL;

        if (file_read(path, 1 << 24, &log, err) == 0 && strstr(buf_str(&log), "event=ready"))
            at = strstr(buf_str(&log), " address=");
        if (at) {
            snprintf(address, size, "%.*s", (int)strcspn(at + 9, " \n"), at + 9);
            rc = 0;
            break;
        }
        if (waitpid(instance->pid, NULL, WNOHANG) == instance->pid || clock_now_us() > until_us) {
            err_set(err, ERR_UNAVAILABLE, "adrankd does not come up: %.800s", buf_str(&log));
            break;
        }
        poll(NULL, 0, 20);
    }
    buf_release(&log);
    return rc;
}

static int start_adrankd(struct instance *instance, const struct instance_args *args,
                         struct err *err)
{
    char program[PATH_MAX], path[128], address[128];
    const char *argv[INSTANCE_MAX_ARGS];
    int n = 0;

    for (; args->prefix && args->prefix[n]; n++)
        argv[n] = args->prefix[n];
    snprintf(program, sizeof(program), "%s/bin/adrankd", args->build);
    snprintf(path, sizeof(path), "%s/config.json", instance->folder);
    argv[n++] = program;
    argv[n++] = "--allow-root";
    argv[n++] = "-c";
    argv[n++] = path;
    argv[n] = NULL;
    instance->pid = start(instance, argv, "/dev/null", "log");
    if (wait_ready(instance, address, sizeof(address), err))
        return -1;
    return http_client_init(&instance->client, address, CALL_MS, err);
}

int instance_start(struct instance *instance, const struct instance_args *args, struct err *err)
{
    *instance = (struct instance){.client.fd = -1};
    strcpy(instance->folder, "/tmp/adrank-compare-XXXXXX");
    if (!mkdtemp(instance->folder)) {
        instance->folder[0] = '\0';
        return err_set_errno(err, ERR_UNAVAILABLE, "mkdtemp");
    }
    if ((args->redis && start_redis(instance, args->build, err)) ||
        write_config(instance, args, err) || start_adrankd(instance, args, err))
        return -1;
    return 0;
}

static void end(pid_t *pid)
{
    if (*pid > 0) {
        kill(*pid, SIGTERM);
        waitpid(*pid, NULL, 0);
    }
    *pid = 0;
}

void instance_stop(struct instance *instance)
{
    static const char *const files[] = {"config.json", "log",       "key",
                                        "redis",       "redis.log", "history.log"};
    char path[128];

    http_client_release(&instance->client);
    end(&instance->pid);
    end(&instance->redis_pid);
    if (!instance->folder[0])
        return;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", instance->folder, files[i]);
        unlink(path);
    }
    rmdir(instance->folder);
}

int instance_rank(struct instance *instance, struct view body, struct client_response *out,
                  struct err *err)
{
    const struct http_request request = {.method = "POST", .target = "/rank", .body = body};

    if (http_client_call(&instance->client, &request, out, err))
        return -1;
    if (out->status != 200)
        return err_set(err, ERR_DATA, "status %d: %.*s", out->status,
                       (int)(out->body.len < 800 ? out->body.len : 800), out->body.ptr);
    return 0;
}
