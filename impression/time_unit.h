/* Guesses the unit of a time where milliseconds since 1970 are expected: seconds and microseconds
 * are common mistakes. */
#ifndef IMPRESSION_TIME_UNIT_H
#define IMPRESSION_TIME_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Seconds from 2001 to the end of 2100. */
static inline bool time_is_plausible_s(int64_t s)
{
    return s >= INT64_C(978307200) && s < INT64_C(4133980800);
}

/* "seconds", "microseconds", "nanoseconds", if t is a present-day time in that unit; NULL: in
 * milliseconds, or in none. */
static inline const char *time_wrong_unit(int64_t t)
{
    if (time_is_plausible_s(t / 1000))
        return NULL;
    if (time_is_plausible_s(t))
        return "seconds";
    if (time_is_plausible_s(t / 1000000))
        return "microseconds";
    return time_is_plausible_s(t / INT64_C(1000000000)) ? "nanoseconds" : NULL;
}

#endif
