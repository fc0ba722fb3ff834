/* The way in, and the state machine that takes a request from step to step. The worker's thread
 * only. */
#ifndef SERVER_REQUEST_REQUEST_H
#define SERVER_REQUEST_REQUEST_H

#include "server/request/request_state.h"

/* A route's handler for requests to be ranked. format: the route's struct wire_format. The
 * connection pool's user is the struct request_worker. */
void request_handle(struct http_call *call, void *format);

/* Call when what a step waits for has arrived: the request continues as if the step had returned
 * that result now. May be called while the step still runs, which then returns STEP_WAIT. */
void request_resume(struct request *r, enum step_result result);

#endif
