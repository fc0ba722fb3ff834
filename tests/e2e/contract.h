/*
 * What the tests of CONTRACT 3 share: bytes on a connection of one's own with what must come back
 * and what must become of the connection, and answers that are taken apart by a second JSON parser
 * and checked as a whole.
 *
 * JSON is written with ' for ". What these functions return stays valid for the next dozens of
 * calls.
 */
#ifndef TESTS_E2E_CONTRACT_H
#define TESTS_E2E_CONTRACT_H

#include <jansson.h>

#include "tests/e2e/client.h"
#include "tests/e2e/driver.h"
#include "tests/test.h"

/* A TEST named row__case: a case of contract_rows.c. */
#define CONTRACT_TEST(row, case_) TEST(row##__##case_)

/* A daemon that most cases of a file share: that it answers the good request right after each is
 * what they show. A file that starts it closes with CONTRACT_DAEMON_ENDS. */
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
    const char *header; /* a line, without its end; NULL: none asked for */
    bool closed;        /* else kept, and the next request on it is answered right */
};

#define CONTRACT_OK (&(struct contract_want){.status = 200})
#define CONTRACT_REFUSES(status_, code_)                                                           \
    (&(struct contract_want){.status = (status_), .code = (code_)})
#define CONTRACT_CLOSES(status_, code_)                                                            \
    (&(struct contract_want){.status = (status_), .code = (code_), .closed = true})

/* Sends bytes on a new connection and checks what comes. Then the good request is answered right:
 * on the same connection where it is kept, else on a new one. The answer's body (text). */
const char *contract_expect(struct driver *d, struct view bytes, const struct contract_want *want);

/* The same in parts: open, send, receive and check. */
const char *contract_receive(struct http_client *client, const struct contract_want *want);
/* What must become of the connection, and the good request. Closes client. */
void contract_end(struct driver *d, struct http_client *client, bool closed);

/* A request whose answer is known: 200, both ads, their order, the very same scores in every call.
 */
void contract_good(struct driver *d);
void contract_good_on(struct http_client *client);

/* ---- answers --------------------------------------------------------------------------------- */

/* POST /rank, 200, and everything that CONTRACT 3 has of an answer: fields and their types, order,
 * ecpm from pctr and bid, bounds. */
json_t *contract_rank(struct driver *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same of a body that came otherwise. */
json_t *contract_answer(const char *body);

/* The pointer of the only error of a 422. */
const char *contract_refused_at(struct driver *d, const char *body);

/* "a1 a3" in the order of the results; impid NULL: of all. */
const char *answer_ads(const json_t *answer, const char *impid);
double answer_pctr(const json_t *answer, const char *impid, const char *adid); /* FAILs without */
double answer_ecpm(const json_t *answer, const char *impid, const char *adid);
int answer_size(const json_t *answer);             /* how many results */
const char *answer_degraded(const json_t *answer); /* "features privacy", "" for none */
int answer_filtered(const json_t *answer, const char *reason);
int answer_timing(const json_t *answer, const char *stage);
/* Every result's source. */
void answer_check_source(const json_t *answer, const char *source);
/* Both score the same ads bit for bit alike; or not all of them. */
bool answer_same_scores(const json_t *a, const json_t *b);

/* adrank_NAME{label="value"} now; 0 before its first sample. */
double contract_metric(struct driver *d, const char *name, const char *label, const char *value);

#endif
