/*
 * struct store_link: one connection to Redis, from dialling over AUTH and SELECT to its end. It
 * knows commands and replies, not requests; the session opens a new one when it has ended. A peer
 * that violates the protocol, or sends unexpected replies, is disconnected, so that no call gets
 * another call's reply. On the worker's loop.
 */
#ifndef SERVER_STORE_LINK_H
#define SERVER_STORE_LINK_H

#include "base/err.h"
#include "server/net/address.h"
#include "server/net/loop.h"
#include "server/store/command.h"

struct budget;
struct store_link;

/* All replies of a call; views are valid until on_answer returns. */
struct store_answer {
    uint64_t token; /* as handed to store_link_send() */
    const struct store_reply *replies;
    int n_replies;
    const struct store_reply *refusal; /* the first error that counts against the store, or NULL */
};

struct store_link_events {
    void (*on_ready)(void *arg);
    /* The link may not be ended from within. Answers that are missing at on_end never come. */
    void (*on_answer)(const struct store_answer *answer, void *arg);
    /* The link has ended and is freed after this returns. status: NONSENSE if the peer violated the
     * protocol, LATE if it was abandoned, NO_MEMORY, else DOWN. why is for the log. */
    void (*on_end)(struct store_link *link, enum store_status status, const char *why, void *arg);
    void *arg;
};

struct store_link_args {
    struct loop *loop;
    const struct address *address;
    struct view user, password; /* copied; without a password no AUTH */
    int database;
    int connect_ms;        /* for all of dialling, AUTH and SELECT */
    struct budget *memory; /* what replies take is charged to it; may be NULL */
    struct store_link_events events;
};

/* -1 if connecting cannot even start; on_end does not run then. */
int store_link_open(const struct store_link_args *args, struct store_link **out,
                    struct err *err) MUST_CHECK;
bool store_link_ready(const struct store_link *link);
/* Whether bytes have arrived that were not read yet. */
bool store_link_unread(struct store_link *link);
/* Bytes of a call's replies that are not complete. */
size_t store_link_held(const struct store_link *link);
/* All commands of a call, sent together; ready only. -1: out of memory, and nothing is sent. */
int store_link_send(struct store_link *link, const struct store_command *commands, int n_commands,
                    uint64_t token) MUST_CHECK;
/* Ends it immediately and calls on_end. */
void store_link_fail(struct store_link *link, enum store_status status, const char *why);
/* No more events; replies still on the way are dropped. link may be NULL. */
void store_link_close(struct store_link *link);

#endif
