/*
 * HTTP calls made in parts on a separate connection: open, send, receive, close. All of them FAIL
 * the test on an unexpected error.
 */
#ifndef TESTS_E2E_CLIENT_H
#define TESTS_E2E_CLIENT_H

#include <unistd.h>

#include "base/clock.h"
#include "client/http_client.h"
#include "tests/js.h"
#include "tests/test.h"

const char *client_text(struct view bytes); /* a copy, valid as long as those of tests/js.h */

/* The bytes of a POST /rank of body, with more header lines ("Name: value\r\n", "" for none). */
struct view client_post(const char *body, const char *headers);

/* Connects; calls have 30 s. */
void client_open(struct http_client *client, const char *address);
void client_send(struct http_client *client, struct view bytes);
/* A POST /rank on a new connection, not waiting for its answer. */
void client_open_rank(struct http_client *client, const char *address, const char *body);
/* The next answer; its body is valid until the next call. */
struct client_response client_answer(struct http_client *client);
/* Returns only its status. */
int client_receive(struct http_client *client);
/* The same, then closes the connection. */
int client_receive_and_close(struct http_client *client);
/* Closes with a TCP reset. */
void client_reset(struct http_client *client);

/* Waits up to 10 s for the condition; FAILs if it stays false. */
#define WAIT_FOR(condition) WAIT_FOR_MS(10000, condition)
#define WAIT_FOR_MS(ms_, condition)                                                                \
    do {                                                                                           \
        int64_t until_us_ = clock_now_us() + (ms_)*1000LL;                                         \
        while (!(condition)) {                                                                     \
            if (clock_now_us() > until_us_)                                                        \
                FAIL("not within %d ms: %s", ms_, #condition);                                     \
            usleep(2000);                                                                          \
        }                                                                                          \
    } while (0)

#endif
