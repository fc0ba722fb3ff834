/* W3C Trace Context, level 1: whether a traceparent field is well formed, so that it may be
 * logged as it is. */
#ifndef SERVER_NET_TRACEPARENT_H
#define SERVER_NET_TRACEPARENT_H

#include "base/view.h"

/* version "-" trace-id "-" parent-id "-" flags in lower-case hex; neither id all zeros, version
 * not ff; a version above 00 may continue after another "-". Pure. */
bool traceparent_is_valid(struct view v);

#endif
