/* What a test and the program under test share: plans and counters in one mapped file. */
#ifndef TESTS_FAULT_BOARD_H
#define TESTS_FAULT_BOARD_H

#include <stdatomic.h>
#include <stddef.h>

#include "tests/fault/fault.h"

#define FAULT_MAGIC 0x61646661u

/* Each field is atomic by itself: a call may see a half-changed plan, which affects that call at
 * most; `active` is cleared before a change and set after it. */
struct fault_line {
    _Atomic uint32_t active;
    _Atomic uint64_t seen;
    _Atomic uint64_t fired;
    _Atomic uint64_t from;
    _Atomic uint64_t count;
    _Atomic uint32_t one_in;
    _Atomic int error;
    _Atomic uint32_t short_bytes;
    _Atomic uint32_t delay_us;
    _Atomic unsigned on;
};

struct fault_board {
    uint32_t magic;
    struct fault_line lines[FAULT_SITES];
    _Atomic int64_t monotonic_us;
    _Atomic int64_t wall_us;
    _Atomic int64_t euid_plus_1; /* 0: the real one */
};

/* The board of this process: the shared one if ADRANK_FAULT names it, else a private one. */
struct fault_board *fault_board_here(void);

/* The outcome of a call: unchanged, failure with `error`, or at most max_bytes. May sleep. */
struct fault_verdict {
    int error;
    size_t max_bytes;
};

/* fd -1: the call has none. caller: return address of the replaced function. Preserves errno. */
struct fault_verdict fault_decide(enum fault_site site, int fd, const void *caller);

#endif
