/*
 * oneDNN calls that may allocate. The library is C++ behind a C interface and lets std::bad_alloc
 * escape, which C can neither catch nor propagate: each call goes through this table, which turns
 * exceptions into a status before they reach a C frame.
 *
 * One case cannot be guarded: when creating an object, the library (at least 2.6) writes to memory
 * without checking that the allocation succeeded. So calls that create objects first check that far
 * more memory is available than they need.
 */
#ifndef KERNELS_CPU_ONEDNN_GUARD_H
#define KERNELS_CPU_ONEDNN_GUARD_H

#include <oneapi/dnnl/dnnl.h>

/* MAKE: creates an object; CALL: uses existing ones. */
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

/* Each is dnnl_NAME without exceptions: dnnl_out_of_memory when memory runs out, dnnl_runtime_error
 * for anything else. */
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
