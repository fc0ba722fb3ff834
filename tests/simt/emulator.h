/*
 * The host side of kernels/cuda/simt.cuh: runs a grid block by block, each thread of a block as a
 * fiber, in an order drawn from a seed. It implements primitives, never an operation, and is
 * stricter than a GPU. It aborts with the place in the source when
 *
 *   - lanes of a warp or threads of a block meet at different places, or one that others wait for
 *     has returned (a divergent barrier)
 *   - shared memory is over 48 KB, or an access or a copy is not aligned
 *   - a block ends with copies that were not waited for
 *
 * Shared memory is filled with NaN at the start of each block. An asynchronous copy fills its
 * target with NaN when it is issued and lands at its wait, so that reading early, or issuing before
 * the last reader is done, shows in the results. Shared arrays are statics and dynamic shared
 * memory and device memory are of exact size: ASan finds accesses out of bounds. Under TSan every
 * fiber is a thread and barriers are the only order between them: a missing one is a race, whatever
 * the order. It does not see wrong fragment maps, memory ordering or bank conflicts.
 *
 * One grid runs at a time in a process. ADRANK_SIMT_SEED chooses the order.
 */
#ifndef TESTS_SIMT_EMULATOR_H
#define TESTS_SIMT_EMULATOR_H

#include <functional>

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime_api.h>

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define SIMT_DEVICE inline
#define SIMT_UNROLL
#define SIMT_ROLLED

/* A thread as its code sees it. */
struct simt_thread {
    dim3 thread, block, threads, blocks;
    int lane;
};
extern struct simt_thread *simt_self;

#define threadIdx (simt_self->thread)
#define blockIdx (simt_self->block)
#define blockDim (simt_self->threads)
#define gridDim (simt_self->blocks)
#define warpSize 32

/* Where a primitive was called: the default argument is the caller's line. */
struct simt_place {
    const char *file;
    int line;
};
#define SIMT_HERE struct simt_place here = {__builtin_FILE(), __builtin_LINE()}

/* ---- launching ------------------------------------------------------------------------------- */

/* Queues a grid on a stream, or records it while the stream is captured. Errors are those of a
 * launch: sizes, shared memory, a bad stream. */
cudaError_t simt_enqueue(const struct simt_where &where, std::function<void()> thread);

template <typename... Parameters, typename... Arguments>
cudaError_t simt_launch(void (*kernel)(Parameters...), const struct simt_where &where,
                        Arguments... arguments)
{
    std::function<void(Parameters...)> typed = kernel;
    return simt_enqueue(where, std::bind(typed, Parameters(arguments)...));
}

/* Runs a grid now. */
void simt_run(const struct simt_where &where, const std::function<void()> &thread);

/* ---- shared memory --------------------------------------------------------------------------- */

/* The first thread of a block to come here fills it with NaN and counts it. */
void simt_shared_begin(void *memory, size_t bytes);
unsigned char *simt_dynamic_shared();

#define SIMT_SHARED(type, name, count)                                                             \
    alignas(16) static type name[count];                                                           \
    simt_shared_begin(name, sizeof(name))
#define SIMT_DYNAMIC_SHARED(name) unsigned char *const name = simt_dynamic_shared()

/* ---- meeting --------------------------------------------------------------------------------- */

void simt_block_sync(SIMT_HERE);
void simt_warp_sync(SIMT_HERE);

/* Every lane gives a value and gets that of the lane whose number it names. */
uint32_t simt_exchange(uint32_t value, int from, struct simt_place here);
uint32_t simt_ballot(bool vote, SIMT_HERE);

inline int simt_lane()
{
    return simt_self->lane;
}

template <typename V> V simt_shuffle(V value, int from, SIMT_HERE)
{
    static_assert(sizeof(V) == sizeof(uint32_t), "one register");
    uint32_t bits;

    memcpy(&bits, &value, sizeof(bits));
    bits = simt_exchange(bits, from & 31, here);
    memcpy(&value, &bits, sizeof(bits));
    return value;
}

template <typename V> V simt_shuffle_xor(V value, int mask, SIMT_HERE)
{
    return simt_shuffle(value, simt_lane() ^ mask, here);
}

template <typename V> V simt_shuffle_down(V value, int delta, SIMT_HERE)
{
    int lane = simt_lane();
    return simt_shuffle(value, lane + delta > 31 ? lane : lane + delta, here);
}

SIMT_DEVICE bool simt_any(bool vote, SIMT_HERE)
{
    return simt_ballot(vote, here) != 0;
}

SIMT_DEVICE bool simt_all(bool vote, SIMT_HERE)
{
    return simt_ballot(vote, here) == 0xffffffffu;
}

void simt_mma_16bit(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], bool bf16,
                    struct simt_place here);

template <typename T>
void simt_mma(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], SIMT_HERE);

template <>
inline void simt_mma<__half>(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                             struct simt_place here)
{
    simt_mma_16bit(d, a, b, false, here);
}

template <>
inline void simt_mma<__nv_bfloat16>(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                                    struct simt_place here)
{
    simt_mma_16bit(d, a, b, true, here);
}

/* ---- copies and accesses --------------------------------------------------------------------- */

void simt_copy_async16(void *shared, const void *from, bool valid, SIMT_HERE);
void simt_copy_commit();
void simt_copy_wait_groups(int n);
[[noreturn]] void simt_not_aligned(const void *address, size_t bytes, struct simt_place here);

inline void simt_check_aligned(const void *address, size_t bytes, struct simt_place here)
{
    if ((uintptr_t)address % bytes != 0)
        simt_not_aligned(address, bytes, here);
}

template <int n> void simt_copy_wait()
{
    simt_copy_wait_groups(n);
}

template <typename V> V simt_load(const void *from, SIMT_HERE)
{
    simt_check_aligned(from, sizeof(V), here);
    return *(const V *)from;
}

template <typename V> void simt_store(void *to, V value, SIMT_HERE)
{
    simt_check_aligned(to, sizeof(V), here);
    *(V *)to = value;
}

/* ---- arithmetic ------------------------------------------------------------------------------ */

SIMT_DEVICE uint32_t simt_permute(uint32_t a, uint32_t b, uint32_t selector)
{
    uint64_t bytes = (uint64_t)b << 32 | a;
    uint32_t result = 0;

    for (int i = 0; i < 4; i++)
        result |= (uint32_t)(bytes >> 8 * (selector >> 4 * i & 7) & 0xff) << 8 * i;
    return result;
}

SIMT_DEVICE float simt_exp2(float x)
{
    return exp2f(x);
}

SIMT_DEVICE float simt_reciprocal(float x)
{
    return 1.0f / x;
}

SIMT_DEVICE float rsqrtf(float x)
{
    return 1.0f / sqrtf(x);
}

#endif
