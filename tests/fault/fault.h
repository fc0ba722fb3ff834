/*
 * Faults from outside: malloc, system calls and clocks of the shipped, unchanged program fail, fall
 * short, are delayed or give false results when a test plans it. Three ways to use it:
 *
 * - preloaded: a program is started with LD_PRELOAD=fault_library() and ADRANK_FAULT=PATH, where
 *   PATH was made by fault_open(). Test and program share that file's memory: plans change and
 *   calls are counted while the program runs. By hand, without a test:
 *   ADRANK_FAULT_PLAN="write:error=EAGAIN,from=3,count=1".
 * - wrapped: a test program that links adrank_fault_wrap; code linked into it calls the faulty
 *   functions, shared libraries do not. For sanitizers, whose malloc cannot be replaced by
 *   preloading. Uses fault_here().
 * - linked: a test program that links adrank-fault itself: as preloaded, with the board of
 *   fault_here().
 *
 * Nothing fails until a plan is set. Threads of the program may call at any time; one thread of the
 * test plans.
 */
#ifndef TESTS_FAULT_FAULT_H
#define TESTS_FAULT_FAULT_H

#include <stdint.h>

#include "base/err.h"

enum fault_site {
    FAULT_MALLOC, /* malloc, calloc, realloc, aligned_alloc, posix_memalign, memalign, reallocarray
                   */
    FAULT_READ,   /* read, readv */
    FAULT_WRITE,  /* write, writev */
    FAULT_SEND,   /* send, sendmsg */
    FAULT_OPEN,   /* open, openat */
    FAULT_CLOSE,  /* closes and then fails, as Linux does */
    FAULT_FSYNC,
    FAULT_RENAME,
    FAULT_SITES
};

/* Which calls a plan applies to; others are neither counted nor changed. 0: all. */
enum {
    FAULT_ON_SOCKET = 1 << 0, /* calls on a socket */
    FAULT_ON_FILE = 1 << 1,   /* calls on a regular file */
    FAULT_OURS = 1 << 2,      /* calls made by the program's own code, not by a shared library */
};

/* The from-th call (1 is the next one) and the count - 1 after it fail; all of them, or one in
 * one_in. */
struct fault_plan {
    uint64_t from;   /* 0: count calls, fail none */
    uint64_t count;  /* 0: no limit */
    uint32_t one_in; /* 0 or 1: every call; else one in so many, by a fixed sequence */
    int error;       /* errno of the failure; malloc is always ENOMEM */
    /* Instead of an error: transfer at most this much (read, write, send). */
    uint32_t short_bytes;
    uint32_t delay_us; /* sleep first; with neither error nor short_bytes the call then succeeds */
    unsigned on;       /* FAULT_ON_*, FAULT_OURS */
};

struct fault_board;

struct fault {
    struct fault_board *board;
    char path[256]; /* "" for fault_here() */
};

/* Makes the shared file at path (overwrites it). */
int fault_open(struct fault *fault, const char *path, struct err *err) MUST_CHECK;
/* Removes the file; a program that is still running keeps the last plans. */
void fault_close(struct fault *fault);
/* The board of this program (wrapped). Not closed. */
void fault_here(struct fault *fault);

/* Starts a plan immediately and resets the site's counters. NULL: no more faults there. */
void fault_set(struct fault *fault, enum fault_site site, const struct fault_plan *plan);
void fault_clear(struct fault *fault); /* all sites, the clocks and the user */

uint64_t fault_seen(const struct fault *fault, enum fault_site site); /* calls since fault_set() */
/* Of these, hit by the plan. */
uint64_t fault_fired(const struct fault *fault, enum fault_site site);

/* From now on the program's clocks are off by this much. A monotonic clock must not go back, so
 * only increase it. */
void fault_shift_clocks(struct fault *fault, int64_t monotonic_us, int64_t wall_us);

/* From now on the program believes it runs as this user; -1: the real one. */
void fault_set_euid(struct fault *fault, int64_t euid);

/* Path of the library to preload; relative to the repository root or absolute. */
const char *fault_library(void);

/* "site:key=value,...;site:..." with the sites as above in lower case without their prefix, keys
 * from, count, one_in, error (name or number), short_bytes, delay_us, on (sum of socket, file, ours
 * joined by "+"), and "clock:monotonic_us=N,wall_us=N", "user:euid=N". from is 1 if absent. Returns
 * -1 if the text is invalid. */
int fault_parse(struct fault *fault, const char *text) MUST_CHECK;

#endif
