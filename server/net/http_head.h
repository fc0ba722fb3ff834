/* The head of a request, line by line: http_reader.c finds the lines, this says what they mean. Pure. */
#ifndef SERVER_NET_HTTP_HEAD_H
#define SERVER_NET_HTTP_HEAD_H

#include "server/net/http_reader.h"

/* Each 0, or -1 refused. A line comes without its CRLF, of HTTP_TEXT bytes only, and lies within bytes. */
int http_head_request_line(struct http_reader *r, const char *bytes, struct view line) MUST_CHECK;
int http_head_field(struct http_reader *r, const char *bytes, struct view line) MUST_CHECK;
/* The empty line: Host, framing, persistence; r->pos is behind it. */
int http_head_end(struct http_reader *r, const char *bytes) MUST_CHECK;

/* Notes why; returns -1. In http_reader.c. */
int http_refuse(struct http_reader *r, enum problem_code problem, const char *detail);

#endif
