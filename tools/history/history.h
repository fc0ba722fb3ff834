/*
 * put, get and erase over streams of JSON Lines. A bad line is reported on `errors` by its number
 * and skipped; the rest is done, and the run then fails with ERR_DATA. When Redis is lost or
 * refuses a command, the run stops with ERR_UNAVAILABLE. Errors never repeat a user's id or events.
 */
#ifndef TOOLS_HISTORY_HISTORY_H
#define TOOLS_HISTORY_HISTORY_H

#include "tools/history/options.h"

int history_run(const struct options *options, FILE *in, FILE *out, FILE *errors,
                struct err *err) MUST_CHECK;

#endif
