/* Answering a request with an error, and what every answer counts. */
#ifndef SERVER_REQUEST_REPLY_H
#define SERVER_REQUEST_REPLY_H

#include "server/request/request_state.h"

/* Answers the call with an error in its format. Returns STEP_ENDED. */
enum step_result request_refuse(struct request *r, enum problem_code code,
                                const struct problems *problems);
/* The same after a failure: ERR_NOMEM is the client's to know, anything else is a bug of ours. */
enum step_result request_fail(struct request *r, const struct err *err);
/* Counts an answer that is about to be written after its deadline. */
void request_count_late(struct request *r);

#endif
