/*
 * The primitives that kernels are written in: the only place where a GPU and the emulator differ.
 * Under nvcc they are PTX and compiler intrinsics; under the host compiler they are functions of
 * tests/simt/emulator.h, which runs each thread of a block as a fiber. Kernels use plain CUDA C++
 * (__global__, __device__, threadIdx, dim3, __half, uint4, ...) and, for everything that threads do
 * together, only what is declared here.
 *
 *   SIMT_SHARED(type, name, count)    a static array of the block, 16-byte-aligned; its contents
 *                                     are undefined at the start. At the top of a kernel.
 *   SIMT_DYNAMIC_SHARED(name)         unsigned char name[], as long as the launch says.
 *   simt_launch(kernel, where, ...)   queues a grid and returns the launch's error.
 *   simt_block_sync()                 every thread of the block, from the same place in the source.
 *   simt_warp_sync, simt_shuffle*,    every lane of the warp, from the same place: there are no
 *   simt_any, simt_all, simt_ballot,  masks, and no lane may have returned.
 *   simt_mma
 *   simt_copy_async16,                a thread's own copies from global to shared memory; other
 *   simt_copy_commit, simt_copy_wait  threads see them after the wait and a barrier.
 *   simt_load, simt_store             one access of sizeof(V) bytes, aligned to that.
 *
 * At most 48 KB of shared memory a block, static and dynamic together.
 */
#ifndef KERNELS_CUDA_SIMT_CUH
#define KERNELS_CUDA_SIMT_CUH

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime_api.h>

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Where a kernel runs. */
struct simt_where {
    dim3 grid, block;
    size_t shared_bytes; /* dynamic */
    cudaStream_t stream;
};

#ifndef __CUDACC__
#include "tests/simt/emulator.h"
#else

#define SIMT_DEVICE __device__ __forceinline__
#define SIMT_SHARED(type, name, count) __shared__ __align__(16) type name[count]
#define SIMT_DYNAMIC_SHARED(name) extern __shared__ __align__(16) unsigned char name[]
#define SIMT_UNROLL _Pragma("unroll")   /* before a loop of constant length */
#define SIMT_ROLLED _Pragma("unroll 1") /* before a loop whose body is large */
#define SIMT_WARP 0xffffffffu           /* every lane */

/* Arguments are converted to the kernel's parameter types and copied. */
template <typename... Parameters, typename... Arguments>
cudaError_t simt_launch(void (*kernel)(Parameters...), const struct simt_where &where,
                        Arguments... arguments)
{
    kernel<<<where.grid, where.block, where.shared_bytes, where.stream>>>(arguments...);
    return cudaGetLastError();
}

SIMT_DEVICE void simt_block_sync()
{
    __syncthreads();
}

SIMT_DEVICE void simt_warp_sync()
{
    __syncwarp(SIMT_WARP);
}

/* V is float, int32_t or uint32_t. The value of lane (own ^ mask). */
template <typename V> SIMT_DEVICE V simt_shuffle_xor(V value, int mask)
{
    return __shfl_xor_sync(SIMT_WARP, value, mask);
}

/* The value of lane `from`, 0 to 31. */
template <typename V> SIMT_DEVICE V simt_shuffle(V value, int from)
{
    return __shfl_sync(SIMT_WARP, value, from);
}

/* The value of lane (own + delta); the own value where that is past the warp's end. */
template <typename V> SIMT_DEVICE V simt_shuffle_down(V value, int delta)
{
    return __shfl_down_sync(SIMT_WARP, value, (unsigned)delta);
}

SIMT_DEVICE bool simt_any(bool vote)
{
    return __any_sync(SIMT_WARP, vote) != 0;
}

SIMT_DEVICE bool simt_all(bool vote)
{
    return __all_sync(SIMT_WARP, vote) != 0;
}

/* Bit i is lane i's vote. */
SIMT_DEVICE uint32_t simt_ballot(bool vote)
{
    return __ballot_sync(SIMT_WARP, vote);
}

/*
 * d (16, 8) += a (16, 16) b (16, 8), f32 accumulators, elements T: __half or __nv_bfloat16, two in
 * a register with the lower index in the lower half. mma.m16n8k16 of the PTX manual, row.col. With
 * g = lane / 4 and c = lane % 4, a lane holds a: rows g, g + 8, g, g + 8 at k = 2c, 2c, 2c + 8, 2c
 * + 8 and the k after it b: k = 2c, 2c + 8 and the k after it, column g d: (g, 2c), (g, 2c + 1), (g
 * + 8, 2c), (g + 8, 2c + 1)
 */
template <typename T>
SIMT_DEVICE void simt_mma(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]);

template <>
SIMT_DEVICE void simt_mma<__half>(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2])
{
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
                 "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

template <>
SIMT_DEVICE void simt_mma<__nv_bfloat16>(float (&d)[4], const uint32_t (&a)[4],
                                         const uint32_t (&b)[2])
{
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
                 "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/* Starts a copy of 16 bytes into shared memory, both aligned to 16; not valid: 16 zero bytes, and
 * `from` is not read. */
SIMT_DEVICE void simt_copy_async16(void *shared, const void *from, bool valid)
{
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(
                     (uint32_t)__cvta_generic_to_shared(shared)),
                 "l"(from), "r"(valid ? 16 : 0)
                 : "memory");
}

/* Ends a group of copies. */
SIMT_DEVICE void simt_copy_commit()
{
    asm volatile("cp.async.commit_group;" ::: "memory");
}

/* Waits for all of the thread's groups but the last n. */
template <int n> SIMT_DEVICE void simt_copy_wait()
{
    asm volatile("cp.async.wait_group %0;" ::"n"(n) : "memory");
}

/* Four bytes of the eight (b, a), a's lowest first, by the nibbles of `selector` (0 to 7). */
SIMT_DEVICE uint32_t simt_permute(uint32_t a, uint32_t b, uint32_t selector)
{
    return __byte_perm(a, b, selector);
}

/* 2^x and 1 / x to about 2 units in the last place; 2^-inf = 0. */
SIMT_DEVICE float simt_exp2(float x)
{
    float y;

    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

SIMT_DEVICE float simt_reciprocal(float x)
{
    return __fdividef(1.0f, x);
}

/* One access; V is uint32_t, uint2, uint4, float2, float4, ... */
template <typename V> SIMT_DEVICE V simt_load(const void *from)
{
    return *(const V *)from;
}

template <typename V> SIMT_DEVICE void simt_store(void *to, V value)
{
    *(V *)to = value;
}

#endif /* __CUDACC__ */

/* Two elements in a register and back, round to nearest even. T: __half or __nv_bfloat16. */
template <typename T> SIMT_DEVICE uint32_t simt_pack(float low, float high);

template <> SIMT_DEVICE uint32_t simt_pack<__half>(float low, float high)
{
    __half2 pair = __floats2half2_rn(low, high);
    uint32_t bits;

    memcpy(&bits, &pair, sizeof(bits));
    return bits;
}

template <> SIMT_DEVICE uint32_t simt_pack<__nv_bfloat16>(float low, float high)
{
    __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
    uint32_t bits;

    memcpy(&bits, &pair, sizeof(bits));
    return bits;
}

template <typename T> SIMT_DEVICE float2 simt_unpack(uint32_t bits);

template <> SIMT_DEVICE float2 simt_unpack<__half>(uint32_t bits)
{
    __half2 pair;

    memcpy(&pair, &bits, sizeof(bits));
    return __half22float2(pair);
}

template <> SIMT_DEVICE float2 simt_unpack<__nv_bfloat16>(uint32_t bits)
{
    __nv_bfloat162 pair;

    memcpy(&pair, &bits, sizeof(bits));
    return __bfloat1622float2(pair);
}

/* One element and back. T: float, __half or __nv_bfloat16. */
SIMT_DEVICE float simt_float(float x)
{
    return x;
}

SIMT_DEVICE float simt_float(__half x)
{
    return __half2float(x);
}

SIMT_DEVICE float simt_float(__nv_bfloat16 x)
{
    return __bfloat162float(x);
}

template <typename T> SIMT_DEVICE T simt_element(float x);

template <> SIMT_DEVICE float simt_element<float>(float x)
{
    return x;
}

template <> SIMT_DEVICE __half simt_element<__half>(float x)
{
    return __float2half_rn(x);
}

template <> SIMT_DEVICE __nv_bfloat16 simt_element<__nv_bfloat16>(float x)
{
    return __float2bfloat16_rn(x);
}

#endif
