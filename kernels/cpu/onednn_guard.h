/*
 * oneDNN's calls that may take memory. The library is C++ behind its C interface and lets
 * std::bad_alloc out of it, which C can neither catch nor pass on: each is called through this
 * table, where what is thrown becomes a status before any frame of C is reached.
 *
 * What no guard helps against: making an object, the library (2.6 at least) writes to memory that
 * it did not look whether it got. So calls that make something first look whether there is far more
 * than they need.
 */
#ifndef KERNELS_CPU_ONEDNN_GUARD_H
#define KERNELS_CPU_ONEDNN_GUARD_H

#include <oneapi/dnnl/dnnl.h>

/* MAKE: makes an object; CALL: uses some. */
#if DNNL_VERSION_MAJOR >= 3
#define ONEDNN_CALLS_OF_VERSION(MAKE)                                                              \
    MAKE(memory_desc_create_with_tag)                                                              \
    MAKE(memory_desc_create_with_strides)                                                          \
    MAKE(memory_desc_clone)                                                                        \
    MAKE(matmul_primitive_desc_create)
#else
#define ONEDNN_CALLS_OF_VERSION(MAKE) MAKE(primitive_desc_create)
#endif

#define ONEDNN_CALLS(MAKE, CALL)                                                                   \
    ONEDNN_CALLS_OF_VERSION(MAKE)                                                                  \
    MAKE(engine_create)                                                                            \
    MAKE(stream_create)                                                                            \
    MAKE(primitive_attr_create)                                                                    \
    MAKE(primitive_attr_set_post_ops)                                                              \
    MAKE(post_ops_create)                                                                          \
    MAKE(post_ops_append_eltwise)                                                                  \
    MAKE(reorder_primitive_desc_create)                                                            \
    MAKE(primitive_create)                                                                         \
    MAKE(memory_create)                                                                            \
    CALL(primitive_desc_query)                                                                     \
    CALL(memory_set_data_handle)                                                                   \
    CALL(primitive_execute)                                                                        \
    CALL(stream_wait)

/* Each as dnnl_NAME, but nothing is thrown: dnnl_out_of_memory for want of memory,
 * dnnl_runtime_error for the rest. */
struct onednn_calls {
#define ONEDNN_MEMBER(name) __typeof__(dnnl_##name) *name;
    ONEDNN_CALLS(ONEDNN_MEMBER, ONEDNN_MEMBER)
#undef ONEDNN_MEMBER
};

#ifdef __cplusplus
extern "C"
#else
extern
#endif
    const struct onednn_calls onednn;

#endif
