/*
 * struct json_writer: JSON text (RFC 8259) into a buf, with commas added automatically. Values are
 * written in the order of the calls; keys are not checked for duplicates. Strings are escaped;
 * bytes that are not UTF-8 become U+FFFD, so the output is always valid. Numbers that are not
 * finite are a BUG. Allocates only by growing the buf. At depth 0 no commas are placed, for JSON
 * Lines. Functions are jw_*, since json_* is jansson's.
 */
#ifndef JSON_WRITER_H
#define JSON_WRITER_H

#include <stdint.h>

#include "base/buf.h"

#define JSON_WRITER_MAX_DEPTH 32

struct json_writer {
    struct buf *out;
    unsigned depth;
    uint64_t has_item; /* bit d: level d already holds an item */
    bool after_key;    /* the next value belongs to the key just written */
};

void json_writer_init(struct json_writer *w, struct buf *out);

void jw_object_begin(struct json_writer *w);
void jw_object_end(struct json_writer *w);
void jw_array_begin(struct json_writer *w);
void jw_array_end(struct json_writer *w);
void jw_key(struct json_writer *w, const char *key); /* key needs no escaping */

void jw_str(struct json_writer *w, const char *s);
void jw_view(struct json_writer *w, struct view v);
void jw_int(struct json_writer *w, int64_t v);
/* Shortest text that reads back as the same double. */
void jw_double(struct json_writer *w, double v);
/* At most `digits` significant digits (1..17), trailing zeros cut: for responses. Fast. */
void jw_number(struct json_writer *w, double v, int digits);
/* Text that is already JSON. */
void jw_raw(struct json_writer *w, struct view json);

/* A member of the open object: key and value. */
void jw_member_str(struct json_writer *w, const char *key, const char *s);
void jw_member_view(struct json_writer *w, const char *key, struct view v);
/* Writes nothing if v is empty. */
void jw_member_filled(struct json_writer *w, const char *key, struct view v);
/* An array of strings; nothing if there are none. */
void jw_member_views(struct json_writer *w, const char *key, const struct views *values);
/* Opens one, to be closed with jw_object_end() or jw_array_end(). */
void jw_member_object(struct json_writer *w, const char *key);
void jw_member_array(struct json_writer *w, const char *key);
void jw_member_int(struct json_writer *w, const char *key, int64_t v);
void jw_member_bool(struct json_writer *w, const char *key, bool v);
void jw_member_double(struct json_writer *w, const char *key, double v);
void jw_member_number(struct json_writer *w, const char *key, double v, int digits);

#endif
