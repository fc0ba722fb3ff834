/*
 * Many clients at once, each with bytes of its own to send, for tests of what a crowd may cost. One
 * thread; what comes back is read and counted by status, or left with the kernel.
 */
#ifndef TESTS_E2E_CROWD_H
#define TESTS_E2E_CROWD_H

#include <stdbool.h>

#include "base/view.h"

struct crowd_client {
    int fd; /* -1: the server closed it, or it was never connected */
    size_t sent;
    int status; /* of the first answer; 0: none came */
};

struct crowd {
    struct crowd_client *clients;
    int n;
    struct view bytes; /* what each sends */
    bool reads;        /* answers are read: a client is done with its first one */
    int receive_bytes; /* SO_RCVBUF; 0: the kernel's */
};

/* "127.0.0.1:port". FAILs where a client cannot connect. clients is the crowd's; bytes stay the
 * caller's. */
void crowd_open(struct crowd *crowd, const char *address, int n);
/* Sends and reads for at most ms, or until there is nothing more to do; whether that was so. */
bool crowd_run(struct crowd *crowd, int ms);
int crowd_count(const struct crowd *crowd, int status);
void crowd_close(struct crowd *crowd);

#endif
