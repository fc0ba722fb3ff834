/*
 * A link's own state, shared by its parts: link.c (its life and its commands), greeting.c (AUTH and SELECT),
 * reply_bounds.c (what may come back). Nobody else includes it.
 */
#ifndef SERVER_STORE_LINK_STATE_H
#define SERVER_STORE_LINK_STATE_H

#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#include "base/budget.h"
#include "server/store/link.h"

struct features_link {
    struct loop *loop;
    redisAsyncContext *redis;        /* its data is the link, NULL once let go */
    struct loop_watch reads, writes; /* of its descriptor */
    bool *freed;                     /* of the handler that runs: set when the link goes */
    struct timer timer;              /* connect_ms */
    struct features_link_events events;

    /* Until it is ready. */
    bool ready, greeting_failed;
    struct view greeting; /* AUTH and SELECT in the protocol's form, a secret */
    size_t auth_len;      /* of AUTH in it; 0: none */
    struct view password; /* in it: never to be logged */

    /* What may come back; see reply_bounds.c. */
    int owed; /* commands that are not answered */
    int max_elements;
    size_t max_bytes;
    size_t object_bytes;   /* of the reply that is being put together */
    const char *broken;    /* why the reader was stopped; NULL: it was not */
    struct budget *memory; /* NULL: nothing is charged */
    int64_t charged_bytes;
    redisReplyObjectFunctions *plain,
        bounded; /* what hiredis makes replies with, and what stands before it */
};

/* greeting.c */

int greeting_write(struct features_link *link, const struct features_link_args *args);
/* Connected: sends it; on_ready or on_end follow. -1: out of memory. */
int greeting_send(struct features_link *link);

/* reply_bounds.c */

/* Before the first byte is read, and when more elements are asked for. */
void bounds_set(struct features_link *link, int max_elements);
/* After each read: NULL, or why what has come of the next reply ends the link. */
const char *bounds_check(struct features_link *link);
/* What the calls that are out end with. */
enum features_status bounds_status(const char *why);
/* A command was answered. */
void bounds_reply_ends(struct features_link *link);
/* So many of charged_bytes go back to the budget. */
void bounds_return(struct features_link *link, int64_t bytes);

#endif
