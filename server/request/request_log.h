/* Logs answered requests, as configured. */
#ifndef SERVER_REQUEST_REQUEST_LOG_H
#define SERVER_REQUEST_REQUEST_LOG_H

#include "server/request/request_state.h"

/* Call before the answer is written. Writes the wide log line and the line for the trainer. */
void request_log(struct request *r, const struct answer *answer);

#endif
