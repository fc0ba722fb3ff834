/* A behaviour as requests, logs and adrank-history spell it. */
#ifndef IMPRESSION_BEHAVIOUR_JSON_H
#define IMPRESSION_BEHAVIOUR_JSON_H

#include "adrank/impression.h"
#include "json/writer.h"

/* Members "t", "type" and, where they are not empty, "item" and "text" of the object that is
 * open. */
void behaviour_write_json(struct json_writer *w, const struct behaviour *behaviour);

#endif
