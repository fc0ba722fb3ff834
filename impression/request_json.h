/* A request as JSON, in the form of CONTRACT 3: what decode_request() would make it of. */
#ifndef IMPRESSION_REQUEST_JSON_H
#define IMPRESSION_REQUEST_JSON_H

#include "adrank/impression.h"
#include "json/writer.h"

/*
 * Writes one object: id, tmax, user.id, device, site, imp and rank, each where it has a value; rank.candidates
 * where has_candidates. The privacy signals, badv, bcat and cur are left out: what is written has been decided
 * by them, or was made without them.
 */
void request_write_json(struct json_writer *w, const struct impression_request *request);

#endif
