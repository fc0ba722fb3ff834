/* What the files of the fake CUDA runtime share: everything there is, behind one lock. */
#ifndef TESTS_SIMT_RUNTIME_STATE_H
#define TESTS_SIMT_RUNTIME_STATE_H

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "tests/simt/runtime.h"

typedef std::function<void()> work_fn;

struct CUgraph_st {
    std::vector<work_fn> nodes;
};

struct CUgraphExec_st {
    std::vector<work_fn> nodes;
};

struct CUstream_st {
    std::deque<work_fn> queue;
    std::unique_ptr<struct CUgraph_st> capture; /* while one is recorded */
    enum cudaStreamCaptureMode mode;
    bool capture_failed;
};

struct CUevent_st {
    bool timed, recorded;
    struct CUstream_st *stream;
    uint64_t queued, done; /* generations: records queued, the last of them reached */
    double time_ms;
};

struct allocation {
    size_t bytes;
    bool device; /* else pinned host memory */
};

struct runtime {
    std::recursive_mutex mutex;
    std::map<const char *, struct allocation> memory;
    struct CUstream_st default_stream;
    size_t device_bytes, pinned_bytes, total_bytes, largest_upload;
    int n_devices, n_objects, n_captures;
    cudaError_t last;
    uint64_t random;
    double device_us; /* that operations took so far: the time of events */
};

/* Never destroyed, as it may be used by other destructors. */
struct runtime &the();

#define LOCK std::lock_guard<std::recursive_mutex> lock(the().mutex)

/* A number from the environment. */
int simt_number(const char *name, int otherwise);

/* Remembers an error for cudaGetLastError; returns it. */
cudaError_t report(cudaError_t error);

/* Locks, counts the call and returns from it when it is to fail. */
#define ENTER                                                                                      \
    LOCK;                                                                                          \
    {                                                                                              \
        cudaError_t entered = simt_enter(__func__);                                                \
        if (entered != cudaSuccess)                                                                \
            return report(entered);                                                                \
    }

/* ---- runtime_faults.cpp ---------------------------------------------------------------------- */

/* simt_call for callers that hold the lock, once. */
cudaError_t simt_enter(const char *name);
/* The error that a call has failed with; cudaSuccess: none has. */
cudaError_t simt_sticky();
/* Whether nothing on a stream completes. */
bool simt_hangs();
/* Blocks the calling thread, which holds the lock once, while that is so: frees the lock. */
void simt_wait_for_hang(const char *what);

/* ---- runtime_streams.cpp --------------------------------------------------------------------- */

/* NULL is the default stream. */
struct CUstream_st *stream_of(cudaStream_t stream);
/* Runs up to n operations. */
void progress(struct CUstream_st *stream, size_t n);
/* Runs all of them; an error while the stream is captured. */
cudaError_t drain(struct CUstream_st *stream);

/* ---- runtime_memory.cpp ---------------------------------------------------------------------- */

/* Frees everything, as the end of a process does. */
void simt_forget_memory();

#endif
