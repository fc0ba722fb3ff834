/* Sends a constant 503. */
#include "server/net/refuse.h"

#include <sys/socket.h>
#include <unistd.h>

void refuse_at_once(int fd)
{
    static const char response[] = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"
                                   "Content-Length: 0\r\nConnection: close\r\n\r\n";

    (void)!send(fd, response, sizeof(response) - 1, MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
    close(fd);
}
