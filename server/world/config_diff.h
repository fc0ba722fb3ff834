/* Compares two configurations: what a reload changes, and what needs a restart. */
#ifndef SERVER_WORLD_CONFIG_DIFF_H
#define SERVER_WORLD_CONFIG_DIFF_H

#include "json/writer.h"
#include "server/world/config.h"

/*
 * Compares the running configuration with a new one: writes the arrays of CONTRACT's reload answer,
 * "changed":[...],"needs_restart":[...], into w (an object is open). Returns how many are changed,
 * that is in effect immediately.
 */
int config_diff(const struct config *running, const struct config *next, struct json_writer *w);

/*
 * The same as text, appended to out: "batch.max_tokens 8192 -> 4096, http.workers 1 -> 2 (needs a
 * restart)"; for a secret only that it changed. At most about 1,500 bytes; the rest is counted.
 */
void config_changes(const struct config *running, const struct config *next, struct buf *out);

/* Copies the running value of every option that needs a restart into `next`, so that it holds the
 * values in effect. */
int config_keep_restart(const struct config *running, struct config *next,
                        struct err *err) MUST_CHECK;

#endif
