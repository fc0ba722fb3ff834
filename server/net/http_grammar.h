/* The pieces of RFC 9110, 9112 and 3986 that the reader uses. Pure. */
#ifndef SERVER_NET_HTTP_GRAMMAR_H
#define SERVER_NET_HTTP_GRAMMAR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"

enum http_class {
    HTTP_TOKEN = 1 << 0,  /* tchar */
    HTTP_TEXT = 1 << 1,   /* VCHAR, obs-text, SP, HTAB: what a field's value may hold */
    HTTP_TARGET = 1 << 2, /* pchar, "/" and "?"; "%" only before two hex digits */
    HTTP_HOST = 1 << 3,   /* reg-name; "%" as above */
    HTTP_HEX = 1 << 4,
};

extern const uint8_t http_classes[256];

static inline bool http_is(char c, unsigned classes)
{
    return (http_classes[(unsigned char)c] & classes) != 0;
}

bool http_is_token(struct view v); /* not empty */
/* uri-host [ ":" port ]; may be empty, as a Host field may. need_port: CONNECT's target. */
bool http_is_authority(struct view v, bool need_port);
/* The next element of a comma-separated list, blanks cut; false at the end. *rest starts as the
 * whole. */
bool http_list_next(struct view *rest, struct view *element);

struct http_target {
    struct view path;      /* "*" for the asterisk form; empty when the target names none */
    struct view query;     /* after "?" */
    struct view authority; /* of the absolute form; empty in the others */
};

/* Any of the four forms of a request target. false when it is none, or not the method's. */
bool http_target_parse(struct view method, struct view target, struct http_target *out);

#endif
