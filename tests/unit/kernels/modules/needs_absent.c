/* A module that needs a function nobody defines. */
#include "kernels/backend.h"

int absent_call(void);
int needs_absent_call(void);
int needs_absent_call(void)
{
    return absent_call();
}

extern const struct backend_module adrank_backend;
const struct backend_module adrank_backend = {BACKEND_ABI, &backend_cpu};
const struct backend_ops backend_cpu;
