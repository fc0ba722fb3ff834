/* What is logged of an answered request, as configured. */
#ifndef SERVER_REQUEST_REQUEST_LOG_H
#define SERVER_REQUEST_REQUEST_LOG_H

#include "server/request/request_state.h"

/* Before the answer is written: the wide log line, and the line for the trainer. */
void request_log(struct request *r, const struct answer *answer);

#endif
