/* Starts the demo, reads its output and ends it. */
#include "tests/demo/demo_run.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/e2e/driver.h"
#include "tests/test.h"

#define WAIT_MS 60000

/* ---- the checkout ---------------------------------------------------------------------------- */

static void shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void shell(const char *fmt, ...)
{
    char command[8192];
    va_list args;

    va_start(args, fmt);
    vsnprintf(command, sizeof(command), fmt, args);
    va_end(args);
    CHECK_INT(system(command), 0);
}

/* The program itself is copied, since it looks for its folder by /proc/self/exe; what it starts may
 * be links. */
static void checkout_make(struct checkout *c, const char *name)
{
    static const char *const programs[] = {"adrankd", "adrank-sim", "adrank-history"};
    char here[256], bin[400];

    strcpy(c->top, "/tmp/adrank-checkout-XXXXXX");
    CHECK(mkdtemp(c->top));
    snprintf(c->root, sizeof(c->root), "%s/%s", c->top, name);
    snprintf(bin, sizeof(bin), "%s/build/test/bin", c->root);
    shell("mkdir -p '%s'", bin);
    shell("cp '%s' '%s/'", driver_build_path("bin/adrank-demo"), bin);
    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
        char path[64];
        snprintf(path, sizeof(path), "bin/%s", programs[i]);
        shell("ln -s '%s' '%s/'", driver_build_path(path), bin);
    }
    CHECK(getcwd(here, sizeof(here) - 8));
    strcat(here, "/config");
    shell("ln -s '%s' '%s/config'", here, c->root);
}

/* Names in a folder, "." and ".." not counted, all of them among those given. */
static int count_names(const char *folder, const char *const *known)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    int n = 0;

    CHECK(dir);
    while ((entry = readdir(dir)) != NULL) {
        size_t i = 0;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        while (known[i] && strcmp(known[i], entry->d_name) != 0)
            i++;
        if (!known[i])
            FAIL("%s/%s: the demo left it", folder, entry->d_name);
        n++;
    }
    closedir(dir);
    return n;
}

/* Nothing was written outside build/, in build/ nothing outside build/demo, and nothing stays
 * there. */
static void checkout_is_clean(const struct checkout *c)
{
    char path[400];

    CHECK_INT(count_names(c->root, (const char *const[]){"build", "config", NULL}), 2);
    snprintf(path, sizeof(path), "%s/build", c->root);
    CHECK(count_names(path, (const char *const[]){"test", "demo", NULL}) <= 2);
    snprintf(path, sizeof(path), "%s/build/demo", c->root);
    if (access(path, F_OK) == 0)
        CHECK_INT(count_names(path, (const char *const[]){NULL}), 0);
}

int demo_folders(const struct demo *demo)
{
    const struct dirent *entry;
    char path[400];
    DIR *dir;
    int n = 0;

    snprintf(path, sizeof(path), "%s/build/demo", demo->checkout.root);
    dir = opendir(path);
    CHECK(dir);
    while ((entry = readdir(dir)) != NULL)
        n += entry->d_name[0] != '.';
    closedir(dir);
    return n;
}

int demo_processes(const struct demo *demo)
{
    DIR *dir = opendir("/proc");
    const struct dirent *entry;
    int n = 0;

    CHECK(dir);
    while ((entry = readdir(dir)) != NULL) {
        char path[300], cwd[400];
        ssize_t len;
        snprintf(path, sizeof(path), "/proc/%.200s/cwd", entry->d_name);
        len = atoi(entry->d_name) > 0 ? readlink(path, cwd, sizeof(cwd) - 1) : -1;
        cwd[len > 0 ? len : 0] = '\0';
        n += strncmp(cwd, demo->checkout.top, strlen(demo->checkout.top)) == 0;
    }
    closedir(dir);
    return n;
}

/* ---- the program ----------------------------------------------------------------------------- */

int demo_listen(int port)
{
    const struct sockaddr_in at = {.sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)port),
                                   .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    /* What ended a second ago is no listener. */
    CHECK(fd != -1 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) == 0);
    if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) == -1 || listen(fd, 1) == -1) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool is_free(int port)
{
    int fd = demo_listen(port);

    if (fd == -1)
        return false;
    close(fd);
    return true;
}

int demo_ports(void)
{
    static int at; /* below the ports that the system gives away to whoever connects */

    at = at ? at : (int)getpid();
    for (int tries = 0; tries < 1000; tries++) {
        int port = 20000 + at++ % 6000 * 2;
        if (is_free(port) && is_free(port + 1))
            return port;
    }
    FAIL("no two free ports");
}

static void become(const struct demo *demo, bool once, int out)
{
    char program[400], port[16];

    snprintf(program, sizeof(program), "%s/build/test/bin/adrank-demo", demo->checkout.root);
    snprintf(port, sizeof(port), "%d", demo->port);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (chdir(demo->checkout.root) || dup2(out, 1) == -1 || dup2(out, 2) == -1 ||
        setenv("HOME", demo->checkout.root, 1))
        _exit(71);
    execl(program, "adrank-demo", "--port", port, once ? "--once" : NULL, NULL);
    _exit(127);
}

static void start(struct demo *demo, bool once)
{
    int ends[2];

    CHECK(pipe(ends) == 0);
    demo->pid = fork();
    CHECK(demo->pid != -1);
    if (demo->pid == 0)
        become(demo, once, ends[1]);
    close(ends[1]);
    demo->out = ends[0];
}

void demo_start(struct demo *demo, const char *name, int port, bool once)
{
    *demo = (struct demo){.text = BUF_INIT, .port = port};
    checkout_make(&demo->checkout, name);
    start(demo, once);
}

void demo_start_beside(struct demo *demo, const struct demo *first, int port, bool once)
{
    *demo = (struct demo){.text = BUF_INIT, .port = port, .checkout = first->checkout};
    start(demo, once);
}

void demo_read(struct demo *demo, const char *until)
{
    int64_t end = clock_now_us() + WAIT_MS * 1000LL;

    while (!until || !strstr(buf_str(&demo->text), until)) {
        struct pollfd fd = {.fd = demo->out, .events = POLLIN};
        char *room = buf_reserve(&demo->text, 4096);
        ssize_t n;
        CHECK(room);
        if (clock_now_us() > end)
            FAIL("the demo says no more: %s", buf_str(&demo->text));
        if (poll(&fd, 1, 100) == 0)
            continue;
        n = read(demo->out, room, 4096);
        CHECK(n >= 0);
        if (n == 0 && until)
            FAIL("the demo ended: %s", buf_str(&demo->text));
        if (n == 0)
            return;
        demo->text.len += (size_t)n;
    }
}

int demo_wait(struct demo *demo)
{
    int status = 0;

    demo_read(demo, NULL);
    CHECK(waitpid(demo->pid, &status, 0) == demo->pid);
    close(demo->out);
    if (!WIFEXITED(status))
        FAIL("the demo ended by signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

void demo_release(struct demo *demo)
{
    shell("rm -r '%s'", demo->checkout.top);
    buf_release(&demo->text);
}

void demo_check_gone(struct demo *demo)
{
    CHECK_INT(demo_processes(demo), 0);
    CHECK(is_free(demo->port) && is_free(demo->port + 1));
    checkout_is_clean(&demo->checkout);
}
