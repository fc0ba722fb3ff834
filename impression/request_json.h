/* A request as JSON, in the form of CONTRACT 3: as decode_request() would read it; and a line of
 * adrank-history, whose events have the same form. */
#ifndef IMPRESSION_REQUEST_JSON_H
#define IMPRESSION_REQUEST_JSON_H

#include "adrank/impression.h"
#include "json/writer.h"

/*
 * Writes one object: id, tmax, user.id, device, site, imp and rank, each where it has a value;
 * rank.candidates where has_candidates. The privacy signals, badv, bcat and cur are left out: the
 * values written have already been filtered by them, or never had them.
 */
void request_write_json(struct json_writer *w, const struct impression_request *request);

/* Same, for a caller that has its candidates in another form: between the two calls rank is the
 * open object, with all its other members written. */
void request_write_begin(struct json_writer *w, const struct impression_request *request);
void request_write_end(struct json_writer *w);
/* An item of rank.candidates. */
void candidate_write_json(struct json_writer *w, const struct candidate *candidate);

/* A line of adrank-history, including its newline: "user", where it is not empty, "t", "type" and,
 * where they are not empty, "item" and "text". */
void behaviour_write_line(struct buf *out, struct view user, const struct behaviour *behaviour);

#endif
