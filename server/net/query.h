/* The query of a request target as at most one switch ("dry_run=1"). Pure. */
#ifndef SERVER_NET_QUERY_H
#define SERVER_NET_QUERY_H

#include <stdbool.h>

#include "base/err.h"
#include "base/view.h"

struct query_args {
    struct view query; /* as sent */
    const char *name;  /* of the switch; NULL: there is none */
    bool strict;       /* any other parameter is an error, else it is ignored */
};

/* *on: the switch is there by its name alone, or with =1 or =true; =0 and =false turn it off.
 * Nothing is decoded: what needs a "%" is none of these. ERR_USAGE names the parameter, and what is
 * expected: an unknown one, another value, a duplicate. */
int query_read(const struct query_args *args, bool *on, struct err *err) MUST_CHECK;

#endif
