/* The way in: a route's handler for requests to be ranked. */
#ifndef SERVER_REQUEST_HANDLER_H
#define SERVER_REQUEST_HANDLER_H

#include "server/net/http_call.h"

/* format: the route's struct wire_format. The pool's user is the struct request_worker. */
void request_handle(struct http_call *call, void *format);

#endif
