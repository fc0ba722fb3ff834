/*
 * Shared by the tests of CONTRACT 3: raw exchanges, checked for the response and for what happens
 * to the connection, and answers parsed by a second JSON parser and checked completely.
 *
 * In JSON, ' stands for ". Returned strings stay valid for dozens of further calls.
 */
#ifndef TESTS_E2E_CONTRACT_H
#define TESTS_E2E_CONTRACT_H

#include <jansson.h>

#include "tests/e2e/client.h"
#include "tests/e2e/driver.h"
#include "tests/test.h"

/* A TEST named row__case: a case of contract_rows.c. */
#define CONTRACT_TEST(row, case_) TEST(row##__##case_)

/* A daemon that most cases of a file share: each case shows that it still answers the good request
 * correctly. A file that starts it closes with CONTRACT_DAEMON_ENDS. */
struct driver *shared(void);
/* Its answer for two ads, a1 and a3, in a context of these members (", 'x':..."). */
json_t *in_context(const char *members);
#define CONTRACT_DAEMON_ENDS(name)                                                                 \
    TEST(name##__the_daemon_ends_well)                                                             \
    {                                                                                              \
        contract_good(shared());                                                                   \
        CHECK_INT(driver_stop(shared()), 0);                                                       \
    }

/* ---- bytes ----------------------------------------------------------------------------------- */

struct contract_want {
    int status;
    const char *code;   /* of the problem; NULL: the answer is a 200 of the contract */
    const char *header; /* a line, without its end; NULL: not checked */
    bool closed;        /* else kept, and the next request on it is answered correctly */
};

#define CONTRACT_OK (&(struct contract_want){.status = 200})
#define CONTRACT_REFUSES(status_, code_)                                                           \
    (&(struct contract_want){.status = (status_), .code = (code_)})
#define CONTRACT_CLOSES(status_, code_)                                                            \
    (&(struct contract_want){.status = (status_), .code = (code_), .closed = true})

/* Sends bytes on a new connection and checks the response. Then the good request must be answered
 * correctly: on the same connection if it is kept, else on a new one. Returns the response's body.
 */
const char *contract_expect(struct driver *d, struct view bytes, const struct contract_want *want);

/* The same in parts: open, send, receive and check. */
const char *contract_receive(struct http_client *client, const struct contract_want *want);
/* Checks the state of the connection, then the good request. Closes client. */
void contract_end(struct driver *d, struct http_client *client, bool closed);

/* A request whose answer is known: 200, both ads, their order, identical scores in every call.
 */
void contract_good(struct driver *d);
void contract_good_on(struct http_client *client);

/* ---- answers --------------------------------------------------------------------------------- */

/* POST /rank, 200, and everything CONTRACT 3 requires of an answer: fields and their types, order,
 * ecpm from pctr and bid, bounds. */
json_t *contract_rank(struct driver *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same for a body received in another way. */
json_t *contract_answer(const char *body);

/* The pointer of the only error of a 422. */
const char *contract_refused_at(struct driver *d, const char *body);

/* "a1 a3" in the order of the results; impid NULL: of all. */
const char *answer_ads(const json_t *answer, const char *impid);
double answer_pctr(const json_t *answer, const char *impid, const char *adid); /* FAILs if absent */
double answer_ecpm(const json_t *answer, const char *impid, const char *adid);
int answer_size(const json_t *answer);             /* number of results */
const char *answer_degraded(const json_t *answer); /* "features privacy", "" for none */
int answer_filtered(const json_t *answer, const char *reason);
int answer_timing(const json_t *answer, const char *stage);
/* Every result's source. */
void answer_check_source(const json_t *answer, const char *source);
/* Returns whether both give the same ads bit-identical scores. */
bool answer_same_scores(const json_t *a, const json_t *b);

/* The current adrank_NAME{label="value"}; 0 before its first sample. */
double contract_metric(struct driver *d, const char *name, const char *label, const char *value);

#endif
