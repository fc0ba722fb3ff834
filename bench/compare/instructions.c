/*
 * Instructions per request, counted by callgrind over the fixed requests, without a device:
 * ./adrank bench instructions BUILD [BUILD]. BUILD is a folder such as build/release; of two, their
 * ratio is printed, too. -m MODE: one of the modes only.
 *
 * One daemon per mode and build answers every request WARM_UP times, then in rounds between which
 * callgrind is asked for its counters: start-up and warming up do not count. The least of the
 * rounds is taken, since what runs beside (timers) only adds.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/compare/callgrind.h"
#include "bench/compare/instance.h"
#include "bench/compare/requests.h"
#include "bench/usage.h"

enum { MAX_BUILDS = 2 };

static const struct mode {
    const char *name, *what;
    const char *toggle; /* count inside this function only; NULL: everywhere */
    bool redis;
    int warm_up, rounds, per_round;
} modes[] = {
    {"host", "whole requests without a device", NULL, false, 16, 5, 16},
    {"stored", "the same with history from Redis", NULL, true, 16, 5, 16},
    {"decode", "decode_request() alone", "decode_request", false, 4, 1, 8},
};
enum { MODES = sizeof(modes) / sizeof(modes[0]) };

static double counts[MAX_BUILDS][COMPARE_MAX_REQUESTS];

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "bench-instructions: %s\n", what);
    exit(70);
}

static double executed(pid_t pid)
{
    double n = callgrind_executed(pid);

    if (n < 0)
        fail("callgrind_control does not answer");
    return n;
}

static void send_all(struct instance *instance, const struct compare_request *request, int n)
{
    struct client_response response;
    struct err err;

    for (int i = 0; i < n; i++)
        if (instance_rank(instance, request->body, &response, &err)) {
            err_prefix(&err, "%s", request->name);
            fail(err.text);
        }
}

static double count(struct instance *instance, const struct mode *mode,
                    const struct compare_request *request)
{
    double least = 0, before, n;

    send_all(instance, request, mode->warm_up);
    for (int i = 0; i < mode->rounds; i++) {
        before = executed(instance->pid);
        send_all(instance, request, mode->per_round);
        n = (executed(instance->pid) - before) / mode->per_round;
        least = i == 0 || n < least ? n : least;
    }
    return least;
}

static void run(const struct mode *mode, const char *build, const struct compare_requests *requests,
                double *out)
{
    char toggle[128];
    const char *prefix[] = {"valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                            mode->toggle ? toggle : NULL, NULL};
    const struct instance_args args = {.build = build,
                                       .model = "tests/golden/models/e2e",
                                       .null_backend = true,
                                       .redis = mode->redis,
                                       .prefix = prefix};
    struct instance instance;
    struct err err;

    snprintf(toggle, sizeof(toggle), "--toggle-collect=%s", mode->toggle ? mode->toggle : "");
    if (instance_start(&instance, &args, &err)) {
        instance_stop(&instance);
        fail(err.text);
    }
    for (int i = 0; i < requests->n; i++)
        if (requests->items[i].stored == mode->redis)
            out[i] = count(&instance, mode, &requests->items[i]);
    instance_stop(&instance);
}

static void print(const struct mode *mode, int n_builds, const struct compare_requests *requests)
{
    double most = 0, sum[MAX_BUILDS] = {0};

    printf("%s: instructions of %s\n", mode->name, mode->what);
    for (int i = 0; i < requests->n; i++) {
        if (requests->items[i].stored != mode->redis)
            continue;
        printf("  %-26s %6zu bytes", requests->items[i].name, requests->items[i].body.len);
        for (int b = 0; b < n_builds; b++) {
            printf(" %12.0f", counts[b][i]);
            sum[b] += counts[b][i];
        }
        if (n_builds == 2) {
            double ratio = counts[1][i] / counts[0][i];

            printf("  %.4f", ratio);
            most = ratio > most ? ratio : most;
        }
        printf("\n");
    }
    printf("  %-26s %6s      ", "sum", "");
    for (int b = 0; b < n_builds; b++)
        printf(" %12.0f", sum[b]);
    if (n_builds == 2)
        printf("  %.4f, at most %.4f", sum[1] / sum[0], most);
    printf("\n");
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static struct compare_requests requests;
    const char *only = usage_only(&argc, &argv);
    struct err err;
    int n_builds, status;

    status = usage_status(argc, argv, 1, MAX_BUILDS,
                          "usage: ./adrank bench instructions [-m MODE] BUILD [BUILD]\n");
    if (status >= 0)
        return status;
    n_builds = argc - 1;
    if (!callgrind_present()) {
        fprintf(stderr, "bench-instructions: no valgrind; apt-get install valgrind\n");
        return 69;
    }
    if (compare_requests_read(&requests, &err))
        fail(err.text);
    for (int m = 0; m < MODES; m++) {
        if (only && strcmp(only, modes[m].name) != 0)
            continue;
        for (int b = 0; b < n_builds; b++)
            run(&modes[m], argv[1 + b], &requests, counts[b]);
        print(&modes[m], n_builds, &requests);
    }
    compare_requests_release(&requests);
    return 0;
}
