/*
 * Reads JSON objects into structs by tables of fields (json/fields.h): the request, a line of a
 * catalog and a line for adrank-history are read this way.
 *
 * Unknown keys are counted and skipped. Every invalid field becomes a problem with its pointer, and
 * reading continues. Pointers hold only names from the tables and indices, so nothing in them needs
 * the escapes of RFC 6901. A duplicate of a known key makes the whole text invalid (text.wrong).
 */
#ifndef JSON_OBJECT_H
#define JSON_OBJECT_H

#include "json/field_problems.h"
#include "json/fields.h"

enum read_status { READ_OK, READ_NOT_JSON, READ_INVALID, READ_OUT_OF_MEMORY };

/*
 * Reads a text that is one object into *out (schema->bytes). JSON_PADDING bytes after it must be
 * readable. Strings are views into the text or, where they have escapes, into the arena; lists are
 * the arena's. READ_NOT_JSON: leaves exactly one problem (others of this text are removed), with
 * the prefix as pointer and the byte offset in its detail.
 */
enum read_status object_read(struct object_reader *reader, struct view bytes, struct arena *arena,
                             const struct schema *schema, void *out) MUST_CHECK;

#endif
