/*
 * Stacks to switch between, for the emulator: one per thread of a block. Known to ASan and TSan,
 * for which every fiber is a stack or a thread of its own; switching alone orders nothing under
 * TSan.
 */
#ifndef TESTS_SIMT_FIBER_H
#define TESTS_SIMT_FIBER_H

#include <stddef.h>

struct fiber;

/* The caller's own stack as a fiber; once per thread that switches. */
struct fiber *fiber_of_thread();
/* A fiber that calls run(argument), which must not return, at the first switch to it. */
struct fiber *fiber_new(void (*run)(void *), void *argument);
/* Suspends the current fiber. */
void fiber_switch(struct fiber *to);

/* What happened before a release is seen after an acquire of the same address: TSan's view only. */
void fiber_release(void *address);
void fiber_acquire(void *address);
/* Reports to TSan an access made by code that it does not instrument. */
void fiber_note_read(const void *address, size_t bytes);
void fiber_note_write(void *address, size_t bytes);

#endif
