/*
 * struct holders: who holds how much, so that the largest and newest is found at once when memory
 * is short.
 *
 * Holders stand in lists by size, each list for twice the size of the one before, the last to come
 * first. Those of up to HOLDERS_LEAST_BYTES stand in none: there is nothing to be had from them.
 * Pure; one owner.
 */
#ifndef SERVER_NET_HOLDERS_H
#define SERVER_NET_HOLDERS_H

#include <stdint.h>

#define HOLDERS_LEAST_BYTES 4096
#define HOLDERS_LISTS 20 /* the last one: anything over 2 GiB */

/* Zeroed at first. */
struct holder {
    struct holder *before, *next;
    int64_t bytes;
    uint64_t serial; /* the owner's: larger is newer */
    int list;        /* 0: in none, else one more than its index */
};

struct holders {
    struct holder *first[HOLDERS_LISTS];
};

/* From now on it holds so much; 0 takes it out. */
void holders_set(struct holders *holders, struct holder *holder, int64_t bytes);

/* Whether a holder may be made to give up what it holds. */
typedef int (*holders_may_fn)(const struct holder *holder, void *arg);

/*
 * Who has to go so that `asking`, which would hold asking_bytes, can have its memory: of the
 * largest that may go the newest, where it is larger than a small asker, or at least as large as
 * any other asker and newer. NULL: nobody, so the asker goes itself. Looks at a few in each list
 * only.
 */
struct holder *holders_victim(struct holders *holders, const struct holder *asking,
                              int64_t asking_bytes, int64_t small_bytes, holders_may_fn may,
                              void *arg);

#endif
