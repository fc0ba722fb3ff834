/* What every answer to a /rank has to be, whatever was asked. */
#ifndef TESTS_STORM_ANSWER_H
#define TESTS_STORM_ANSWER_H

#include "client/http_client.h"

/* NULL, or what is wrong with it. The bytes are those of one whole response. */
const char *answer_complaint(int status, struct view content_type, struct view body);

#endif
