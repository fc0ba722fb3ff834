/*
 * Who may call /admin/...: programs that were configured with this address. Not a page in an
 * operator's browser that refers to it (a foreign Origin), nor one whose own name was made to
 * resolve to it (a foreign Host; DNS rebinding). Pure.
 */
#ifndef SERVER_ADMIN_CALLER_H
#define SERVER_ADMIN_CALLER_H

#include "base/view.h"

struct caller {
    struct view host;       /* "name:port" that the request is for; ptr NULL: HTTP/1.0 without */
    struct view origin;     /* Origin; ptr NULL: absent, as all three */
    struct view fetch_site; /* Sec-Fetch-Site */
};

/* NULL when the call is accepted, else the reason. The host may be an IP address, localhost or the
 * host of `address`, which is admin.address as configured; over a UNIX socket any. An origin has to
 * be that very host and port. */
const char *caller_refused(const struct caller *caller, const char *address);

#endif
