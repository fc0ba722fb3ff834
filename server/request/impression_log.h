/*
 * log.impressions: answered requests as JSON Lines in the trainer's form (CONTRACT 6), written by
 * its own thread. Workers hand over finished lines; when the writer cannot keep up, lines are
 * dropped and counted, and no worker waits. An outage is two log events: impressions_failed with
 * the error, and impressions_recovered with the number of lines lost.
 */
#ifndef SERVER_REQUEST_IMPRESSION_LOG_H
#define SERVER_REQUEST_IMPRESSION_LOG_H

#include <stdint.h>

#include "base/err.h"
#include "base/view.h"

struct impression_log;

/* Starts the writer, which discards lines until impression_log_open(). */
int impression_log_new(struct impression_log **out, struct err *err) MUST_CHECK;
/* Writes all lines that were added, then ends the thread. */
void impression_log_free(struct impression_log *log);

/* Opens path for appending, creating it, and writes there from now on; NULL stops writing. Opening
 * the same path again is how logs are rotated. Any thread. On failure the old file stays open. */
int impression_log_open(struct impression_log *log, const char *path, struct err *err) MUST_CHECK;

/* Any thread; copies line, which ends with a newline. */
void impression_log_add(struct impression_log *log, struct view line);

uint64_t impression_log_dropped(const struct impression_log *log); /* lines; any thread */

#endif
