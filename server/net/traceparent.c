/* Checks a traceparent character by character. */
#include "server/net/traceparent.h"

#define LEN_00 55

/* n lower-case hex digits. */
static bool is_hex(const char *at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!((at[i] >= '0' && at[i] <= '9') || (at[i] >= 'a' && at[i] <= 'f')))
            return false;
    return true;
}

static bool is_zero(const char *at, size_t n)
{
    return memcmp(at, "00000000000000000000000000000000", n) == 0;
}

bool traceparent_is_valid(struct view v)
{
    if (v.len < LEN_00 || v.ptr[2] != '-' || v.ptr[35] != '-' || v.ptr[52] != '-')
        return false;
    if (!is_hex(v.ptr, 2) || !is_hex(v.ptr + 3, 32) || !is_hex(v.ptr + 36, 16) ||
        !is_hex(v.ptr + 53, 2))
        return false;
    if (v.len > LEN_00 && (is_zero(v.ptr, 2) || v.ptr[LEN_00] != '-' || v.len > 256))
        return false;
    return !is_zero(v.ptr + 3, 32) && !is_zero(v.ptr + 36, 16) && memcmp(v.ptr, "ff", 2) != 0;
}
