/* Starts and stops a real daemon, and reads its log. */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/e2e/client.h"
#include "tests/e2e/driver.h"
#include "tests/test.h"

/* A process to stop at the end of the case: a copy, since the struct driver may be gone by then. */
static struct child {
    const struct driver *owner; /* NULL: a free slot */
    struct driver driver;
    int log_fd; /* read end of the pipe; -1: none */
    int status; /* of waitpid(), once ended */
    bool ended, judged, kept;
} children[32];

static struct err err;

static struct child *child_of(const struct driver *driver)
{
    for (int i = 0; i < COUNT(children); i++)
        if (children[i].owner && children[i].driver.pid == driver->pid)
            return &children[i];
    FAIL("this driver has been stopped");
}

/* ---- folder and log -------------------------------------------------------------------------- */

/* build/<preset>/tests/test_x -> build/<preset>/name */
const char *driver_build_path(const char *name)
{
    static char path[4][4096];
    static int turn;
    char *out = path[turn++ % 4];
    ssize_t n = readlink("/proc/self/exe", out, 4000);

    CHECK(n > 0);
    out[n] = '\0';
    for (int i = 0; i < 2; i++)
        *strrchr(out, '/') = '\0';
    strcat(out, "/");
    strcat(out, name);
    return out;
}

/* Valid until the next call: unlike js(), as tests keep its texts while they read the log. */
static const char *path_of(const char *folder, const char *name)
{
    static char path[512];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

void driver_write(struct driver *driver, const char *name, const char *bytes)
{
    const char *path = path_of(driver->folder, name);

    CHECK_OK(file_write(path, view_of(bytes), &err), err);
    CHECK_INT(chmod(path, 0600), 0);
}

/* Copies the pipe to the file until the daemon is ready. */
static void pump(struct driver *driver, const char *path)
{
    int log_fd = child_of(driver)->log_fd;
    char bytes[4096];
    ssize_t n;
    int fd;

    if (log_fd == -1 || driver->address[0])
        return;
    fd = open(path, O_WRONLY | O_APPEND);
    while ((n = read(log_fd, bytes, sizeof(bytes))) > 0)
        CHECK(write(fd, bytes, (size_t)n) == n);
    close(fd);
}

const char *driver_log(struct driver *driver)
{
    static struct buf text;
    const char *path = path_of(driver->folder, "log");

    pump(driver, path);
    CHECK_OK(file_read(path, 1 << 30, &text, &err), err);
    return buf_str(&text);
}

static bool has_ended(struct driver *driver)
{
    struct child *child = child_of(driver);

    if (!child->ended && waitpid(driver->pid, &child->status, WNOHANG) == driver->pid)
        child->ended = true;
    return child->ended;
}

int driver_logged(struct driver *driver, const char *text)
{
    int n = 0;

    for (const char *at = driver_log(driver); (at = strstr(at, text)); at += strlen(text))
        n++;
    return n;
}

void driver_check_log(struct driver *driver, const char *text)
{
    if (!strstr(driver_log(driver), text))
        FAIL("no \"%s\" in the log:\n%s", text, driver_log(driver));
}

static void wait_log(struct driver *driver, const char *text, int ms)
{
    int64_t until_us = clock_now_us() + ms * 1000LL;

    while (!driver_logged(driver, text) && clock_now_us() < until_us && !has_ended(driver))
        usleep(5000);
    driver_check_log(driver, text);
}

void driver_wait_log(struct driver *driver, const char *text)
{
    wait_log(driver, text, 10000);
}

static void take_value(const char *line, const char *key, char *out, size_t size)
{
    const char *at = strstr(line, key);
    size_t n;

    CHECK(at);
    at += strlen(key);
    n = strcspn(at, " \n");
    CHECK(n < size);
    memcpy(out, at, n);
    out[n] = '\0';
}

void driver_wait_ready(struct driver *driver)
{
    const char *line;

    wait_log(driver, "event=ready", 30000);
    line = strstr(driver_log(driver), "event=ready");
    take_value(line, " address=", driver->address, sizeof(driver->address));
    take_value(line, " admin=", driver->admin, sizeof(driver->admin));
}

/* ---- start ----------------------------------------------------------------------------------- */

struct command {
    const char *argv[96];
    char text[96][4400];
    int n;
};

__attribute__((format(printf, 2, 3))) static void add(struct command *command, const char *fmt, ...)
{
    char *text = command->text[command->n];
    va_list ap;

    CHECK(command->n < COUNT(command->argv) - 1);
    va_start(ap, fmt);
    vsnprintf(text, sizeof(command->text[0]), fmt, ap);
    va_end(ap);
    command->argv[command->n++] = text;
}

/* Relative paths start at the repository root, not at the configuration file's folder. */
static const char *model_overlay(const struct driver_args *args)
{
    const char *model = args->model ? args->model : DRIVER_MODEL;
    char here[PATH_MAX];

    CHECK(getcwd(here, sizeof(here)));
    return js("{'model':{'path':'%s%s%s','backend':'%s'}}", *model == '/' ? "" : here,
              *model == '/' ? "" : "/", model, args->backend ? args->backend : "null");
}

static const char *redis_overlay(const struct driver_args *args)
{
    if (!args->redis)
        return "{}";
    return js("{'features':{'url':'%s','timeout_ms':1000},"
              "'privacy':{'user_key':{'$file':'key'}}}",
              args->redis);
}

static void add_defaults(struct command *command, const struct driver_args *args)
{
    const char *text = driver_config(model_overlay(args), redis_overlay(args), NULL);
    json_t *config = json_loads(text, 0, NULL), *members, *value;
    const char *section, *name;

    json_object_foreach(config, section, members) json_object_foreach(members, name, value)
    {
        char *option = json_dumps(value, JSON_ENCODE_ANY);

        add(command, "--set");
        add(command, "%s.%s=%s", section, name, option);
        free(option);
    }
    json_decref(config);
}

static void make_command(struct driver *driver, const struct driver_args *args,
                         struct command *command)
{
    command->n = 0;
    add(command, "%s", driver_build_path(args->program ? args->program : "bin/adrankd"));
    add(command, "--allow-root");
    add(command, "-c");
    add(command, "%s/config.json", driver->folder);
    if (!args->plain)
        add_defaults(command, args);
    for (int i = 0; i < DRIVER_MAX_SETS && args->sets[i]; i++) {
        add(command, "--set");
        add(command, "%s", args->sets[i]);
    }
    for (int i = 0; i < COUNT(args->argv) && args->argv[i]; i++)
        add(command, "%s", args->argv[i]);
    command->argv[command->n] = NULL;
}

static void limit_files(const struct driver_args *args)
{
    struct rlimit limit;

    if (!args->files_soft || getrlimit(RLIMIT_NOFILE, &limit))
        return;
    limit.rlim_cur = (rlim_t)args->files_soft;
    if (args->files_hard)
        limit.rlim_max = (rlim_t)args->files_hard;
    if (setrlimit(RLIMIT_NOFILE, &limit))
        _exit(126);
}

static void run_child(struct driver *driver, const struct driver_args *args,
                      const struct command *command, int pipe_fd)
{
    int fd = pipe_fd;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (fd == -1)
        fd = open(path_of(driver->folder, "log"), O_WRONLY | O_APPEND);
    dup2(fd, 2);
    dup2(fd, 1);
    limit_files(args);
    setenv("ADRANK_FAILING_FILE", path_of(driver->folder, "device"), 1);
    if (args->libraries)
        setenv("LD_LIBRARY_PATH", driver_build_path(args->libraries), 1);
    setenv("ADRANK_SIMT_FAULTS", path_of(driver->folder, "device"), 1);
    for (int i = 0; i < DRIVER_MAX_SETS && args->env[i]; i++)
        putenv((char *)(uintptr_t)args->env[i]);
    execv(command->argv[0], (char *const *)(uintptr_t)command->argv);
    _exit(127);
}

static void end_well(struct child *child)
{
    bool judged = child->judged;
    int status = driver_stop(&child->driver);

    if (status && !judged)
        FAIL("adrankd exited with status %d", status);
}

/* A free slot, once this driver's daemon has ended. */
static struct child *take_child(const struct driver *driver)
{
    struct child *taken = NULL;

    for (int i = 0; i < COUNT(children); i++) {
        if (children[i].owner == driver)
            end_well(&children[i]);
        if (!children[i].owner)
            taken = &children[i];
    }
    CHECK(taken);
    return taken;
}

void driver_start(struct driver *driver, const struct driver_args *args)
{
    static struct command command;
    struct child *child = take_child(driver);
    int pipe_fds[2] = {-1, -1};

    *driver = (struct driver){.folder = "/tmp/adrank-e2e-XXXXXX"};
    CHECK(mkdtemp(driver->folder));
    driver_write(driver, "config.json", args->config ? args->config : "{}");
    driver_write(driver, "catalog.jsonl", args->catalog ? args->catalog : driver_catalog);
    driver_write(driver, "key", DRIVER_KEY "\n");
    driver_write(driver, "device", args->device ? args->device : "");
    driver_write(driver, "log", "");
    make_command(driver, args, &command);
    if (args->log_pipe)
        CHECK(pipe2(pipe_fds, O_CLOEXEC) == 0 && fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK) == 0);
    driver->pid = fork();
    CHECK(driver->pid != -1);
    if (driver->pid == 0)
        run_child(driver, args, &command, pipe_fds[1]);
    if (args->log_pipe)
        close(pipe_fds[1]);
    *child = (struct child){
        .owner = driver, .driver = *driver, .log_fd = pipe_fds[0], .kept = args->kept};
    if (!args->no_wait)
        driver_wait_ready(driver);
}

/* ---- end ------------------------------------------------------------------------------------- */

int driver_wait(struct driver *driver, int ms)
{
    int64_t until_us = clock_now_us() + ms * 1000LL;
    struct child *child = child_of(driver);

    while (!has_ended(driver)) {
        if (clock_now_us() > until_us)
            return -1;
        usleep(2000);
    }
    child->judged = true;
    return WIFEXITED(child->status) ? WEXITSTATUS(child->status) : 128 + WTERMSIG(child->status);
}

void driver_end(struct driver *driver)
{
    CHECK_INT(driver_stop(driver), 0);
}

void driver_kill(struct driver *driver, int signal_number)
{
    if (!has_ended(driver))
        kill(driver->pid, signal_number);
}

static void remove_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;

    while (dir && (entry = readdir(dir)))
        unlink(path_of(folder, entry->d_name));
    if (dir)
        closedir(dir);
    rmdir(folder);
}

int driver_stop(struct driver *driver)
{
    struct child *child = child_of(driver);
    int status;

    driver_kill(driver, SIGTERM);
    status = driver_wait(driver, 40000);
    if (status == -1)
        FAIL("adrankd does not exit on SIGTERM:\n%s", driver_log(driver));
    /* A sanitizer's report must not be lost with the folder. */
    if (strstr(driver_log(driver), "Sanitizer"))
        FAIL("%s", driver_log(driver));
    if (child->log_fd != -1)
        close(child->log_fd);
    remove_folder(driver->folder);
    child->owner = NULL;
    return status;
}

int driver_run(const struct driver_args *args, const char *text)
{
    struct driver_args now = *args;
    struct driver driver;
    int status;

    now.no_wait = true;
    driver_start(&driver, &now);
    status = driver_wait(&driver, 20000);
    if (text)
        driver_check_log(&driver, text);
    driver_stop(&driver);
    return status;
}

/* The folders of a failed case are kept for inspection. */
static void drop(struct child *child)
{
    driver_kill(&child->driver, SIGKILL);
    driver_wait(&child->driver, 10000);
    if (child->log_fd != -1)
        close(child->log_fd);
    child->owner = NULL;
}

static void end_all(bool failed)
{
    for (int i = 0; i < COUNT(children); i++) {
        if (!children[i].owner || children[i].kept)
            continue;
        if (failed)
            drop(&children[i]);
        else
            end_well(&children[i]);
    }
}

__attribute__((constructor)) static void end_with_the_case(void)
{
    test_after = end_all;
}
