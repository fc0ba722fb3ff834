/*
 * Behaviour as it is stored (CONTRACT 5) and merged. Pure.
 *
 * One Redis list per user, newest first; each element is one packed event. Layout, version 1, all
 * integers little-endian:
 *
 *     byte 0      version, 1
 *     byte 1      type, enum behaviour_type
 *     bytes 2-9   t, unix ms, int64, >= 0
 *     bytes 10-11 length of item in bytes, uint16
 *     bytes 12-13 length of text in bytes, uint16
 *     item, text  UTF-8, no NUL; nothing may follow
 */
#ifndef ADRANK_BEHAVIOUR_H
#define ADRANK_BEHAVIOUR_H

#include "adrank/impression.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define BEHAVIOUR_VERSION 1
#define BEHAVIOUR_HEADER_BYTES 14
#define BEHAVIOUR_MAX_STRING 1024 /* bytes of item, and of text */
#define BEHAVIOUR_MAX_BYTES                                                                        \
    (BEHAVIOUR_HEADER_BYTES + 2 * BEHAVIOUR_MAX_STRING) /* of a packed event */

#define BEHAVIOUR_PID_HEX 64 /* characters of <pid> */
#define BEHAVIOUR_KEY_BYTES                                                                        \
    (10 + BEHAVIOUR_PID_HEX + 3 + 1) /* "adrank:{u:" + pid + "}:h" + NUL                           \
                                      */

/* Appends one packed event. -1 when a string is too long, holds a NUL or is not UTF-8, t is
 * negative, or item and text are both empty; nothing is appended then. */
int behaviour_pack(const struct behaviour *event, struct buf *out, struct err *err) MUST_CHECK;

/* Views point into bytes. -1 for whatever behaviour_pack would not have written: truncated, of
 * another version or type, too long, not UTF-8, something behind it. err repeats nothing of it. */
int behaviour_unpack(struct view bytes, struct behaviour *out, struct err *err) MUST_CHECK;

/* pid = HMAC-SHA256(key, user_id) (RFC 2104) in lower-case hex, NUL behind; key =
 * "adrank:{u:<pid>}:h". */
void behaviour_pid(struct view key, struct view user_id, char pid[BEHAVIOUR_PID_HEX + 1]);
void behaviour_redis_key(const char pid[BEHAVIOUR_PID_HEX + 1], char key[BEHAVIOUR_KEY_BYTES]);

/*
 * Stored and sent behaviour as one list, oldest first, cut to the max_events newest (*truncated
 * then). The same t, type and item (or, where item is empty, text) is one event; of two, the first
 * that has a text wins and stands where the first stood. Strings are not copied. NULL when out of
 * memory. Order of equal times: stored before sent, each in its own order.
 */
const struct behaviour *behaviour_merge(const struct behaviour *stored, int n_stored,
                                        const struct behaviour *sent, int n_sent, int max_events,
                                        struct arena *arena, int *n_out,
                                        bool *truncated) MUST_CHECK;

#endif
