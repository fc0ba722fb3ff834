/* deadline.on_late: how a request goes on that has no time, or no place, for all of its steps. */
#ifndef SERVER_REQUEST_ON_LATE_H
#define SERVER_REQUEST_ON_LATE_H

#include "server/request/request_state.h"

/* The request is marked late, and its step is abandoned. NEXT: with the steps behind r->step that a
 * late request runs; ENDED: it was refused. */
enum step_result request_go_late(struct request *r);

#endif
