/* struct http_refusal: why a request cannot be read any further. */
#ifndef SERVER_NET_HTTP_REFUSAL_H
#define SERVER_NET_HTTP_REFUSAL_H

#include "server/net/problem.h"

struct http_refusal {
    enum problem_code problem; /* status and code; one that closes the connection */
    const char *detail;        /* one static sentence */
};

/* Returns -1, so that "return http_refuse(...)" reads well. */
static inline int http_refuse(struct http_refusal *refusal, enum problem_code problem,
                              const char *detail)
{
    *refusal = (struct http_refusal){problem, detail};
    return -1;
}

#endif
