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
 *     item, text  UTF-8, no NUL; no trailing bytes
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

/* Appends one packed event. Returns -1 when a string is too long, holds a NUL or is not UTF-8, t is
 * negative, or item and text are both empty; nothing is appended in that case. */
int behaviour_pack(const struct behaviour *event, struct buf *out, struct err *err) MUST_CHECK;

/* Views point into bytes. Returns -1 for anything behaviour_pack would not have written: truncated,
 * unknown version or type, too long, not UTF-8, trailing bytes. err never quotes the event. */
int behaviour_unpack(struct view bytes, struct behaviour *out, struct err *err) MUST_CHECK;

/* pid = HMAC-SHA256(key, user_id) (RFC 2104) in lower-case hex, NUL-terminated; key =
 * "adrank:{u:<pid>}:h". */
void behaviour_pid(struct view key, struct view user_id, char pid[BEHAVIOUR_PID_HEX + 1]);
void behaviour_redis_key(const char pid[BEHAVIOUR_PID_HEX + 1], char key[BEHAVIOUR_KEY_BYTES]);

/*
 * Merges stored and sent behaviour into one list, oldest first, cut to the max_events newest
 * (*truncated is then set). Events with the same t, type and item (or text, where item is empty)
 * are duplicates; the first one with a text wins and takes the position of the first. Strings are
 * not copied. Returns NULL when out of memory. Equal times keep their order, stored before sent.
 */
const struct behaviour *behaviour_merge(const struct behaviour *stored, int n_stored,
                                        const struct behaviour *sent, int n_sent, int max_events,
                                        struct arena *arena, int *n_out,
                                        bool *truncated) MUST_CHECK;

#endif
