/* The query of a request target ("dry_run=1&verbose") as switches. Pure. */
#ifndef SERVER_NET_QUERY_H
#define SERVER_NET_QUERY_H

#include <stdbool.h>

#include "base/err.h"
#include "base/view.h"

struct query_switch {
    const char *name;
    bool *on; /* false where the query does not name it */
};

struct query_args {
    struct view query; /* as sent */
    const struct query_switch *switches;
    int n_switches;
    bool strict; /* a name that is no switch is an error, else it is passed over */
};

/* A switch is on by its name alone and by =1 and =true, off by =0 and =false. Nothing is
 * decoded: what needs a "%" is none of these. ERR_USAGE names the parameter, and what there is:
 * an unknown one, another value, a switch that is there twice. */
int query_read(const struct query_args *args, struct err *err) MUST_CHECK;

#endif
