/*
 * Whether two builds answer the fixed requests with the same bits: ./adrank bench answers BUILD
 * BUILD. Every member of an answer counts but for its times. Both run on this machine at once,
 * since the bits of a model's scores depend on the processor; kinds, backends and threads are tried
 * in turn. Exit status 1 when an answer differs.
 *
 * With one BUILD it prints its answers without a device, as tests/golden/answers.tsv keeps them.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/compare/instance.h"
#include "bench/compare/requests.h"
#include "bench/usage.h"

static const struct setting {
    const char *name, *model;
    bool null_backend, redis;
    int threads;
} settings[] = {
    {"no device", "tests/golden/models/e2e", true, false, 1},
    {"no device, history from Redis", "tests/golden/models/e2e", true, true, 1},
    {"prefix, one thread", "config/demo/model", false, false, 1},
    {"prefix, two threads", "config/demo/model", false, false, 2},
    {"prefix, history from Redis", "config/demo/model", false, true, 1},
    {"cross, one thread", "tests/golden/models/e2e", false, false, 1},
    {"cross, two threads", "tests/golden/models/e2e", false, false, 2},
    {"cross, golden template", "tests/golden/requests/cross", false, false, 1},
    {"another template", "tests/golden/requests/other-template", false, false, 1},
    {"two layers", "tests/golden/requests/two-layers", false, false, 1},
};
enum { SETTINGS = sizeof(settings) / sizeof(settings[0]), TRIES = 3 };

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "bench-answers: %s\n", what);
    exit(70);
}

/* The answer without its times, numbers to the last bit. NULL: not 200. */
static char *ask(struct instance *instance, const struct compare_request *request)
{
    struct client_response response;
    struct err err;
    json_t *answer;
    char *text;

    if (instance_rank(instance, request->body, &response, &err))
        fail(err.text);
    answer = json_loadb(response.body.ptr, response.body.len, 0, NULL);
    if (!answer)
        fail("an answer is not JSON");
    json_object_del(answer, "timing_us");
    if (strncmp(request->name, "empty", 5) == 0)
        json_object_del(answer, "id"); /* made up */
    text = json_dumps(answer, JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_decref(answer);
    return text;
}

/* What is read of the hour may change between two calls: asked again, it is the same. */
static bool same(struct instance *pair, const struct compare_request *request)
{
    for (int i = 0; i < TRIES; i++) {
        char *a = ask(&pair[0], request), *b = ask(&pair[1], request);
        bool equal = strcmp(a, b) == 0;

        if (!equal && i == TRIES - 1)
            printf("  %s differs:\n    %s\n    %s\n", request->name, a, b);
        free(a);
        free(b);
        if (equal)
            return true;
    }
    return false;
}

static int compare(const struct setting *setting, char **builds,
                   const struct compare_requests *requests)
{
    struct instance pair[2];
    int n = 0, different = 0;
    struct err err;

    for (int b = 0; b < 2; b++)
        if (instance_start(&pair[b],
                           &(struct instance_args){.build = builds[b],
                                                   .model = setting->model,
                                                   .null_backend = setting->null_backend,
                                                   .threads = setting->threads,
                                                   .redis = setting->redis},
                           &err))
            fail(err.text);
    for (int i = 0; i < requests->n; i++)
        if (requests->items[i].stored == setting->redis) {
            n++;
            different += !same(pair, &requests->items[i]);
        }
    for (int b = 0; b < 2; b++)
        instance_stop(&pair[b]);
    printf("%s: %d answers, %d differ\n", setting->name, n, different);
    fflush(stdout);
    return different;
}

/* What reads the clock is left out. */
static void print_answers(const char *build, const struct compare_requests *requests)
{
    struct instance instance;
    struct err err;

    if (instance_start(&instance,
                       &(struct instance_args){
                           .build = build, .model = settings[0].model, .null_backend = true},
                       &err))
        fail(err.text);
    for (int i = 0; i < requests->n; i++)
        if (!requests->items[i].stored && strcmp(requests->items[i].name, "local_time") != 0) {
            char *text = ask(&instance, &requests->items[i]);

            printf("%s\t%s\n", requests->items[i].name, text);
            free(text);
        }
    instance_stop(&instance);
}

int main(int argc, char **argv)
{
    static struct compare_requests requests;
    int different = 0, status;
    struct err err;

    status = usage_status(argc, argv, 1, 2, "usage: ./adrank bench answers BUILD [BUILD]\n");
    if (status >= 0)
        return status;
    if (compare_requests_read(&requests, &err))
        fail(err.text);
    if (argc == 2)
        print_answers(argv[1], &requests);
    for (int i = 0; argc == 3 && i < SETTINGS; i++)
        different += compare(&settings[i], argv + 1, &requests);
    compare_requests_release(&requests);
    return different != 0;
}
