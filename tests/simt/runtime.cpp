/* The CUDA runtime on the processor: what its files share. */
#include "tests/simt/runtime_state.h"

#include <stdlib.h>

int simt_number(const char *name, int otherwise)
{
    const char *text = getenv(name);
    return text ? atoi(text) : otherwise;
}

static struct runtime *make_runtime()
{
    struct runtime *r = new struct runtime();

    r->total_bytes = (size_t)simt_number("ADRANK_SIMT_MEMORY_MB", 4096) << 20;
    r->n_devices = simt_number("ADRANK_SIMT_DEVICES", 1);
    r->random = (uint64_t)simt_number("ADRANK_SIMT_SEED", 0) * 2654435761u + 362436069u;
    return r;
}

struct runtime &the()
{
    static struct runtime *runtime = make_runtime();
    return *runtime;
}

size_t simt_device_bytes(void)
{
    LOCK;
    return the().device_bytes;
}

int simt_objects(void)
{
    LOCK;
    return the().n_objects;
}
