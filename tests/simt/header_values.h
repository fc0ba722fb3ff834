/* Values of CUDA's headers by name. */
#ifndef TESTS_SIMT_HEADER_VALUES_H
#define TESTS_SIMT_HEADER_VALUES_H

#include <stddef.h>

struct header_value {
    const char *name;
    long long value;
};

/* End with a NULL name. */
extern const struct header_value header_values_ours[];
extern const struct header_value header_values_toolkit[]; /* where HAVE_TOOLKIT */

#endif
