/* A behaviour in the JSON form of requests, logs and adrank-history. */
#ifndef IMPRESSION_BEHAVIOUR_JSON_H
#define IMPRESSION_BEHAVIOUR_JSON_H

#include "adrank/impression.h"
#include "base/buf.h"
#include "json/writer.h"

/* Members "t", "type" and, where they are not empty, "item" and "text" of the open object. */
void behaviour_write_json(struct json_writer *w, const struct behaviour *behaviour);

/* A line of adrank-history, including its newline: "user", where it is not empty, and those
 * members. */
void behaviour_write_line(struct buf *out, struct view user, const struct behaviour *behaviour);

#endif
