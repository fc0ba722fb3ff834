/* Checks a traceparent character by character. */
#include "server/net/traceparent.h"

#define LEN_00 55

/* n lower-case hex digits; *zero: all of them are 0. */
static bool is_hex(const char *at, int n, bool *zero)
{
    *zero = true;
    for (int i = 0; i < n; i++) {
        if (!((at[i] >= '0' && at[i] <= '9') || (at[i] >= 'a' && at[i] <= 'f')))
            return false;
        *zero &= at[i] == '0';
    }
    return true;
}

bool traceparent_is_valid(struct view v)
{
    bool zero_version, zero_trace, zero_parent, zero_flags;

    if (v.len < LEN_00 || v.ptr[2] != '-' || v.ptr[35] != '-' || v.ptr[52] != '-')
        return false;
    if (!is_hex(v.ptr, 2, &zero_version) || !is_hex(v.ptr + 3, 32, &zero_trace) ||
        !is_hex(v.ptr + 36, 16, &zero_parent) || !is_hex(v.ptr + 53, 2, &zero_flags))
        return false;
    if (v.len > LEN_00 && (zero_version || v.ptr[LEN_00] != '-' || v.len > 256))
        return false;
    return !zero_trace && !zero_parent && memcmp(v.ptr, "ff", 2) != 0;
}
