/* The head of an answer as text. Pure. */
#ifndef SERVER_NET_ANSWER_HEAD_H
#define SERVER_NET_ANSWER_HEAD_H

#include "server/net/exchange.h"

#define ANSWER_DATE_BYTES 40

struct answer_head_args {
    const char *date; /* answer_date() */
    const char *request_id;
    bool close;      /* Connection: close */
    bool keep_alive; /* else Connection: keep-alive, which HTTP/1.0 must be told */
};

/* Replaces what out holds, the empty line included. */
void answer_head(struct buf *out, const struct answer *answer, const struct answer_head_args *args);
/* IMF-fixdate (RFC 9110, 5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT". */
void answer_date(int64_t unix_s, char out[ANSWER_DATE_BYTES]);
/* "Not Found"; "" for a status that nobody has named. */
const char *answer_reason(int status);
/* Whether a request id is echoed: 1 to EXCHANGE_ID_MAX of [A-Za-z0-9._:+/=-]. */
bool answer_id_is_sane(struct view id);

#endif
