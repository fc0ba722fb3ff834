/*
 * struct features_link: one connection to Redis, from dialling over AUTH and SELECT to its end. It knows commands and
 * replies, not requests; the client (features.c) makes a new one when one has ended. On the worker's loop.
 * Private to server/features.
 */
#ifndef SERVER_STORE_LINK_H
#define SERVER_STORE_LINK_H

#include "base/err.h"
#include "base/redis_url.h"
#include "base/view.h"
#include "server/net/loop.h"
#include "server/store/features.h"

struct budget;
struct redisReply;
struct features_link;

struct features_link_events {
    void (*on_ready)(struct features_link *link, void *arg);
    /* A command's reply; token as handed to features_link_send. Replies that are missing at on_end never come. */
    void (*on_reply)(struct features_link *link, uint64_t token, const struct redisReply *reply,
                     void *arg);
    /* It is over; the link is freed when this returns. status: NONSENSE when the peer broke the protocol, LATE when it
     * was given up, else DOWN. why is for the log. */
    void (*on_end)(struct features_link *link, enum features_status status, const char *why,
                   void *arg);
    void *arg;
};

struct features_link_args {
    struct loop *loop;
    const struct redis_url *url;
    const char *address;        /* numeric; not used with a UNIX socket */
    struct view user, password; /* copied */
    int database;
    int connect_ms;        /* for all of dialling, AUTH and SELECT */
    int max_elements;      /* of a reply */
    struct budget *memory; /* what replies take is charged to it; NULL: nothing is */
    struct features_link_events events;
};

/* -1 when it cannot even be tried; on_end does not run then. */
int features_link_open(const struct features_link_args *args, struct features_link **out,
                       struct err *err) MUST_CHECK;
/* Whether the kernel holds bytes of it that were not read yet. */
bool features_link_unread(const struct features_link *link);
bool features_link_ready(const struct features_link *link);
/* Bytes of a reply that is not complete. */
size_t features_link_held(const struct features_link *link);
/* One command, already in the protocol's form (copied), that is answered with max_elements at most. -1: the link is
 * ending. */
int features_link_send(struct features_link *link, struct view command, int max_elements,
                       uint64_t token);
/* Ends it now, on_end included; from within on_reply, too. */
void features_link_fail(struct features_link *link, enum features_status status, const char *why);
/* No more events; replies still on the way are thrown away. NULL is legal. */
void features_link_close(struct features_link *link);

#endif
