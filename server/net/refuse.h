/* A 503 in a few bytes, for connections that there is no room for at all: no memory, no
 * descriptor, no reader. */
#ifndef SERVER_NET_REFUSE_H
#define SERVER_NET_REFUSE_H

/* Answers what nobody has read, and closes. fd is non-blocking. */
void refuse_at_once(int fd);

#endif
