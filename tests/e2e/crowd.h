/*
 * Many concurrent clients, each sending the same bytes, to test what a crowd may cost.
 * Single-threaded; responses are read and counted by status, or left unread in the kernel.
 */
#ifndef TESTS_E2E_CROWD_H
#define TESTS_E2E_CROWD_H

#include <stdbool.h>

#include "base/view.h"

struct crowd_client {
    int fd; /* -1: closed by the server, or never connected */
    size_t sent;
    int status; /* of the first answer; 0: none yet */
};

struct crowd {
    struct crowd_client *clients;
    int n;
    struct view bytes; /* what each sends */
    bool reads;        /* read answers: a client is done after its first one */
    int receive_bytes; /* SO_RCVBUF; 0: the kernel's */
};

/* address: "127.0.0.1:port". FAILs if a client cannot connect. The crowd owns clients; the caller
 * keeps bytes. */
void crowd_open(struct crowd *crowd, const char *address, int n);
/* Sends and reads for at most ms; returns whether nothing is left to do. */
bool crowd_run(struct crowd *crowd, int ms);
int crowd_count(const struct crowd *crowd, int status);
void crowd_close(struct crowd *crowd);

#endif
