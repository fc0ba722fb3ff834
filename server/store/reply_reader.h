/*
 * struct reply_reader: what a peer sends, read as RESP2 to the replies of the commands that wait
 * for them. The peer is not trusted: a reply is accepted only for an outstanding command and no
 * larger than that command allows, and memory is allocated for bytes that have arrived, never for
 * what a length announces. All of it is charged to the budget.
 *
 * Received bytes go where reply_reader_room() points. Each reply is read by reply_reader_next()
 * and stays, as views into these bytes, until reply_reader_drop(): so the replies of a call of
 * several commands are handed out together. No allocation after warm-up. One thread.
 */
#ifndef SERVER_STORE_REPLY_READER_H
#define SERVER_STORE_REPLY_READER_H

#include "base/budget.h"
#include "server/store/command.h"

/* Of the reply to one command. */
struct reply_bounds {
    const struct store_expected *expected; /* NULL: any */
    int max_elements;
    size_t max_bytes; /* of all replies that are not dropped, as they come */
};

enum reply_progress {
    REPLY_WHOLE,    /* one more is whole */
    REPLY_PART,     /* more bytes have to come */
    REPLY_BROKEN,   /* `why` for the log; nothing may be read any more */
    REPLY_NO_MEMORY /* the same, for lack of it */
};

struct reply_list {
    struct store_reply *items;
    int n, capacity;
};

struct reply_reader {
    struct budget *memory; /* NULL: nothing is charged */
    int64_t charged_bytes;
    char *bytes; /* (capacity) what has come; [first, at) are replies, [at, len) is not read yet */
    size_t first, at, len, capacity;
    struct reply_list replies, elements; /* elements of all arrays, in order */
    int n_missing;                       /* elements of the last reply, which is an array */
    const char *why;
};

void reply_reader_init(struct reply_reader *reader, struct budget *memory);
void reply_reader_release(struct reply_reader *reader);

/* Room to receive *n bytes; NULL with `why` if out of memory. */
char *reply_reader_room(struct reply_reader *reader, size_t *n);
/* n bytes were received there. */
void reply_reader_received(struct reply_reader *reader, size_t n);

/* bounds: of the command whose reply is next; NULL: none is owed, and any byte is an error. */
enum reply_progress reply_reader_next(struct reply_reader *reader,
                                      const struct reply_bounds *bounds);
/* How many are complete and not dropped; the next one belongs to the command after these. */
static inline int reply_reader_n_whole(const struct reply_reader *reader)
{
    return reader->replies.n - (reader->n_missing > 0);
}

/* Those, between two calls of reply_reader_next(). */
const struct store_reply *reply_reader_replies(struct reply_reader *reader);
void reply_reader_drop(struct reply_reader *reader);

/* Bytes that are held: of a call whose replies have not all arrived. */
static inline size_t reply_reader_held(const struct reply_reader *reader)
{
    return reader->len - reader->first;
}

/* max_bytes of the reader for a call of these commands. */
size_t reply_reader_max_bytes(const struct store_command *commands, int n_commands);

#endif
