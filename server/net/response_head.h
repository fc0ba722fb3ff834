/* The head of a response as text. Pure. */
#ifndef SERVER_NET_RESPONSE_HEAD_H
#define SERVER_NET_RESPONSE_HEAD_H

#include "server/net/http_call.h"

#define HTTP_DATE_BYTES 40

struct response_head_args {
    const char *date; /* http_date() */
    const char *request_id;
    bool close;      /* Connection: close */
    bool keep_alive; /* else Connection: keep-alive, for HTTP/1.0 */
};

/* Replaces what out holds, the empty line included. */
void response_head(struct buf *out, const struct http_response *response,
                   const struct response_head_args *args);
/* IMF-fixdate (RFC 9110, 5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT". */
void http_date(int64_t unix_s, char out[HTTP_DATE_BYTES]);
/* "Not Found"; "" for an unknown status. */
const char *http_reason(int status);
/* Whether a request id is echoed: 1 to HTTP_CALL_ID_MAX of [A-Za-z0-9._:+/=-]. */
bool request_id_is_valid(struct view id);

#endif
