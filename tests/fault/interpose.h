/*
 * How a function is replaced. The preloaded library defines the C library's own names and finds the
 * real ones as the next definitions; the wrapped variant (FAULT_WRAP) is called as __wrap_NAME and
 * calls
 * __real_NAME.
 */
#ifndef TESTS_FAULT_INTERPOSE_H
#define TESTS_FAULT_INTERPOSE_H

#include <dlfcn.h>
#include <errno.h>

#include "tests/fault/board.h"

#ifdef FAULT_WRAP
#define OURS(name) __wrap_##name
#define REAL(name) __real_##name
#define REPLACES(name)                                                                             \
    extern __typeof__(name) __real_##name;                                                         \
    extern __typeof__(name) __wrap_##name
#else
#define OURS(name) name
#define REAL(name)                                                                                 \
    ({                                                                                             \
        static __typeof__(name) *real_;                                                            \
        if (!__atomic_load_n(&real_, __ATOMIC_RELAXED))                                            \
            __atomic_store_n(&real_, (__typeof__(name) *)dlsym(RTLD_NEXT, #name),                  \
                             __ATOMIC_RELAXED);                                                    \
        real_;                                                                                     \
    })
#define REPLACES(name) extern __typeof__(name) name
#endif

/* In a replaced function: decide, and return if the call fails. */
#define DECIDE(site, fd)                                                                           \
    struct fault_verdict verdict = fault_decide((site), (fd), __builtin_return_address(0));        \
    if (verdict.error) {                                                                           \
        errno = verdict.error;                                                                     \
        return -1;                                                                                 \
    }

#endif
