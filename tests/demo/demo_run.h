/*
 * adrank-demo in a separate checkout: a folder with config/ and build/test/bin, so everything that
 * it leaves behind is visible. Anything unexpected FAILs the test.
 */
#ifndef TESTS_DEMO_DEMO_RUN_H
#define TESTS_DEMO_DEMO_RUN_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"

struct checkout {
    char top[64];   /* the folder that mkdtemp made */
    char root[300]; /* the checkout, in it */
};

struct demo {
    struct checkout checkout;
    int port;
    pid_t pid;
    int out; /* its stdout and stderr */
    struct buf text;
};

/* The first of two adjacent free ports; a listener, or -1 if the port is taken. */
int demo_ports(void);
int demo_listen(int port);

/* name: of the checkout's folder. */
void demo_start(struct demo *demo, const char *name, int port, bool once);
/* In the same checkout, which is released with the first. */
void demo_start_beside(struct demo *demo, const struct demo *first, int port, bool once);
/* Reads until the output contains the text (NULL: to its end). */
void demo_read(struct demo *demo, const char *until);
/* Waits until it exits by itself; returns the exit status. */
int demo_wait(struct demo *demo);
void demo_release(struct demo *demo);

/* Folders of runs in build/demo. */
int demo_folders(const struct demo *demo);
/* Processes whose working directory is in the checkout: the demo and adrankd in its root,
 * redis-server in build/demo. */
int demo_processes(const struct demo *demo);
/* Once the demo has ended, no process is left, its ports are free, nothing was written outside
 * build/demo, and that is empty. */
void demo_check_gone(struct demo *demo);

#endif
