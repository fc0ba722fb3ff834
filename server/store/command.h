/*
 * A command to Redis, its reply, and how a call of several commands ends: what goes into the store
 * and what comes out of it. Neutral: nothing here knows a client library or what is stored.
 *
 * Replies are those of RESP2: nil, an error, a status line, an integer, a string, or a flat array
 * of these. An array in an array is refused.
 */
#ifndef SERVER_STORE_COMMAND_H
#define SERVER_STORE_COMMAND_H

#include <stdint.h>

#include "base/view.h"

enum store_reply_type {
    STORE_NIL,
    STORE_ERROR,
    STORE_STATUS,
    STORE_INTEGER,
    STORE_STRING,
    STORE_ARRAY
};

struct store_reply {
    enum store_reply_type type;
    int n; /* ARRAY: its elements; else 0 */
    union {
        struct view text; /* ERROR, STATUS, STRING */
        int64_t integer;
        const struct store_reply *elements; /* (n) */
    };
};

/*
 * What a command may be answered with, other than an error; usually a constant. Any other reply is
 * a protocol violation: later replies cannot be attributed, so the connection ends.
 */
struct store_expected {
    unsigned types;        /* 1u << STORE_... of the reply */
    unsigned elements;     /* the same of an array's elements */
    const char *otherwise; /* logged when it is something else */
    /* Code of the error that only concerns the key ("WRONGTYPE"), not the store; every other error
     * counts against the store. May be NULL. */
    const char *key_error;
};

struct store_command {
    const struct view *args; /* (n_args) its name first; copied */
    int n_args;
    const struct store_expected *expected; /* NULL: any reply. Valid until the reply arrives */
    /* Bounds. An array of more elements ends the connection; so do replies of a call that are
     * longer, together, than 4 MiB and than what max_elements of max_element_bytes need. */
    int max_elements;
    size_t max_element_bytes;
};

enum store_status {
    STORE_OK,        /* every command has a reply; errors are replies */
    STORE_NONE,      /* no store is configured */
    STORE_LATE,      /* not all replies came in time */
    STORE_DOWN,      /* not connected, or the breaker is open: returned immediately */
    STORE_BUSY,      /* max_in_flight calls are out: returned immediately */
    STORE_NONSENSE,  /* not RESP2, or not what was expected */
    STORE_NO_MEMORY, /* for the commands or for their replies */
    STORE_STATUSES
};

/* Whether it is an error with that code: "WRONGTYPE ..." for "WRONGTYPE". */
static inline bool store_reply_is_error(const struct store_reply *reply, const char *code)
{
    const size_t n = strlen(code);

    return reply->type == STORE_ERROR && reply->text.len >= n &&
           memcmp(reply->text.ptr, code, n) == 0;
}

/* Its bytes on the wire. */
size_t command_bytes(const struct view *args, int n_args);
/* As RESP2 at `at`; returns its end. */
char *command_write(char *at, const struct view *args, int n_args);

#endif
