/*
 * ./adrank bench decode [FILE]: decoding of a /rank body with all checks, and jansson's bare parse
 * of the same bytes, in interleaved rounds of one run; medians. Only the two calls are timed.
 *
 * FILE is a body; by default one is generated: 100 candidates with a text, 50 behaviours, half of
 * the texts Chinese, every eighth with escapes.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "adrank/decode.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/quantile.h"
#include "bench/usage.h"

#define ROUNDS 21
#define CALLS 400

static const char *const texts[] = {
    "Trail shoes, light",
    "\xe8\xb6\x8a\xe9\x87\x8e\xe8\xb7\x91\xe9\x9e\x8b\xe8\xbd\xbb\xe4\xbe\xbf",
    "Steel kettle 1.7 l",
    "\xe7\x94\xb5\xe7\x83\xad\xe6\xb0\xb4\xe5\xa3\xb6\xe4\xb8\x8d\xe9\x94\x88\xe9\x92\xa2",
    "Rain jacket, men",
    "\xe9\x98\xb2\xe6\xb0\xb4\xe5\x86\xb2\xe9\x94\x8b\xe8\xa1\xa3\xe7\x94\xb7",
    "Desk lamp \\\"Luna\\\"",
    "\\u53f0\\u706f\\n\xe6\x8a\xa4\xe7\x9c\xbc",
};

static void make_body(struct buf *out)
{
    static const char *const types[] = {"view", "click", "cart", "buy", "search"};

    buf_printf(
        out, "{\"id\":\"r-1\",\"tmax\":50,\"user\":{\"id\":\"u42\"},\"device\":{\"devicetype\":4,"
             "\"os\":\"android\",\"language\":\"en\",\"geo\":{\"country\":\"DEU\",\"city\":\"BER\","
             "\"utcoffset\":60}},\"site\":{\"domain\":\"shop.example\",\"cat\":[\"IAB22\"],"
             "\"search\":\"trail shoes\"},\"imp\":[{\"id\":\"1\",\"tagid\":\"home-top\","
             "\"bidfloor\":0.30}],\"rank\":{\"top_n\":3,\"behaviour\":[");
    for (int i = 0; i < 50; i++)
        buf_printf(out, "%s{\"t\":%lld,\"type\":\"%s\",\"item\":\"sku%d\",\"text\":\"%s\"}",
                   i ? "," : "", 1790000000000LL + i * 977, types[i % 5], i * 37, texts[i % 8]);
    buf_printf(out, "],\"candidates\":[");
    for (int i = 0; i < 100; i++)
        buf_printf(out, "%s{\"adid\":\"a%d\",\"bid\":%.2f,\"text\":\"%s\"}", i ? "," : "", i * 13,
                   0.5 + i * 0.01, texts[i % 8]);
    buf_printf(out, "]}}");
}

static void fail(const char *what)
{
    fprintf(stderr, "bench/decode: %s\n", what);
    exit(70);
}

static double time_decode(struct view body, struct arena *arena)
{
    const struct decode_limits limits = {
        .max_imps = 16, .max_candidates = 200, .max_behaviour = 100, .max_top_n = 50};
    int64_t start = clock_now_us();

    for (int i = 0; i < CALLS; i++) {
        struct impression_request request;
        struct problems problems;
        bool truncated;

        problems_init(&problems, arena, 8);
        if (decode_request(body, &limits, arena, &request, &truncated, &problems))
            fail(problems.n ? problems.items[0].detail : "not decoded");
        arena_reset(arena, SIZE_MAX);
    }
    return (double)(clock_now_us() - start) / CALLS;
}

static double time_jansson(struct view body)
{
    int64_t start = clock_now_us();

    for (int i = 0; i < CALLS / 8; i++) {
        json_t *root = json_loadb(body.ptr, body.len, JSON_REJECT_DUPLICATES, NULL);

        if (!root)
            fail("jansson refuses the body");
        json_decref(root);
    }
    return (double)(clock_now_us() - start) / (CALLS / 8);
}

int main(int argc, char **argv)
{
    double ours[ROUNDS], theirs[ROUNDS], a, b;
    struct buf body = BUF_INIT;
    struct arena arena;
    struct err err;
    int status;

    status = usage_status(argc, argv, 0, 1, "usage: ./adrank bench decode [FILE]\n");
    if (status >= 0)
        return status;
    if (argc > 1 ? file_read(argv[1], 1 << 20, &body, &err) : 0)
        fail(err.text);
    if (argc <= 1)
        make_body(&body);
    memset(buf_reserve(&body, DECODE_PADDING), 0, DECODE_PADDING);
    arena_init(&arena, 64 << 10, 0);
    for (int i = 0; i < ROUNDS; i++) {
        ours[i] = time_decode(buf_view(&body), &arena);
        theirs[i] = time_jansson(buf_view(&body));
    }
    a = quantile(ours, ROUNDS, 0.5);
    b = quantile(theirs, ROUNDS, 0.5);
    printf("body %zu bytes: decode %.2f us (%.2f GB/s), jansson %.1f us, ratio %.1f\n", body.len, a,
           (double)body.len / a / 1e3, b, b / a);
    arena_release(&arena);
    buf_release(&body);
    return 0;
}
