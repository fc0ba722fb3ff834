/* Splits a host from its port. */
#include "base/host_port.h"

#include <arpa/inet.h>

#include "base/number.h"

/* Length of "[v6]", brackets included, or of the part before the first colon; 0: neither. */
static size_t host_len(struct view text)
{
    const char *end = NULL;

    if (text.len == 0)
        return 0;
    if (text.ptr[0] == '[') {
        end = memchr(text.ptr, ']', text.len);
        return end ? (size_t)(end - text.ptr) + 1 : 0;
    }
    end = memchr(text.ptr, ':', text.len);
    return end ? (size_t)(end - text.ptr) : text.len;
}

int host_port_parse(struct view text, struct host_port *out)
{
    size_t len = host_len(text);
    struct view host = {text.ptr, len};
    int64_t port = -1;

    if (len == 0)
        return -1;
    /* A second colon, as in "::1:80", is not part of a number. */
    if (len < text.len &&
        (text.ptr[len] != ':' ||
         number_int((struct view){text.ptr + len + 1, text.len - len - 1}, 0, 65535, &port)))
        return -1;
    if (host.ptr[0] == '[')
        host = (struct view){host.ptr + 1, len - 2};
    if (host.len == 0 || host.len >= sizeof(out->host))
        return -1;
    memcpy(out->host, host.ptr, host.len);
    out->host[host.len] = '\0';
    out->port = (int)port;
    return 0;
}

bool host_is_address(const char *host)
{
    struct in6_addr bytes;

    return inet_pton(AF_INET, host, &bytes) == 1 || inet_pton(AF_INET6, host, &bytes) == 1;
}
