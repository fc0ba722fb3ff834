/* Chunked bodies (RFC 9112, 7.1), byte by byte. Pure. */
#ifndef SERVER_NET_HTTP_BODY_H
#define SERVER_NET_HTTP_BODY_H

#include "server/net/http_reader.h"

/* Goes on at r->pos and joins the chunks' bytes behind r->body_start. 0: complete; 1: all bytes are used up; -1: refused.
 * On 0 and 1 what lay between the joined bytes and the rest has been closed up and *len is less. */
int http_body_chunks(struct http_reader *r, char *bytes, size_t *len) MUST_CHECK;

#endif
