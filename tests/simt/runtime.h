/*
 * What tests and the cuBLASLt stand-in need of the fake CUDA runtime beyond CUDA's own calls.
 *
 * Nothing on a stream runs when it is queued: queries and waits run it in order, a query only a few
 * operations at a time, so that a buffer changed too early shows. Device memory is of exact size
 * and filled with NaN when allocated; the calls refuse what is not device or pinned memory. One
 * process has one device; calls may come from several threads, one at a time.
 *
 *   ADRANK_SIMT_DEVICES    number of devices: 0 is a machine without a GPU, -1 without its driver.
 *                          Default 1
 *   ADRANK_SIMT_MEMORY_MB  memory of the device. Default 4096
 *   ADRANK_SIMT_FAIL       n: the n-th call that reaches the device fails, and every one after it
 *   ADRANK_SIMT_HANG       n: after n calls nothing on a stream completes any more
 *   ADRANK_SIMT_SEED       order of threads and progress of queries
 *   ADRANK_SIMT_FAULTS     path of a file that a test outside the process writes, see below
 *
 * The file is reread at every call. Its words, separated by blanks, hold from the call on that
 * finds them changed:
 *
 *   fail N           the N-th call fails, and every one after it, whatever the file says later
 *   fail NAME [N]    the N-th (first) call of that function does, such as cudaMemcpyAsync;
 *                    cudaLaunchKernel is every kernel
 *   hang events      nothing on a stream completes while the word is there; who waits is blocked
 *   hang calls       every call blocks while the word is there
 *   hang NAME        calls of that function do
 *   trace            every call is noted
 *
 * What happens is noted in files of the same name, one function's name a line, with ".failed" (the
 * call that failed), ".after" (calls after it), ".hangs" (what blocks), ".calls" (traced) appended.
 */
#ifndef TESTS_SIMT_RUNTIME_H
#define TESTS_SIMT_RUNTIME_H

#include <cuda_runtime_api.h>

#include <stdbool.h>

#ifdef __cplusplus
#include <functional>

/* Queues work on a stream, or records it while the stream is captured. */
cudaError_t simt_queue(cudaStream_t stream, std::function<void()> work);

extern "C" {
#endif

/* The n-th call from now on, counted from 1, fails with this error, and all later ones do, as after
 * a fault on a GPU; 0: none fails any more. What a failed device still held is freed, as at the end
 * of a process: nobody else does. */
void simt_fail(int n, cudaError_t error);
/* After n more calls nothing completes any more; -1: everything does. */
void simt_hang(int n);
/* Calls so far, and those since one failed by simt_fail: there should be none. */
int simt_calls(void);
int simt_calls_after_failure(void);
/* Is called with the name of every call; NULL: nothing is. */
void simt_watch(void (*on_call)(const char *name));
/* Bytes of the largest copy to the device since this was last called. */
size_t simt_largest_upload(void);
/* Bytes of device and pinned memory, streams, events, graphs that exist. */
size_t simt_device_bytes(void);
int simt_objects(void);

/* Counts a call and says whether it may go on: every entry point of a library begins with it. */
cudaError_t simt_call(const char *name);
/* Whether these bytes lie within one allocation of device memory. */
int simt_is_device(const void *memory, size_t bytes);

/* Time that the operation of a stream that runs now took, instead of what it takes here: what
 * events measure. */
void simt_take_time(double us);

/* ---- cublaslt_algorithms.cpp ----------------------------------------------------------------- */

/* An algorithm of the stand-in for cuBLASLt. */
struct simt_algorithm {
    int32_t id, split_k;
    int32_t lanes; /* partial sums of a dot product, 1 to 16: what decides the bits */
    uint64_t workspace_bytes;
    int32_t min_cols, max_cols; /* that it computes; max 0: any number */
    float us;                   /* that a product takes; 0: as long as it does here */
    bool by_place;              /* it adds up in another order where x begins at an odd row */
    bool insists; /* it is proposed whatever was asked for, and for what it does not take */
};

/* The stand-in has these, in the order of its proposals; n 0: its own again. */
void simt_algorithms(const struct simt_algorithm *algorithms, int n);

#ifdef __cplusplus
}
#endif

#endif
