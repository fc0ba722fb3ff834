/* The one file in C++: oneDNN throws, and only C++ can catch. */
#include "kernels/cpu/onednn_guard.h"

#include <new>

#include <sys/mman.h>

namespace
{

/* Far more than creating any object takes: mostly the code of a kernel, some 100 KB. */
const size_t room_bytes = 8 << 20;

/* Bypasses malloc, so as not to change how it obtains memory. */
bool has_room()
{
    void *room =
        mmap(nullptr, room_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return room != MAP_FAILED && munmap(room, room_bytes) == 0;
}

/* For each call a function of the same type, whose parameters are deduced. */
template <auto call, bool makes> struct guarded;

template <typename... Args, dnnl_status_t (*call)(Args...), bool makes>
struct guarded<call, makes> {
    static dnnl_status_t made(Args... args) noexcept
    {
        if (makes && !has_room())
            return dnnl_out_of_memory;
        try {
            return call(args...);
        } catch (const std::bad_alloc &) {
            return dnnl_out_of_memory;
        } catch (...) {
            return dnnl_runtime_error;
        }
    }
};

} // namespace

const struct onednn_calls onednn = {
#define MAKE(name) guarded<dnnl_##name, true>::made,
#define CALL(name) guarded<dnnl_##name, false>::made,
    ONEDNN_CALLS(MAKE, CALL)
#undef CALL
#undef MAKE
};
