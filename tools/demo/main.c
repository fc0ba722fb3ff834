/*
 * adrank-demo: what ./adrank demo runs once everything is built. It makes a world, starts a private
 * redis-server and adrankd, loads behaviour, sends sample impressions and shows the answers.
 * Everything it writes is in a folder for this run under build/demo, which it removes at the end (a
 * failed run leaves it, with the log, to the next run). Only when that path is too long for a UNIX
 * socket is the socket in a separate folder in /tmp.
 */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cli.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/stdout.h"
#include "tools/demo/folder.h"
#include "tools/demo/port.h"
#include "tools/demo/process.h"
#include "tools/demo/sample.h"

#define WAIT_MS 60000

struct options {
    bool once;
    int port;
};

struct demo {
    struct options options;
    char bin[3000];         /* folder of the programs */
    struct folder folder;   /* build/demo/run-XXXXXX */
    char socket_folder[32]; /* in /tmp, or "" */
    char socket[3300], address[64], admin[64], log[3300];
    struct process redis, daemon;
};

static const struct cli_option rows[] = {
    {"once", NULL, CLI_FLAG(once), .help = "exits after the sample; else it serves until Ctrl-C"},
    {"port", "N", CLI_INT(port, 1, 65534),
     .help = "from 1 to 65534, default 8080; the admin listener has the next one"},
};
static const struct cli cli = CLI("usage: adrank-demo [--once] [--port N]\n", rows);

/* The path of a UNIX socket is limited to some 100 bytes, that of a checkout is not. */
static int place_socket(struct demo *demo, struct err *err)
{
    static const char elsewhere[] = "/tmp/adrank-demo-XXXXXX";

    snprintf(demo->socket, sizeof(demo->socket), "%s/redis.sock", demo->folder.path);
    if (strlen(demo->socket) < sizeof(((struct sockaddr_un *)NULL)->sun_path))
        return 0;
    strcpy(demo->socket_folder, elsewhere);
    if (!mkdtemp(demo->socket_folder)) {
        demo->socket_folder[0] = '\0';
        return err_set_errno(err, ERR_UNAVAILABLE, "%s", elsewhere);
    }
    snprintf(demo->socket, sizeof(demo->socket), "%s/redis.sock", demo->socket_folder);
    return 0;
}

static void remove_socket_folder(const struct demo *demo)
{
    if (!demo->socket_folder[0])
        return;
    unlink(demo->socket);
    rmdir(demo->socket_folder);
}

/* build/<preset>/bin/adrank-demo -> bin, build/demo/run-XXXXXX */
static int find_folders(struct demo *demo, struct err *err)
{
    ssize_t n = readlink("/proc/self/exe", demo->bin, sizeof(demo->bin) - 1);
    char build[3010];

    if (n <= 0)
        return err_set_errno(err, ERR_INTERNAL, "/proc/self/exe");
    demo->bin[n] = '\0';
    *strrchr(demo->bin, '/') = '\0';
    strcpy(build, demo->bin);
    for (int i = 0; i < 2; i++)
        *strrchr(build, '/') = '\0';
    strcat(build, "/demo");
    if (folder_make(&demo->folder, build, err))
        return -1;
    snprintf(demo->log, sizeof(demo->log), "%s/log", demo->folder.path);
    snprintf(demo->address, sizeof(demo->address), "127.0.0.1:%d", demo->options.port);
    snprintf(demo->admin, sizeof(demo->admin), "127.0.0.1:%d", demo->options.port + 1);
    return place_socket(demo, err);
}

struct path {
    char text[3400];
};

static struct path path_in(const char *folder, const char *name)
{
    struct path path;

    snprintf(path.text, sizeof(path.text), "%s/%s", folder, name);
    return path;
}

static int write_file(const struct demo *demo, const char *name, struct view bytes, struct err *err)
{
    return file_write(path_in(demo->folder.path, name).text, bytes, err);
}

/* A key for user ids, new for each demo. */
static int make_key(const struct demo *demo, struct err *err)
{
    unsigned char bytes[16];
    char text[33];

    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        return err_set_errno(err, ERR_UNAVAILABLE, "random numbers");
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    if (write_file(demo, "key", view_of(text), err))
        return -1;
    if (chmod(path_in(demo->folder.path, "key").text, 0600))
        return err_set_errno(err, ERR_UNAVAILABLE, "key");
    return 0;
}

static int make_world(const struct demo *demo, struct err *err)
{
    struct path program = path_in(demo->bin, "adrank-sim");

    printf("making a world of shoppers ...\n");
    return process_run("adrank-sim",
                       (const char *[]){program.text, "world", "--seed", "1", "--out",
                                        demo->folder.path, "--train", "0", "--calib", "0", "--eval",
                                        "0", "--warm", "0", NULL},
                       NULL, demo->log, err);
}

static int start_redis(struct demo *demo, struct err *err)
{
    printf("starting redis-server ...\n");
    unlink(demo->socket);
    if (process_start(&demo->redis, "redis-server",
                      (const char *[]){"redis-server", "--port", "0", "--unixsocket", demo->socket,
                                       "--save", "", "--dir", demo->folder.path, NULL},
                      NULL, demo->log, err))
        return -1;
    for (int waited = 0; access(demo->socket, F_OK); waited += 10) {
        if (process_ended(&demo->redis) || waited > WAIT_MS)
            return err_set(err, ERR_UNAVAILABLE, "redis-server did not start; see %s", demo->log);
        poll(NULL, 0, 10);
    }
    return 0;
}

static int put_history(const struct demo *demo, const char *file, struct err *err)
{
    struct path program = path_in(demo->bin, "adrank-history");
    struct path key = path_in(demo->folder.path, "key"), lines = path_in(demo->folder.path, file);
    char url[3400];

    snprintf(url, sizeof(url), "unix:%s", demo->socket);
    return process_run(
        "adrank-history",
        (const char *[]){program.text, "put", "--redis", url, "--key-file", key.text, NULL},
        lines.text, demo->log, err);
}

static int load_histories(const struct demo *demo, struct err *err)
{
    struct buf lines = BUF_INIT;
    int rc;

    printf("loading behaviour into Redis ...\n");
    sample_histories(&lines, clock_wall_ms());
    rc = write_file(demo, "shoppers.jsonl", buf_view(&lines), err);
    buf_release(&lines);
    if (rc || put_history(demo, "shoppers.jsonl", err))
        return -1;
    return put_history(demo, "histories.jsonl", err);
}

/* Usually the reason why the daemon did not start. */
static const char *last_line(const struct demo *demo, struct buf *text)
{
    struct err ignored;
    char *line;

    if (file_read(demo->log, 1 << 26, text, &ignored) || text->len == 0)
        return "no reason given";
    while (text->len && text->ptr[text->len - 1] == '\n')
        text->ptr[--text->len] = '\0';
    line = strrchr(text->ptr, '\n');
    return line ? line + 1 : text->ptr;
}

/* By its log: another daemon might answer at the address. */
static bool is_ready(const struct demo *demo)
{
    struct buf text = BUF_INIT;
    struct err ignored;
    char want[160];
    bool ready;

    snprintf(want, sizeof(want), " address=%s admin=%s", demo->address, demo->admin);
    ready = file_read(demo->log, 1 << 26, &text, &ignored) == 0 &&
            strstr(buf_str(&text), " event=ready ") && strstr(buf_str(&text), want);
    buf_release(&text);
    return ready;
}

static int wait_ready(struct demo *demo, struct err *err)
{
    struct buf text = BUF_INIT;

    for (int waited = 0; waited < WAIT_MS && !process_ended(&demo->daemon); waited += 20) {
        if (is_ready(demo))
            return 0;
        poll(NULL, 0, 20);
    }
    err_set(err, ERR_UNAVAILABLE, "adrankd did not start: %.200s; see %s", last_line(demo, &text),
            demo->log);
    buf_release(&text);
    return -1;
}

static int start_daemon(struct demo *demo, struct err *err)
{
    struct path program = path_in(demo->bin, "adrankd");
    struct path catalog = path_in(demo->folder.path, "catalog.jsonl");
    struct path key = path_in(demo->folder.path, "key");
    char sets[5][3500];

    printf("starting adrankd on %s ...\n", demo->address);
    snprintf(sets[0], sizeof(sets[0]), "http.address=%s", demo->address);
    snprintf(sets[1], sizeof(sets[1]), "admin.address=%s", demo->admin);
    snprintf(sets[2], sizeof(sets[2]), "features.url=unix:%s", demo->socket);
    snprintf(sets[3], sizeof(sets[3]), "catalog.path=%s", catalog.text);
    snprintf(sets[4], sizeof(sets[4]), "privacy.user_key={\"$file\":\"%s\"}", key.text);
    if (process_start(&demo->daemon, "adrankd",
                      (const char *[]){program.text, "-c", "config/demo.json", "--set", sets[0],
                                       "--set", sets[1], "--set", sets[2], "--set", sets[3],
                                       "--set", sets[4], geteuid() == 0 ? "--allow-root" : NULL,
                                       NULL},
                      NULL, demo->log, err))
        return -1;
    return wait_ready(demo, err);
}

static int show(const struct demo *demo, struct err *err)
{
    for (int i = 0; i < n_samples; i++)
        if (sample_show(&samples[i], demo->address, err))
            return -1;
    sample_curl(&samples[0], demo->address);
    fflush(stdout);
    return 0;
}

/* Until Ctrl-C, or until the daemon exits by itself. */
static int serve(struct demo *demo, int signals, struct err *err)
{
    struct pollfd fd = {.fd = signals, .events = POLLIN};

    printf("\nServing on http://%s, admin on http://%s; press Ctrl-C to stop.\n", demo->address,
           demo->admin);
    fflush(stdout);
    while (poll(&fd, 1, 500) == 0)
        if (process_ended(&demo->daemon))
            return err_set(err, ERR_UNAVAILABLE, "adrankd exited; see %s", demo->log);
    return 0;
}

static int run(struct demo *demo, int signals, struct err *err)
{
    if (port_check(demo->options.port, err) || port_check(demo->options.port + 1, err) ||
        find_folders(demo, err) || make_key(demo, err) || make_world(demo, err) ||
        start_redis(demo, err) || load_histories(demo, err) || start_daemon(demo, err) ||
        show(demo, err))
        return -1;
    return demo->options.once ? 0 : serve(demo, signals, err);
}

int main(int argc, char **argv)
{
    static struct demo demo;
    struct err err;
    sigset_t set;
    int rc;

    stdio_occupy();
    setlocale(LC_CTYPE, "C.UTF-8");
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    demo.options.port = 8080;
    rc = cli_read(&cli, argc, argv, &demo.options, &err);
    if (rc > 0) {
        cli_print(&cli, stdout);
        return stdout_flush(&err) ? cli_fail("adrank-demo", &err) : 0;
    }
    if (rc) {
        cli_print(&cli, stderr);
        return cli_fail("adrank-demo", &err);
    }
    demo.folder.fd = -1;
    rc = run(&demo, signalfd(-1, &set, SFD_CLOEXEC), &err);
    process_stop(&demo.daemon);
    process_stop(&demo.redis);
    remove_socket_folder(&demo);
    if (rc) {
        folder_keep(&demo.folder);
        return cli_fail("adrank-demo", &err);
    }
    folder_remove(&demo.folder);
    return 0;
}
