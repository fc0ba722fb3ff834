/* What every answer to /rank must satisfy, whatever the request. */
#ifndef TESTS_STORM_ANSWER_H
#define TESTS_STORM_ANSWER_H

#include "client/http_client.h"

/* NULL, or what is wrong with it. The bytes are one complete response. */
const char *answer_complaint(int status, struct view content_type, struct view body);

#endif
