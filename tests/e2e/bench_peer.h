/* A server that answers as the daemon would and misbehaves on request, in a separate thread. */
#ifndef TESTS_E2E_BENCH_PEER_H
#define TESTS_E2E_BENCH_PEER_H

#include <pthread.h>
#include <stdatomic.h>

#define BENCH_PEER_MARKS 4

struct bench_peer {
    pthread_t thread;
    int listen_fd; /* -1 while it is away */
    int port;
    char address[32];
    atomic_int cut_every;  /* every nth request closes its connection; 0: none */
    atomic_int away, stop; /* away: does not listen and closes its connections */
    atomic_int n_accepted, n_answered, n_cut;
    _Atomic(const char *) marks[BENCH_PEER_MARKS]; /* NULL: none */
    atomic_int n_marked[BENCH_PEER_MARKS];         /* requests that contain this mark */
};

void bench_peer_start(struct bench_peer *peer);
void bench_peer_stop(struct bench_peer *peer);

#endif
