/* Starts the demo, reads its output and ends it. */
#include "tests/demo/demo_run.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/e2e/driver.h"
#include "tests/e2e/shell.h"
#include "tests/test.h"

#define WAIT_MS 60000

/* ---- the checkout ---------------------------------------------------------------------------- */

/* The program itself is copied, since it finds its folder by /proc/self/exe; what it starts may be
 * symlinks. */
static void checkout_make(struct checkout *c, const char *name)
{
    const char *bin = driver_build_path("bin");

    strcpy(c->top, "/tmp/adrank-checkout-XXXXXX");
    CHECK(mkdtemp(c->top));
    snprintf(c->root, sizeof(c->root), "%s/%s", c->top, name);
    CHECK_INT(
        shell(NULL,
              "here=$PWD && mkdir -p '%s/build/test/bin' && cd '%s' && ln -s \"$here/config\" . &&"
              " cd build/test/bin && cp '%s/adrank-demo' . &&"
              " ln -s '%s/adrankd' '%s/adrank-sim' '%s/adrank-history' .",
              c->root, c->root, bin, bin, bin, bin),
        0);
}

/* Names in a folder, one per line; "" for an empty or missing one. */
static const char *names_in(const char *root, const char *folder)
{
    static struct buf names;

    shell(&names, "ls -A '%s/%s' 2>/dev/null", root, folder);
    return buf_str(&names);
}

/* Nothing was written outside build/demo, and nothing is left there. */
static void checkout_is_clean(const struct checkout *c)
{
    CHECK_STR(names_in(c->root, ""), "build\nconfig\n");
    if (strcmp(names_in(c->root, "build"), "test\n") != 0)
        CHECK_STR(names_in(c->root, "build"), "demo\ntest\n");
    CHECK_STR(names_in(c->root, "build/demo"), "");
}

int demo_folders(const struct demo *demo)
{
    int n = 0;

    for (const char *c = names_in(demo->checkout.root, "build/demo"); *c; c++)
        n += *c == '\n';
    return n;
}

int demo_processes(const struct demo *demo)
{
    struct buf n AT_END(buf_release) = BUF_INIT;

    shell(&n, "ls -l /proc/[0-9]*/cwd 2>/dev/null | grep -c -- '-> %s'", demo->checkout.top);
    return atoi(buf_str(&n));
}

/* ---- the program ----------------------------------------------------------------------------- */

int demo_listen(int port)
{
    const struct sockaddr_in at = {.sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)port),
                                   .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    /* A connection closed a second ago does not hold the port. */
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
    static int at; /* below the ports that the system assigns to clients */

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
            FAIL("the demo is stuck: %s", buf_str(&demo->text));
        if (poll(&fd, 1, 100) == 0)
            continue;
        n = read(demo->out, room, 4096);
        CHECK(n >= 0);
        if (n == 0 && until)
            FAIL("the demo exited: %s", buf_str(&demo->text));
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
        FAIL("the demo was killed by signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

void demo_release(struct demo *demo)
{
    CHECK_INT(shell(NULL, "rm -r '%s'", demo->checkout.top), 0);
    buf_release(&demo->text);
}

void demo_check_gone(struct demo *demo)
{
    CHECK_INT(demo_processes(demo), 0);
    CHECK(is_free(demo->port) && is_free(demo->port + 1));
    checkout_is_clean(&demo->checkout);
}
