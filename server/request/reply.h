/* Answers with errors, and the count of late answers. */
#ifndef SERVER_REQUEST_REPLY_H
#define SERVER_REQUEST_REPLY_H

#include "server/request/request_state.h"

/* Answers the call with an error in its format. Returns STEP_ENDED. */
enum step_result request_refuse(struct request *r, enum problem_code code,
                                const struct problems *problems);
/* Same, after a failure: ERR_NOMEM is reported to the client, any other code is a bug. */
enum step_result request_fail(struct request *r, const struct err *err);
/* Call just before an answer is written: counts it if its deadline has passed. */
void request_count_late(struct request *r);

#endif
