/* The rows of test_e2e_options, and helpers for their checks. */
#ifndef TESTS_E2E_OPTIONS_H
#define TESTS_E2E_OPTIONS_H

#include "tests/e2e/driver.h"
#include "tests/redis.h"
#include "tests/test.h"

struct option_case {
    const char *pointer;      /* "/rank/top_n" */
    const char *to;           /* JSON with ' for " */
    bool (*seen)(void);       /* checks option_driver; NULL: checks an answer, as follows */
    const char *body, *bytes; /* JSON with ' for ", default one ad; or raw bytes; */
    const char *target;       /* or a GET of the admin address */
    int status;               /* the check expects this status, */
    const char *degraded;     /* or this mark, */
    const char *at, *is;      /* or this text at a pointer, */
    size_t n_results;         /* or this many results */
    const char *with;         /* an overlay of driver_config(), before and after; NULL: none */
    const char *env[3];       /* of the daemon */
    const char *const *redis; /* arguments of a redis-server for this row */
    bool ends;                /* seen() ends the daemon */
};

extern const struct option_case option_cases[];
extern const int n_option_cases;

extern struct driver option_driver;
extern struct redis option_redis;

int option_silent_port(void); /* listens from the first call on */
bool option_seen(const struct option_case *row);
/* Whether seen() becomes true within this time. */
bool option_within(int ms, bool (*seen)(void));

#endif
