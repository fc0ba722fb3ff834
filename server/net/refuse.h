/* A minimal 503 for connections that there is no memory or descriptor for. */
#ifndef SERVER_NET_REFUSE_H
#define SERVER_NET_REFUSE_H

/* Answers without reading the request, and closes. fd is non-blocking. */
void refuse_at_once(int fd);

#endif
