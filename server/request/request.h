/* The state machine that takes a request from step to step. The worker's thread only. */
#ifndef SERVER_REQUEST_REQUEST_H
#define SERVER_REQUEST_REQUEST_H

#include "server/request/request_state.h"

/* r is fresh from the pool of a worker that has a world. It is put back once the call is
 * answered or the client has gone. */
void request_start(struct request *r, struct http_call *call, const struct wire_format *format);

/* Call when what a step waits for has arrived: the request continues as if the step had returned
 * that result now. May be called while the step still runs, which then returns STEP_WAIT. */
void request_resume(struct request *r, enum step_result result);

#endif
