/* The names of precisions. */
#include "kernels/backend.h"

const char *const precision_names[PRECISIONS + 2] = {
    [PRECISION_F32] = "f32",   [PRECISION_BF16] = "bf16", [PRECISION_F16] = "f16",
    [PRECISION_INT8] = "int8", [PRECISION_AUTO] = "auto",
};
