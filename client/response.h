/*
 * struct response_reader: one HTTP/1.x response out of bytes. Pure: no I/O, no allocation, no
 * pointers kept, so an event loop and a blocking client both use it. The caller holds the
 * response's bytes from its first on, contiguous, and may move them between calls.
 *
 * It reads what servers send (Content-Length, chunked, until close; 100 Continue is skipped) and
 * refuses anything else.
 */
#ifndef CLIENT_RESPONSE_H
#define CLIENT_RESPONSE_H

#include <stdint.h>

#include "base/view.h"

#define RESPONSE_MAX_FIELDS 64

enum response_progress { RESPONSE_MORE, RESPONSE_DONE, RESPONSE_BAD };

struct response_field {
    uint32_t name, name_len, value, value_len; /* offsets into the bytes */
};

struct response_reader {
    int state;
    size_t pos;
    size_t line;
    uint64_t left;
    bool head_request; /* no body follows, whatever the head says */

    int status;
    bool keep_alive;
    bool chunked;
    struct response_field fields[RESPONSE_MAX_FIELDS];
    int n_fields;
    size_t body_start;
    size_t body_len; /* so far, chunks joined */
    size_t end;      /* RESPONSE_DONE: first byte after it */
};

/* head_request: the request was a HEAD. */
void response_reader_init(struct response_reader *reader, bool head_request);
/* bytes[0 .. *len) are all that is held; chunk framing is squeezed out and *len shrinks. eof: no
 * more will come. Too few bytes at the end is RESPONSE_BAD. */
enum response_progress response_reader_run(struct response_reader *reader, char *bytes, size_t *len,
                                           bool eof);
/* First field of that name, letter case aside; ptr NULL when absent. */
struct view response_header(const struct response_reader *reader, const char *bytes,
                            const char *name);

#endif
