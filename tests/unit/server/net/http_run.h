/*
 * A request fed to the reader in pieces: for its unit test and its fuzz target. Held bytes are in
 * an allocation of exactly their size, so that a sanitizer detects a read past the end.
 */
#ifndef TESTS_HTTP_RUN_H
#define TESTS_HTTP_RUN_H

#include <stdlib.h>

#include "base/rng.h"
#include "server/net/http_reader.h"

struct http_run {
    struct http_reader reader;
    enum http_progress last;
    int heads;
    char *held; /* the caller frees it */
    size_t len;
};

static void http_run_begin(struct http_run *run, const struct http_reader_limits *limits)
{
    *run = (struct http_run){.last = HTTP_MORE};
    http_reader_init(&run->reader, limits);
}

static void http_run_feed(struct http_run *run, const void *bytes, size_t n)
{
    run->held = realloc(run->held, run->len + n);
    memcpy(run->held + run->len, bytes, n);
    run->len += n;
    if (run->last == HTTP_DONE)
        return; /* belongs to the next request */
    while ((run->last = http_reader_run(&run->reader, run->held, &run->len)) == HTTP_HEAD)
        run->heads++;
}

/* Pieces of at most `most` bytes: of random sizes with rng, else of that size. */
static void http_run_all(struct http_run *run, struct view bytes, size_t most, struct rng *rng)
{
    for (size_t at = 0, n; at < bytes.len; at += n) {
        n = bytes.len - at < most ? bytes.len - at : most;
        n = rng ? 1 + (size_t)rng_below(rng, n) : n;
        http_run_feed(run, bytes.ptr + at, n);
    }
}

#endif
