/* Divides the descriptors of the process. */
#include "server/net/descriptors.h"

#include <sys/resource.h>

/* Standard streams, listeners, signals, logs, loops; then a worker's loop, mailbox, timers and
 * connection to Redis. */
#define FIXED 32
#define PER_WORKER 4
#define MAX_REFUSING 1024

static int64_t clamp(int64_t value, int64_t min, int64_t max)
{
    return value < min ? min : value > max ? max : value;
}

struct descriptors descriptors_share(int64_t limit, const struct http_options *http)
{
    const int64_t wanted = http->max_connections;
    const int64_t fixed = FIXED + PER_WORKER * http->workers;
    const int64_t rest = limit > fixed ? limit - fixed : 0;
    const int64_t files = clamp(rest / 8, 4, 32); /* that a load reads */
    struct descriptors out = {.admin = clamp(rest / 8, 4, 64)};
    int64_t left, least;

    out.admin_refusing = out.admin / 4;
    left = rest - files - out.admin - out.admin_refusing;
    least = clamp((wanted < left ? wanted : left) / 64, 2, MAX_REFUSING);
    out.connections = clamp(left - least, 1, wanted);
    out.refusing = clamp(left - out.connections, least, MAX_REFUSING);
    out.others = fixed + files + out.admin + out.admin_refusing + out.refusing;
    return out;
}

int64_t descriptors_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur > INT64_MAX)
        return INT64_MAX;
    return (int64_t)limit.rlim_cur;
}

struct net_limits net_limits_of(const struct http_options *http)
{
    const struct descriptors share = descriptors_share(descriptors_limit(), http);

    return (struct net_limits){
        .http = http, .max_connections = share.connections, .max_refusing = share.refusing};
}
