/*
 * Times of the fixed requests on two builds, interleaved, without a device and on the processor:
 * ./adrank bench times OLD NEW.
 *
 * Both daemons run at once and are asked in turn, over one connection each: what the machine does
 * beside meets both. A round is the whole set on one and then on the other, the first of the two
 * alternating. Per mode the medians over the rounds are printed with the least and the most.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/quantile.h"
#include "bench/compare/instance.h"
#include "bench/compare/requests.h"
#include "bench/usage.h"

enum { ROUNDS = 21, WARM_UP = 20, BUILDS = 2 };

static const struct mode {
    const char *what, *model;
    bool null_backend, redis;
    int per_round; /* times that a request is sent in a round */
} modes[] = {
    {"whole requests without a device", "tests/golden/models/e2e", true, false, 20},
    {"the same with history from Redis", "tests/golden/models/e2e", true, true, 40},
    {"the demo's model on the processor", "config/demo/model", false, false, 4},
};
enum { MODES = sizeof(modes) / sizeof(modes[0]) };

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "bench-times: %s\n", what);
    exit(70);
}

/* Mean us of a request of the mode's set, each sent n times. */
static double mean_us(const struct mode *mode, const struct compare_requests *requests,
                      struct instance *instance, int n)
{
    const int64_t start_us = clock_now_us();
    struct client_response response;
    struct err err;
    int sent = 0;

    for (int i = 0; i < requests->n; i++) {
        if (requests->items[i].stored != mode->redis)
            continue;
        for (int k = 0; k < n; k++, sent++)
            if (instance_rank(instance, requests->items[i].body, &response, &err))
                fail(err.text);
    }
    return (double)(clock_now_us() - start_us) / sent;
}

static void print(const char *what, double *values)
{
    printf("  %-10s median %9.3f, least %9.3f, most %9.3f\n", what, quantile(values, ROUNDS, 0.5),
           quantile(values, ROUNDS, 0), quantile(values, ROUNDS, 1));
}

static void run(const struct mode *mode, const struct compare_requests *requests, char **builds)
{
    double us[BUILDS][ROUNDS], ratio[ROUNDS];
    struct instance instances[BUILDS] = {0};
    struct err err;

    for (int b = 0; b < BUILDS; b++) {
        const struct instance_args args = {.build = builds[b],
                                           .model = mode->model,
                                           .null_backend = mode->null_backend,
                                           .redis = mode->redis};

        if (instance_start(&instances[b], &args, &err))
            fail(err.text);
        mean_us(mode, requests, &instances[b], WARM_UP);
    }
    for (int i = 0; i < ROUNDS; i++) {
        for (int k = 0; k < BUILDS; k++) {
            const int b = (i + k) % BUILDS;

            us[b][i] = mean_us(mode, requests, &instances[b], mode->per_round);
        }
        ratio[i] = us[1][i] / us[0][i];
    }
    for (int b = 0; b < BUILDS; b++)
        instance_stop(&instances[b]);
    printf("%s: us a request\n", mode->what);
    print("OLD", us[0]);
    print("NEW", us[1]);
    print("NEW / OLD", ratio);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static struct compare_requests requests;
    struct err err;
    int status = usage_status(argc, argv, BUILDS, BUILDS, "usage: ./adrank bench times OLD NEW\n");

    if (status >= 0)
        return status;
    if (compare_requests_read(&requests, &err))
        fail(err.text);
    for (int m = 0; m < MODES; m++)
        run(&modes[m], &requests, argv + 1);
    compare_requests_release(&requests);
    return 0;
}
