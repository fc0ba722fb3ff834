/* HTTP messages as hostile and broken clients send them. */
#ifndef TESTS_STORM_MESSAGE_H
#define TESTS_STORM_MESSAGE_H

#include "tests/storm/body.h"

struct message {
    char id[40];  /* its X-Request-Id */
    size_t end;   /* offset of its end in the whole */
    bool plain;   /* good HTTP: it gets one answer, with its id */
    bool head;    /* a HEAD */
    bool closes;  /* nothing may be sent after it */
    bool ranking; /* a plain POST /rank */
};

/* Appends a message. admin: for that listener, without calls that stop or change the daemon. */
void message_make(const struct body_seeds *seeds, struct rng *rng, bool admin,
                  struct message *message, struct buf *out);

#endif
