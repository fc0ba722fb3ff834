/*
 * struct holders: how much each holder holds, so that the largest and newest is found quickly when
 * memory is short.
 *
 * Holders are kept in lists by size, each list for twice the size of the one before, newest first.
 * Those of up to HOLDERS_LEAST_BYTES are in no list: ending them frees too little. Pure; one
 * owner.
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

/* Sets how much it holds; 0 removes it. */
void holders_set(struct holders *holders, struct holder *holder, int64_t bytes);

/* Whether a holder may be ended. */
typedef int (*holders_may_fn)(const struct holder *holder, void *arg);

/*
 * The holder to end so that `asking`, which would hold asking_bytes, gets its memory: the newest of
 * the largest that may be ended, if it is larger than a small asker, or at least as large as any
 * other asker and newer. NULL: none, so the asker is ended itself. Looks at only a few in each
 * list.
 */
struct holder *holders_victim(struct holders *holders, const struct holder *asking,
                              int64_t asking_bytes, int64_t small_bytes, holders_may_fn may,
                              void *arg);

#endif
