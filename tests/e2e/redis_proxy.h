/* A peer between the daemon and Redis that does what a test says, in a thread of its own. */
#ifndef TESTS_E2E_REDIS_PROXY_H
#define TESTS_E2E_REDIS_PROXY_H

#include <pthread.h>
#include <stdatomic.h>

enum proxy_mode {
    PROXY_PASS,
    PROXY_LATE,          /* passes replies on 200 ms later */
    PROXY_SAY,           /* answers whatever comes with the given bytes */
    PROXY_SAY_AND_CLOSE, /* and closes */
    PROXY_RESET,         /* resets the connection on whatever comes */
    PROXY_HOLD           /* answers nothing */
};

struct proxy {
    pthread_t thread;
    int port, redis_port, listen_fd;
    atomic_int mode;
    _Atomic(const char *) reply;
    atomic_bool stop;
};

void proxy_start(struct proxy *proxy, int redis_port);
/* reply has to stay; from the next bytes that come. */
void proxy_set(struct proxy *proxy, enum proxy_mode mode, const char *reply);
void proxy_stop(struct proxy *proxy);

#endif
