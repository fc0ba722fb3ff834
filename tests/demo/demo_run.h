/*
 * adrank-demo in a checkout of its own: a folder with config/ and build/test/bin, so that all that
 * it leaves can be seen. What does not go as said FAILs the test.
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

/* The first of two ports that are free side by side; a listener, or -1 when the port is taken. */
int demo_ports(void);
int demo_listen(int port);

/* name: of the checkout's folder. */
void demo_start(struct demo *demo, const char *name, int port, bool once);
/* In the same checkout, which goes with the first. */
void demo_start_beside(struct demo *demo, const struct demo *first, int port, bool once);
/* Reads until the text is there (NULL: to the end of the output). */
void demo_read(struct demo *demo, const char *until);
/* Its exit status, once it has ended by itself. */
int demo_wait(struct demo *demo);
void demo_release(struct demo *demo);

/* Folders of runs in build/demo. */
int demo_folders(const struct demo *demo);
/* Processes that work in the checkout: the demo and adrankd in its root, redis-server in
 * build/demo. */
int demo_processes(const struct demo *demo);
/* Children are waited for before the demo ends: the moment it has, no process is there, its ports
 * are free, and nothing was written outside build/, nor in build/ outside build/demo, and that is
 * empty. */
void demo_check_gone(struct demo *demo);

#endif
