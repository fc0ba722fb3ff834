/* deadline.on_late: how a request continues when there is no time, or no room, for all of its
 * steps. */
#ifndef SERVER_REQUEST_ON_LATE_H
#define SERVER_REQUEST_ON_LATE_H

#include "server/request/request_state.h"

/* r is late and its step was abandoned. NEXT: continue with the steps after r->step that a late
 * request runs; ENDED: it was refused. */
enum step_result request_go_late(struct request *r);

#endif
