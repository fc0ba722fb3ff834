/*
 * Whether two builds compute the same bits: ./adrank bench scores OLD NEW, folders such as
 * build/release. Every model at hand scores the same pairs of texts and the fixed requests with
 * "adrank-model score" of either build, by precision, provider and threads. It prints 9 digits,
 * which name a float; a request's logit is the difference of two where the model has two labels.
 * Exit status 1 when a line differs or a build does not compute it.
 *
 * build/minilm-classifier is made by the test golden_minilm, and left out where it is not there.
 */
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/compare/requests.h"
#include "bench/usage.h"

static const struct fixture {
    const char *dir;
    bool requests; /* else pairs of texts alone, of which the second may be empty */
    int step;      /* every step-th pair */
} fixtures[] = {
    {"config/demo/model", true, 1},
    {"tests/golden/models/e2e", true, 1},
    {"tests/golden/requests/cross", true, 1},
    {"tests/golden/requests/other-template", true, 1},
    {"tests/golden/requests/two-layers", true, 1},
    {"tests/golden/logits/deep", false, 1},
    {"tests/golden/logits/five-heads", false, 1},
    {"tests/golden/logits/long", false, 1},
    {"tests/golden/logits/odd-sizes", false, 1},
    {"tests/golden/logits/one-head", false, 1},
    {"tests/golden/logits/one-layer", false, 1},
    {"tests/golden/logits/seven-heads", false, 1},
    {"tests/golden/logits/three-heads", false, 1},
    {"tests/golden/logits/twelve-heads", false, 1},
    {"build/minilm-classifier", false, 11},
};

static const struct setting {
    const char *options;
    int every; /* of the fixtures' steps */
} settings[] = {
    {"--precision f32 --threads 1", 1},
    {"--precision f32 --threads 2", 1},
    {"--precision bf16 --threads 1", 1},
    {"--precision bf16 --threads 2", 1},
    {"--precision f32 --threads 1 --linear plain", 7},
    {"--precision bf16 --threads 2 --linear plain", 7},
};

#define LENGTH(array) ((int)(sizeof(array) / sizeof((array)[0])))
enum { PAIRS = 240, LINE_BYTES = 1 << 20 };

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "bench-scores: %s\n", what);
    exit(70);
}

/* ---- input ----------------------------------------------------------------------------------- */

static unsigned drawn;

static unsigned draw(unsigned n)
{
    drawn = drawn * 1664525u + 1013904223u;
    return (drawn >> 8) % n;
}

/* English, Chinese or both, n words. */
static void put_words(FILE *out, int n, unsigned language)
{
    static const char *const words[2][12] = {
        {"trail", "running", "shoes", "sofa", "in", "green", "velvet", "Paperback,", "novel",
         "unbelievable", "7.5cm", "e-mail"},
        {"悬疑小说", "平装", "跑步", "鞋", "绿色", "天鹅绒", "沙发", "北京", "，", "手机", "便宜的",
         "二手"},
    };

    for (int i = 0; i < n; i++) {
        unsigned l = language == 2 ? draw(2) : language;

        fprintf(out, "%s%s", i > 0 && l == 0 ? " " : "", words[l][draw(12)]);
    }
}

static void put_pair(FILE *out, const struct fixture *fixture, int i)
{
    static const int lengths[][2] = {{1, 1},  {4, 0},   {0, 3},    {6, 9},   {12, 4},
                                     {40, 8}, {30, 60}, {120, 20}, {5, 300}, {700, 700}};
    const int *n = lengths[i % LENGTH(lengths)];

    drawn = (unsigned)i;
    fprintf(out, "{\"text\":\"");
    put_words(out, n[0], draw(3));
    fprintf(out, "\",\"text_pair\":\"");
    put_words(out, n[1] || !fixture->requests ? n[1] : 2, draw(3));
    fprintf(out, "\"}\n");
}

/* Those without candidates, or with unknown ones, are no requests to score. */
static bool to_score(const struct compare_request *request)
{
    static const char *const left_out[] = {"empty", "catalog_ads", "unknown_adids"};

    for (int i = 0; i < LENGTH(left_out); i++)
        if (strcmp(request->name, left_out[i]) == 0)
            return false;
    return true;
}

/* Every pair occurs twice, the second time in another order, so at other places of other batches.
 */
static void write_input(const char *path, const struct fixture *fixture, int step,
                        const struct compare_requests *requests)
{
    FILE *out = fopen(path, "w");

    if (!out)
        fail(path);
    for (int i = 0; i < PAIRS; i += step)
        put_pair(out, fixture, i);
    for (int i = 0; i < PAIRS; i += step)
        put_pair(out, fixture, i * 7 % PAIRS);
    for (int i = 0; fixture->requests && i < requests->n; i += step)
        if (to_score(&requests->items[i]))
            fprintf(out, "{\"now_ms\":1700000000000,\"request\":%.*s}\n",
                    (int)requests->items[i].body.len, requests->items[i].body.ptr);
    if (fclose(out))
        fail(path);
}

/* ---- comparison ------------------------------------------------------------------------------ */

static FILE *start(const char *build, const struct fixture *fixture, const char *options,
                   const char *input)
{
    char command[4 * PATH_MAX];
    FILE *out;

    snprintf(command, sizeof(command),
             "exec '%s/bin/adrank-model' score '%s' %s --catalog " COMPARE_FOLDER
             "/catalog.jsonl <'%s'",
             build, fixture->dir, options, input);
    out = popen(command, "r");
    if (!out)
        fail("popen");
    return out;
}

/* How many lines of the two streams differ; -1: one build wrote fewer, or failed. */
static int compare(FILE *streams[2], int *n)
{
    static char lines[2][LINE_BYTES];
    int different = 0;
    bool more[2];

    for (*n = 0;; (*n)++) {
        for (int b = 0; b < 2; b++)
            more[b] = fgets(lines[b], LINE_BYTES, streams[b]) != NULL;
        if (!more[0] || !more[1])
            break;
        different += strcmp(lines[0], lines[1]) != 0;
    }
    for (int b = 0; b < 2; b++)
        if (pclose(streams[b]) || more[b])
            different = -1;
    return different;
}

static bool run(char **builds, const struct fixture *fixture, const struct setting *setting,
                const char *input)
{
    FILE *streams[2];
    int n, different;

    for (int b = 0; b < 2; b++)
        streams[b] = start(builds[b], fixture, setting->options, input);
    different = compare(streams, &n);
    printf("%-38s %-44s %5d lines, ", fixture->dir, setting->options, n);
    if (different < 0)
        printf("a build failed\n");
    else
        printf("%d differ\n", different);
    fflush(stdout);
    return different == 0 && n > 0;
}

int main(int argc, char **argv)
{
    static struct compare_requests requests;
    char input[] = "/tmp/adrank-scores-XXXXXX";
    int different = 0, runs = 0, status, fd;
    struct err err;

    status = usage_status(argc, argv, 2, 2, "usage: ./adrank bench scores OLD NEW\n");
    if (status >= 0)
        return status;
    if (compare_requests_read(&requests, &err))
        fail(err.text);
    fd = mkstemp(input);
    if (fd == -1)
        fail(input);
    close(fd);
    for (int f = 0; f < LENGTH(fixtures); f++) {
        if (access(fixtures[f].dir, F_OK)) {
            printf("%-38s not there, left out\n", fixtures[f].dir);
            continue;
        }
        for (int s = 0; s < LENGTH(settings); s++, runs++) {
            write_input(input, &fixtures[f], fixtures[f].step * settings[s].every, &requests);
            different += !run(argv + 1, &fixtures[f], &settings[s], input);
        }
    }
    unlink(input);
    compare_requests_release(&requests);
    printf("%d of %d comparisons differ\n", different, runs);
    return different != 0;
}
