/* Starts, feeds and stops a real daemon and a real Redis. */
#include "tests/e2e/driver.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "tests/e2e/client.h"
#include "tests/test.h"

#define DEFAULT_MODEL "tests/golden/models/e2e"

const char driver_catalog[] =
    "{\"adid\":\"a1\",\"item\":\"i1\",\"crid\":\"c1\",\"cid\":\"k1\",\"seat\":\"s1\",\"adomain\":["
    "\"shop.example\"],"
    "\"cat\":[\"IAB17\"],\"title\":\"trail running "
    "shoes\",\"bid\":1.0,\"bid_type\":\"cpm\",\"prior_ctr\":0.02}\n"
    "{\"adid\":\"a2\",\"item\":\"i2\",\"adomain\":[\"www.tea.example\"],\"cat\":[\"IAB8-5\"],"
    "\"title\":\"electric kettle\","
    "\"bid\":0.05,\"bid_type\":\"cpc\",\"prior_ctr\":0.03}\n"
    "{\"adid\":\"a3\",\"item\":\"i3\",\"title\":\"跑步鞋 轻便\",\"bid\":0.9,\"bid_type\":\"cpm\"}\n"
    "{\"adid\":\"a4\",\"item\":\"i4\",\"title\":\"电热水壶\",\"bid\":0.8,\"bid_type\":\"cpm\"}\n"
    "{\"adid\":\"a5\",\"item\":\"i5\",\"title\":\"yoga mat\",\"bid\":0.7,\"bid_type\":\"cpm\"}\n"
    "{\"adid\":\"a6\",\"item\":\"i6\",\"title\":\"phone case\",\"bid\":0.6,\"bid_type\":\"cpm\"}\n"
    "{\"adid\":\"a7\",\"item\":\"i7\",\"title\":\"手机壳\",\"bid\":0.5,\"bid_type\":\"cpm\"}\n"
    "{\"adid\":\"a8\",\"item\":\"i8\",\"title\":\"garden "
    "hose\",\"bid\":2.0,\"bid_type\":\"cpa\",\"prior_ctr\":0.01}\n"
    "{\"adid\":\"a9\",\"item\":\"i9\",\"title\":\"paused "
    "ad\",\"bid\":9.0,\"bid_type\":\"cpm\",\"status\":\"paused\"}\n"
    "{\"adid\":\"a10\",\"item\":\"i10\",\"title\":\"future "
    "ad\",\"bid\":9.0,\"bid_type\":\"cpm\",\"start\":4102444800000}\n";

static struct driver *running[32]; /* ended when the test program exits, however it does */

static struct err err;

static void remember(struct driver *driver)
{
    for (size_t i = 0; i < sizeof(running) / sizeof(running[0]); i++)
        if (!running[i] || running[i] == driver) {
            running[i] = driver;
            return;
        }
}

static void forget(struct driver *driver)
{
    for (size_t i = 0; i < sizeof(running) / sizeof(running[0]); i++)
        if (running[i] == driver)
            running[i] = NULL;
}

__attribute__((destructor)) static void end_all(void)
{
    for (size_t i = 0; i < sizeof(running) / sizeof(running[0]); i++)
        if (running[i] && !running[i]->ended)
            kill(running[i]->pid, SIGKILL);
}

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

void driver_write(struct driver *driver, const char *name, const char *bytes)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/%s", driver->folder, name);
    CHECK_OK(file_write(path, view_of(bytes), &err), err);
    CHECK_INT(chmod(path, 0600), 0);
}

/* What the pipe holds goes to the file, until the daemon is ready. */
static void pump(struct driver *driver, const char *path)
{
    char bytes[4096];
    ssize_t n;
    int fd;

    if (driver->log_fd == -1 || driver->address[0])
        return;
    fd = open(path, O_WRONLY | O_APPEND);
    while ((n = read(driver->log_fd, bytes, sizeof(bytes))) > 0)
        CHECK(write(fd, bytes, (size_t)n) == n);
    close(fd);
}

const char *driver_log(struct driver *driver)
{
    static struct buf text;
    char path[256];

    snprintf(path, sizeof(path), "%s/log", driver->folder);
    pump(driver, path);
    CHECK_OK(file_read(path, 1 << 30, &text, &err), err);
    return buf_str(&text);
}

static void nap(int ms)
{
    poll(NULL, 0, ms);
}

static bool has_ended(struct driver *driver)
{
    if (!driver->ended && waitpid(driver->pid, &driver->status, WNOHANG) == driver->pid)
        driver->ended = true;
    return driver->ended;
}

int driver_logged(struct driver *driver, const char *text)
{
    int n = 0;

    for (const char *at = driver_log(driver); (at = strstr(at, text)); at += strlen(text))
        n++;
    return n;
}

void driver_wait_log(struct driver *driver, const char *text)
{
    int64_t until_us = clock_now_us() + 10000000;

    while (!strstr(driver_log(driver), text)) {
        if (clock_now_us() > until_us || has_ended(driver))
            FAIL("no \"%s\" in the log:\n%s", text, driver_log(driver));
        nap(5);
    }
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
    int64_t until_us = clock_now_us() + DRIVER_READY_MS * 1000LL;
    const char *line;

    while (!(line = strstr(driver_log(driver), "event=ready"))) {
        if (clock_now_us() > until_us || has_ended(driver))
            FAIL("adrankd does not come up:\n%s", driver_log(driver));
        nap(5);
    }
    take_value(line, " address=", driver->address, sizeof(driver->address));
    take_value(line, " admin=", driver->admin, sizeof(driver->admin));
}

static const char *backend_of(const char *name)
{
    static char path[4200];

    if (!name)
        name = "null";
    if (strcmp(name, "cpu") == 0 || strcmp(name, "auto") == 0 || strcmp(name, "cuda") == 0 ||
        strchr(name, '/'))
        return name;
    snprintf(path, sizeof(path), "lib/adrank-backend-%s.so", name);
    return driver_build_path(path);
}

/* At most 64 arguments; they live as long as the call. */
struct command {
    const char *argv[96];
    char text[96][4400];
    int n;
};

static void add(struct command *command, const char *prefix, const char *value)
{
    snprintf(command->text[command->n], sizeof(command->text[0]), "%s%s", prefix, value);
    command->argv[command->n] = command->text[command->n];
    command->n++;
}

static void add_set(struct command *command, const char *prefix, const char *value)
{
    add(command, "", "--set");
    add(command, prefix, value);
}

/* Relative paths are the repository's, not the folder's of the configuration file. */
static const char *from_here(const char *path)
{
    static char whole[8192];
    char here[4096];

    if (path[0] == '/')
        return path;
    CHECK(getcwd(here, sizeof(here)));
    snprintf(whole, sizeof(whole), "%s/%s", here, path);
    return whole;
}

static void add_defaults(struct command *command, const struct driver_args *args)
{
    add_set(command, "model.path=", from_here(args->model ? args->model : DEFAULT_MODEL));
    add_set(command, "model.backend=", backend_of(args->backend));
    add_set(command, "catalog.path=", "catalog.jsonl");
    add_set(command, "http.address=", "127.0.0.1:0");
    add_set(command, "admin.address=", "127.0.0.1:0");
    add_set(command, "http.drain_grace_ms=", "0");
    add_set(command, "deadline.max_ms=", "20000");
    add_set(command, "deadline.default_ms=", "10000");
    if (args->redis) {
        add_set(command, "features.url=", args->redis);
        add_set(command, "features.timeout_ms=", "1000");
        add_set(command, "privacy.user_key=", "{\"$file\":\"key\"}");
    }
}

static void make_command(struct driver *driver, const struct driver_args *args,
                         struct command *command)
{
    add(command, "", driver_build_path(args->program ? args->program : "bin/adrankd"));
    add(command, "", "--allow-root");
    add(command, "", "-c");
    add(command, driver->folder, "/config.json");
    if (!args->plain)
        add_defaults(command, args);
    for (int i = 0; i < DRIVER_MAX_SETS && args->sets[i]; i++)
        add_set(command, "", args->sets[i]);
    for (int i = 0; i < 8 && args->argv[i]; i++)
        add(command, "", args->argv[i]);
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
    char log[256], device[256];
    int fd = pipe_fd;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    snprintf(log, sizeof(log), "%s/log", driver->folder);
    if (fd == -1)
        fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(fd, 2);
    dup2(fd, 1);
    limit_files(args);
    snprintf(device, sizeof(device), "%s/device", driver->folder);
    setenv("ADRANK_FAILING_FILE", device, 1);
    for (int i = 0; i < DRIVER_MAX_SETS && args->env[i]; i++)
        putenv((char *)(uintptr_t)args->env[i]);
    execv(command->argv[0], (char *const *)(uintptr_t)command->argv);
    _exit(127);
}

void driver_start(struct driver *driver, const struct driver_args *args)
{
    static struct command command;
    int pipe_fds[2] = {-1, -1};

    *driver = (struct driver){.log_fd = -1};
    strcpy(driver->folder, "/tmp/adrank-e2e-XXXXXX");
    CHECK(mkdtemp(driver->folder));
    driver_write(driver, "config.json", args->config ? args->config : "{}");
    driver_write(driver, "catalog.jsonl", args->catalog ? args->catalog : driver_catalog);
    driver_write(driver, "key", DRIVER_KEY "\n");
    driver_write(driver, "device", args->device ? args->device : "");
    driver_write(driver, "log", "");
    command.n = 0;
    make_command(driver, args, &command);
    if (args->log_pipe)
        CHECK(pipe2(pipe_fds, O_CLOEXEC) == 0 && fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK) == 0);
    driver->log_fd = pipe_fds[0];
    driver->pid = fork();
    CHECK(driver->pid != -1);
    if (driver->pid == 0)
        run_child(driver, args, &command, pipe_fds[1]);
    if (args->log_pipe)
        close(pipe_fds[1]);
    remember(driver);
    if (!args->no_wait)
        driver_wait_ready(driver);
}

static int exit_status(const struct driver *driver)
{
    return WIFEXITED(driver->status) ? WEXITSTATUS(driver->status) : 128 + WTERMSIG(driver->status);
}

int driver_wait(struct driver *driver, int ms)
{
    int64_t until_us = clock_now_us() + ms * 1000LL;

    while (!has_ended(driver)) {
        if (clock_now_us() > until_us)
            return -1;
        nap(2);
    }
    return exit_status(driver);
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
    char path[512];

    while (dir && (entry = readdir(dir))) {
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        unlink(path);
    }
    if (dir)
        closedir(dir);
    rmdir(folder);
}

int driver_stop(struct driver *driver)
{
    int status;

    driver_kill(driver, SIGTERM);
    status = driver_wait(driver, 40000);
    if (status == -1) {
        driver_kill(driver, SIGKILL);
        driver_wait(driver, 10000);
        FAIL("adrankd does not end on SIGTERM:\n%s", driver_log(driver));
    }
    /* A sanitizer's complaint must not get lost with the folder. */
    if (strstr(driver_log(driver), "Sanitizer"))
        FAIL("%s", driver_log(driver));
    forget(driver);
    if (driver->log_fd != -1)
        close(driver->log_fd);
    remove_folder(driver->folder);
    return status;
}

static struct driver_response result;

static void take_response(const struct client_response *response)
{
    CHECK(response->body.len < sizeof(result.body));
    result.status = response->status;
    memcpy(result.body, response->body.ptr ? response->body.ptr : "", response->body.len);
    result.body[response->body.len] = '\0';
    snprintf(result.head, sizeof(result.head), "%.*s",
             (int)((response->body.ptr ? response->body.ptr : response->bytes) - response->bytes),
             response->bytes);
    result.closed = !response->keep_alive;
}

struct driver_response *driver_call(const char *address, const char *method, const char *target,
                                    const char *body)
{
    struct http_client client;
    struct client_response response;

    CHECK_OK(http_client_init(&client, address, 30000, &err), err);
    CHECK_OK(http_client_call(
                 &client,
                 &(struct http_request){.method = method, .target = target, .body = view_of(body)},
                 &response, &err),
             err);
    take_response(&response);
    http_client_release(&client);
    return &result;
}

struct driver_response *driver_rank(struct driver *driver, const char *body)
{
    return driver_call(driver->address, "POST", "/rank", body);
}

struct driver_response *driver_raw(const char *address, struct view bytes)
{
    struct http_client client;
    struct client_response response;

    CHECK_OK(http_client_init(&client, address, 30000, &err), err);
    CHECK_OK(http_client_connect(&client, &err), err);
    CHECK_OK(http_client_send(&client, bytes, &err), err);
    CHECK_OK(http_client_receive(&client, false, &response, &err), err);
    take_response(&response);
    result.closed = http_client_wait_end(&client, 200) == HTTP_CLIENT_CLOSED;
    http_client_release(&client);
    return &result;
}

int64_t driver_status_bytes(struct driver *driver, const char *name)
{
    char path[64], line[256];
    int64_t kib = -1;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)driver->pid);
    file = fopen(path, "re");
    CHECK(file);
    while (kib == -1 && fgets(line, sizeof(line), file))
        if (strncmp(line, name, strlen(name)) == 0)
            kib = strtoll(line + strlen(name), NULL, 10);
    fclose(file);
    return kib * 1024;
}

double driver_metric(struct driver *driver, const char *sample)
{
    const struct driver_response *response = driver_call(driver->admin, "GET", "/metrics", NULL);
    size_t n = strlen(sample);

    CHECK_INT(response->status, 200);
    for (const char *line = response->body; line && *line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, sample, n) == 0 && line[n] == ' ')
            return strtod(line + n, NULL);
    }
    return -1;
}

double driver_metric_sum(struct driver *driver, const char *name, const char *labels)
{
    const struct driver_response *response = driver_call(driver->admin, "GET", "/metrics", NULL);
    size_t n = strlen(name);
    double sum = -1;

    CHECK_INT(response->status, 200);
    for (const char *line = response->body; line && *line; line = strchr(line, '\n')) {
        const char *end, *found;

        line += *line == '\n';
        if (strncmp(line, name, n) != 0 || line[n] != '{')
            continue;
        end = strchr(line, '}');
        found = strstr(line, labels);
        CHECK(end);
        if (found && found < end)
            sum = (sum < 0 ? 0 : sum) + strtod(end + 1, NULL);
    }
    return sum;
}

const char *driver_history(struct driver *driver, const char *url, const char *verb,
                           const char *lines)
{
    static char out[4096];
    char command[8400];
    FILE *pipe;

    driver_write(driver, "lines", js("%s", lines));
    snprintf(command, sizeof(command), "%s %s --redis %s --key-file %s/key <%s/lines",
             driver_build_path("bin/adrank-history"), verb, url, driver->folder, driver->folder);
    pipe = popen(command, "r");
    CHECK(pipe);
    out[fread(out, 1, sizeof(out) - 1, pipe)] = '\0';
    CHECK_INT(pclose(pipe), 0);
    return out;
}

struct driver_response *driver_reload(struct driver *driver, const char *config)
{
    if (config)
        driver_write(driver, "config.json", config);
    return driver_call(driver->admin, "POST", "/admin/reload", NULL);
}
