/* adrankd: an ad exchange POSTs an impression, ranked ads go back. See CONTRACT.md and docs/. */
#include <event2/event.h>
#include <jansson.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "adrank/model.h"
#include "base/log.h"
#include "base/printable.h"
#include "base/stdout.h"
#include "client/http_client.h"
#include "server/daemon/daemon.h"
#include "server/net/address.h"
#include "server/world/config_print.h"
#include "server/world/config_read.h"
#include "server/world/config_settle.h"

#define MAX_PROBLEM_BYTES (256 << 10)
#define PROBE_MS 2000
#define MMAP_BYTES (128 << 10)
#define MIN_FILES 20
#define MIN_FILES_OF_WORKER 5

static int fail(const struct err *err)
{
    fprintf(stderr, "adrankd: %s\n", err->text);
    return err_exit_status(err);
}

/* After what goes to stdout; the exit status. */
static int flushed(void)
{
    struct err err;

    return stdout_flush(&err) ? fail(&err) : 0;
}

static int print_help(void)
{
    struct buf text = BUF_INIT;

    config_help(&text);
    printf("%s\noptions of the configuration:\n%s", arguments_usage, buf_str(&text));
    buf_release(&text);
    return flushed();
}

static int print_config(struct config *config)
{
    struct buf text = BUF_INIT;
    struct json_writer w;

    config_settle(config);
    json_writer_init(&w, &text);
    config_print(config, &w);
    printf("%s\n", buf_str(&text));
    buf_release(&text);
    return flushed();
}

static int print_version(void)
{
    printf("adrankd %s\n", ADRANK_VERSION);
    return flushed();
}

/* All of them, a line each. Keys and the file's name are the user's and may hold anything. */
static void print_problems(const char *file, const struct problems *problems)
{
    struct buf text = BUF_INIT;

    for (size_t i = 0; i < problems->n; i++) {
        const struct problem *problem = &problems->items[i];

        printable_add(&text, view_of(file));
        buf_add_str(&text, ": ");
        printable_add(&text, view_of(problem->pointer));
        buf_add_str(&text, *problem->pointer ? ": " : "");
        printable_add(&text, view_of(problem->detail));
        buf_add_str(&text, "\n");
    }
    if (problems->dropped) {
        printable_add(&text, view_of(file));
        buf_printf(&text, ": and %zu more\n", problems->dropped);
    }
    fputs(buf_str(&text), stderr);
    buf_release(&text);
}

/* The response of whatever listens there: it need not be adrankd. */
static void print_refusal(const char *path, const struct client_response *response)
{
    struct buf text = BUF_INIT;

    buf_printf(&text, "adrankd: %s: %d ", path, response->status);
    printable_add(&text, response->body);
    fprintf(stderr, "%s\n", buf_str(&text));
    buf_release(&text);
}

static int read_config(const struct arguments *arguments, struct config **out)
{
    struct arena arena;
    struct problems problems;
    struct err err;
    int rc;

    arena_init(&arena, 4096, 0);
    problems_init_bytes(&problems, &arena, MAX_PROBLEM_BYTES);
    rc = config_new(&(struct config_args){.file = arguments->config_file,
                                          .sets = arguments->sets,
                                          .n_sets = arguments->n_sets},
                    &problems, out, &err);
    print_problems(arguments->config_file ? arguments->config_file : "(defaults)", &problems);
    if (rc && !problems.n)
        fprintf(stderr, "adrankd: %s\n", err.text);
    arena_release(&arena);
    return rc ? err_exit_status(&err) : 0;
}

static int probe(const struct config *config, const char *path)
{
    struct http_client client;
    struct client_response response;
    struct err err;
    char address[ADDRESS_TEXT_BYTES];
    int rc = 1;

    address_to_dial(config->admin.address, address);
    if (http_client_init(&client, address, PROBE_MS, &err)) {
        fail(&err);
        return 1;
    }
    if (http_client_call(&client, &(struct http_request){.target = path}, &response, &err))
        fail(&err);
    else if (response.status == 200)
        rc = 0;
    else
        print_refusal(path, &response);
    http_client_release(&client);
    return rc;
}

/* What a start would say of them beyond their form: whether names resolve. */
static int check_addresses(const struct config *config)
{
    const struct {
        const char *pointer, *address;
    } all[] = {{"/http/address", config->http.address}, {"/admin/address", config->admin.address}};
    struct addresses addresses;
    struct err err;

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (addresses_resolve(&addresses, all[i].address, &err) == 0)
            continue;
        err_prefix(&err, "%s: %s", config->file, all[i].pointer);
        fprintf(stderr, "%s\n", err.text);
        return err_exit_status(&err);
    }
    return 0;
}

/* Async-signal-safe. Nobody may read the log any more: a full pipe is not waited for. */
static void on_forced_end(int number)
{
    static const char line[] = "adrankd: shutdown timed out: exit 70\n";
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};

    if (number != SIGALRM)
        _exit(128 + number);
    if (poll(&out, 1, 0) == 1 && (out.revents & POLLOUT))
        (void)!write(STDERR_FILENO, line, sizeof(line) - 1);
    _exit(ERR_INTERNAL);
}

/* Handlers even where the default would do the same: process 1 of a container has no default. */
static void force_ends(void)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGALRM};
    struct sigaction action = {.sa_handler = on_forced_end};

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        sigaction(numbers[i], &action, NULL);
}

/* With fewer than the daemon's own, libevent would end the process where it opens a loop. */
static int check_files(const struct config *config, struct err *err)
{
    const rlim_t want = MIN_FILES + MIN_FILES_OF_WORKER * (rlim_t)config->http.workers;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_max >= want)
        return 0;
    return err_set(err, ERR_UNAVAILABLE,
                   "only %llu open files are allowed, at least %llu are needed "
                   "(ulimit -Hn, LimitNOFILE=)",
                   (unsigned long long)limit.rlim_max, (unsigned long long)want);
}

static int serve(const struct arguments *arguments, struct config *config)
{
    struct err err;

    if (geteuid() == 0 && !arguments->allow_root) {
        config_unref(config);
        err_set(&err, ERR_USAGE, "will not run as root without --allow-root");
        return fail(&err);
    }
    if (check_files(config, &err)) {
        config_unref(config);
        return fail(&err);
    }
    force_ends();
    log_init(STDERR_FILENO, (enum log_level)config->log.level);
    return daemon_run(arguments, config, &err) ? fail(&err) : 0;
}

/* share/adrank/adrankd.json of the prefix that the program is installed in. */
static const char *installed_config(char *path, size_t size)
{
    ssize_t n = readlink("/proc/self/exe", path, size - 1);
    char *slash;

    if (n <= 0)
        return NULL;
    path[n] = '\0';
    for (int i = 0; i < 2; i++) {
        slash = strrchr(path, '/');
        if (!slash)
            return NULL;
        *slash = '\0';
    }
    if (strlen(path) + sizeof("/share/adrank/adrankd.json") > size)
        return NULL;
    strcat(path, "/share/adrank/adrankd.json");
    return access(path, R_OK) == 0 ? path : NULL;
}

static int run(struct arguments *arguments)
{
    char path[4096];
    struct config *config = NULL;
    int rc;

    if (!arguments->config_file)
        arguments->config_file = installed_config(path, sizeof(path));
    rc = read_config(arguments, &config);
    if (rc)
        return rc;
    switch (arguments->mode) {
    case MODE_SERVE:
        return serve(arguments, config);
    case MODE_CHECK_CONFIG:
        rc = check_addresses(config);
        break;
    case MODE_PRINT_CONFIG:
        rc = print_config(config);
        break;
    case MODE_PROBE_READY:
        rc = probe(config, "/readyz");
        break;
    case MODE_PROBE_LIVE:
        rc = probe(config, "/livez");
        break;
    default:
        break;
    }
    config_unref(config);
    return rc;
}

int main(int argc, char **argv)
{
    struct arguments arguments;
    struct err err;

    stdio_occupy();
    /* The libraries' allocators, before their first use: interposed malloc then reaches all. */
    json_set_alloc_funcs(model_json_malloc, model_json_free);
    event_set_mem_functions(malloc, realloc, free);
    /* Large blocks stay mappings, which go back to the system when they are freed: the threshold
     * that glibc would raise with each of them stays where it is. */
    mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);
    if (arguments_parse(argc, argv, &arguments, &err)) {
        fail(&err);
        fputs("try adrankd --help\n", stderr);
        return ERR_USAGE;
    }
    if (arguments.mode == MODE_HELP)
        return print_help();
    if (arguments.mode == MODE_VERSION)
        return print_version();
    return run(&arguments);
}
