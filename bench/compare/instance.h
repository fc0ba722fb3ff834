/*
 * struct instance: an adrankd of some build, in its own folder on free ports, with deadlines
 * far away, one worker and one thread for the model; and a Redis that holds history.jsonl, where
 * asked for. Ends with the program.
 */
#ifndef BENCH_COMPARE_INSTANCE_H
#define BENCH_COMPARE_INSTANCE_H

#include <stdbool.h>
#include <sys/types.h>

#include "client/http_client.h"

#define INSTANCE_MAX_ARGS 64

struct instance_args {
    const char *build;         /* build/release, of any checkout */
    const char *model;         /* directory */
    bool null_backend;         /* of the build's own test module; else the processor */
    int threads;               /* of the model; 0: 1 */
    bool redis;                /* with the stored history */
    const char *const *prefix; /* of the command line, NULL-terminated: valgrind ...; or NULL */
};

struct instance {
    pid_t pid, redis_pid; /* 0: not running */
    char folder[64];
    struct http_client client;
};

/* Returns when it is ready. instance_stop also after a failure. */
int instance_start(struct instance *instance, const struct instance_args *args,
                   struct err *err) MUST_CHECK;
void instance_stop(struct instance *instance);
/* POST /rank; *out holds until the next call. A status other than 200 is an error. */
int instance_rank(struct instance *instance, struct view body, struct client_response *out,
                  struct err *err) MUST_CHECK;

#endif
