/*
 * struct greeting: the first commands on a connection, AUTH if there is a password, and SELECT,
 * sent together. Pure. The memory that holds the password is wiped on release.
 */
#ifndef SERVER_STORE_GREETING_H
#define SERVER_STORE_GREETING_H

#include "base/err.h"
#include "server/store/command.h"

#define GREETING_WHY_BYTES 192

struct greeting {
    struct view bytes;    /* as they are sent */
    struct view password; /* in them; empty: no AUTH */
    int n_commands;
};

/* Everything is copied. -1: out of memory. */
int greeting_init(struct greeting *greeting, struct view user, struct view password,
                  int database) MUST_CHECK;
void greeting_release(struct greeting *greeting);

/* Checks the reply to the i-th command: STORE_OK, or DOWN or NONSENSE with why, which never
 * contains the password. */
enum store_status greeting_check(const struct greeting *greeting, int i,
                                 const struct store_reply *reply, char why[GREETING_WHY_BYTES]);

#endif
