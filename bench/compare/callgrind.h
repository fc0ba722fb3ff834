/* Counters of a process that runs under "valgrind --tool=callgrind". */
#ifndef BENCH_COMPARE_CALLGRIND_H
#define BENCH_COMPARE_CALLGRIND_H

#include <stdbool.h>
#include <sys/types.h>

/* Whether valgrind is installed. */
bool callgrind_present(void);
/* Instructions executed so far by all threads; -1: callgrind_control does not answer. */
double callgrind_executed(pid_t pid);

#endif
