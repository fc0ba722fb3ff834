/* The public listener's limits out of its options and the descriptors that there are. */
#include "server/net/limits.h"

#include "server/net/descriptors.h"

struct net_limits net_limits_of(const struct http_options *http)
{
    const struct descriptors share = descriptors_share(descriptors_limit(), http);

    return (struct net_limits){
        .http = http, .max_connections = share.connections, .max_refusing = share.refusing};
}
