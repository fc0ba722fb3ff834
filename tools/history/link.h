/*
 * A synchronous, pipelined connection to Redis: commands are queued, each with the number of its
 * input line, and their replies are read in order, some hundred at a time. One thread. Compiles
 * with hiredis 0.14 and 1.x.
 */
#ifndef TOOLS_HISTORY_LINK_H
#define TOOLS_HISTORY_LINK_H

#include <stddef.h>

#include "base/redis_url.h"
#include "base/view.h"

struct redisReply;
struct history_link;

/* Called for each reply in the order of the commands, except error replies: these fail the call
 * that reads them, and so does -1 with err. */
typedef int (*history_link_reply_fn)(void *arg, size_t line, const struct redisReply *reply,
                                     struct err *err);

/* Connects, authenticates, selects. ERR_UNAVAILABLE when that fails. */
int history_link_open(const struct redis_url *url, history_link_reply_fn on_reply, void *arg,
                      struct history_link **out, struct err *err) MUST_CHECK;
void history_link_close(struct history_link *link); /* drops what is queued; may be NULL */

/* The arguments are copied. May read replies. */
int history_link_send(struct history_link *link, size_t line, const struct view *args, int n_args,
                      struct err *err) MUST_CHECK;
/* Waits for all outstanding replies. */
int history_link_flush(struct history_link *link, struct err *err) MUST_CHECK;

#endif
