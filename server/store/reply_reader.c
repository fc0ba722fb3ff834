/* RESP2 from an untrusted peer to neutral replies, in bounded memory. */
#include "server/store/reply_reader.h"

#include <stdlib.h>

#include "base/number.h"

#define READ_BYTES 16384            /* least room to receive into */
#define KEEP_BYTES (256 << 10)      /* kept for the next replies, unless memory is short */
#define MAX_BYTES ((size_t)4 << 20) /* of a call's replies, unless its commands allow more */
#define ELEMENT_BYTES 16            /* approximate overhead of an element */
#define MAX_NUMBER_BYTES 32         /* of a length or an integer */
#define MAX_LINE_BYTES 4096         /* of a status or an error */
#define FIRST_CAPACITY 16           /* of a list of replies */

static const char unowed[] = "nonsense: unexpected reply";
static const char nested[] = "nonsense: nested array";
static const char too_many[] = "nonsense: more elements than requested";
static const char too_long[] = "nonsense: reply too long";
static const char malformed[] = "nonsense: malformed reply";
static const char other_type[] = "nonsense: not a RESP2 type";
static const char no_memory[] = "no memory left in http.memory_bytes for the reply";

static enum reply_progress broken(struct reply_reader *reader, const char *why)
{
    reader->why = why;
    return REPLY_BROKEN;
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* For n more bytes than are charged. */
static bool charge(struct reply_reader *reader, size_t n)
{
    const int64_t more = (int64_t)n, all = reader->charged_bytes + more;

    if (reader->memory && !budget_charge(reader->memory, BUDGET_REDIS, more, all))
        return false;
    reader->charged_bytes = all;
    return true;
}

void reply_reader_init(struct reply_reader *reader, struct budget *memory)
{
    *reader = (struct reply_reader){.memory = memory};
}

void reply_reader_release(struct reply_reader *reader)
{
    if (reader->memory && reader->charged_bytes)
        budget_return(reader->memory, BUDGET_REDIS, reader->charged_bytes);
    reader->charged_bytes = 0;
    free(reader->bytes);
    free(reader->replies.items);
    free(reader->elements.items);
    reader->bytes = NULL;
    reader->first = reader->at = reader->len = reader->capacity = 0;
    reader->replies = reader->elements = (struct reply_list){0};
}

static void move_texts(struct reply_list *list, const char *from, const char *to)
{
    for (int i = 0; i < list->n; i++) {
        struct store_reply *reply = &list->items[i];

        if (reply->type == STORE_ERROR || reply->type == STORE_STATUS ||
            reply->type == STORE_STRING)
            reply->text.ptr = to + (reply->text.ptr - from);
    }
}

/* Moves what is not dropped to the beginning of `to`, which may be the same buffer. */
static void move_bytes(struct reply_reader *reader, char *to)
{
    const char *from = reader->bytes ? reader->bytes + reader->first : to;

    move_texts(&reader->replies, from, to);
    move_texts(&reader->elements, from, to);
    memmove(to, from, reply_reader_held(reader));
    reader->at -= reader->first;
    reader->len -= reader->first;
    reader->first = 0;
}

static int grow_bytes(struct reply_reader *reader)
{
    const size_t capacity = reader->capacity ? 2 * reader->capacity : READ_BYTES;
    char *bytes;

    if (!charge(reader, capacity - reader->capacity))
        return -1;
    bytes = malloc(capacity);
    if (!bytes)
        return -1;
    move_bytes(reader, bytes);
    free(reader->bytes);
    reader->bytes = bytes;
    reader->capacity = capacity;
    return 0;
}

static struct store_reply *add(struct reply_reader *reader, struct reply_list *list)
{
    const int capacity = list->capacity ? 2 * list->capacity : FIRST_CAPACITY;
    struct store_reply *items;

    if (list->n < list->capacity)
        return &list->items[list->n++];
    if (!charge(reader, (size_t)(capacity - list->capacity) * sizeof(*items)))
        return NULL;
    items = realloc(list->items, (size_t)capacity * sizeof(*items));
    if (!items)
        return NULL;
    list->items = items;
    list->capacity = capacity;
    return &items[list->n++];
}

char *reply_reader_room(struct reply_reader *reader, size_t *n)
{
    if (reader->first > 0 && reader->capacity - reader->len < READ_BYTES)
        move_bytes(reader, reader->bytes);
    while (reader->capacity - reader->len < READ_BYTES)
        if (grow_bytes(reader)) {
            reader->why = no_memory;
            return NULL;
        }
    *n = reader->capacity - reader->len;
    return reader->bytes + reader->len;
}

void reply_reader_received(struct reply_reader *reader, size_t n)
{
    reader->len += n;
}

size_t reply_reader_max_bytes(const struct store_command *commands, int n_commands)
{
    size_t bytes = MAX_BYTES / 4;

    for (int i = 0; i < n_commands; i++)
        bytes += (size_t)commands[i].max_elements * (commands[i].max_element_bytes + ELEMENT_BYTES);
    return bytes > MAX_BYTES ? bytes : MAX_BYTES;
}

/* ---- one reply, or one element --------------------------------------------------------------- */

static int type_of(char mark)
{
    static const char marks[] = "-+:$*"; /* from STORE_ERROR on */
    const char *at = memchr(marks, mark, sizeof(marks) - 1);

    return at ? STORE_ERROR + (int)(at - marks) : -1;
}

/* The rest of the line, without its end. */
static enum reply_progress read_line(struct reply_reader *reader, size_t max, struct view *line)
{
    const char *text = reader->bytes + reader->at + 1;
    const size_t n = reader->len - reader->at - 1;
    const char *end = n ? memchr(text, '\r', n < max ? n : max) : NULL;

    if (!end)
        return n >= max ? broken(reader, too_long) : REPLY_PART;
    *line = (struct view){text, (size_t)(end - text)};
    if (line->len + 1 == n)
        return REPLY_PART;
    return end[1] == '\n' ? REPLY_WHOLE : broken(reader, malformed);
}

/* len bytes after the line, if they have arrived. *passed: in: bytes of the line; out: of both. */
static enum reply_progress read_string(struct reply_reader *reader, size_t len,
                                       const struct reply_bounds *bounds, struct store_reply *out,
                                       size_t *passed)
{
    const char *text = reader->bytes + reader->at + *passed;
    const size_t n = reader->len - reader->at - *passed;

    if (len > bounds->max_bytes)
        return broken(reader, too_long);
    if (n < len + 2)
        return REPLY_PART;
    if (memcmp(text + len, "\r\n", 2) != 0)
        return broken(reader, malformed);
    out->text = (struct view){text, len};
    *passed += len + 2;
    return REPLY_WHOLE;
}

/* An integer, a string or an array: all begin with a number. */
static enum reply_progress read_counted(struct reply_reader *reader, struct view line,
                                        const struct reply_bounds *bounds, struct store_reply *out,
                                        size_t *passed)
{
    const int64_t least = out->type == STORE_INTEGER ? INT64_MIN : -1;
    int64_t n;

    if (number_int(line, least, INT64_MAX, &n))
        return broken(reader, malformed);
    if (out->type == STORE_INTEGER) {
        out->integer = n;
        return REPLY_WHOLE;
    }
    if (n == -1) {
        out->type = STORE_NIL;
        return REPLY_WHOLE;
    }
    if (out->type == STORE_STRING)
        return read_string(reader, (size_t)n, bounds, out, passed);
    if (n > bounds->max_elements)
        return broken(reader, too_many);
    out->n = (int)n; /* its elements are items of their own; reply_reader_replies() links them */
    return REPLY_WHOLE;
}

static enum reply_progress read_item(struct reply_reader *reader, const struct reply_bounds *bounds,
                                     struct store_reply *out)
{
    const char mark = reader->bytes[reader->at];
    const int type = type_of(mark);
    const bool is_line = type == STORE_ERROR || type == STORE_STATUS;
    enum reply_progress progress;
    struct view line;
    size_t passed;

    if (type < 0)
        return broken(reader, mark && strchr("_#,(!=%~>|", mark) ? other_type : malformed);
    if (type == STORE_ARRAY && reader->n_missing)
        return broken(reader, nested);
    progress = read_line(reader, is_line ? MAX_LINE_BYTES : MAX_NUMBER_BYTES, &line);
    if (progress != REPLY_WHOLE)
        return progress;
    *out = (struct store_reply){.type = (enum store_reply_type)type, .text = line};
    passed = line.len + 3;
    if (!is_line)
        progress = read_counted(reader, line, bounds, out, &passed);
    if (progress == REPLY_WHOLE)
        reader->at += passed;
    return progress;
}

/* ---- replies --------------------------------------------------------------------------------- */

static bool is_expected(const struct store_expected *expected, const struct store_reply *item,
                        bool is_element)
{
    if (!expected || (item->type == STORE_ERROR && !is_element))
        return true;
    return (is_element ? expected->elements : expected->types) & 1u << item->type;
}

/* The next reply, or element of the array that is being read. */
static enum reply_progress next_item(struct reply_reader *reader, const struct reply_bounds *bounds)
{
    const bool is_element = reader->n_missing > 0;
    enum reply_progress progress;
    struct store_reply item, *kept;

    if (reader->at == reader->len)
        return REPLY_PART;
    progress = read_item(reader, bounds, &item);
    if (progress != REPLY_WHOLE)
        return progress;
    if (!is_expected(bounds->expected, &item, is_element))
        return broken(reader, bounds->expected->otherwise);
    kept = add(reader, is_element ? &reader->elements : &reader->replies);
    if (!kept) {
        reader->why = no_memory;
        return REPLY_NO_MEMORY;
    }
    *kept = item;
    reader->n_missing = is_element ? reader->n_missing - 1 : item.n;
    return REPLY_WHOLE;
}

enum reply_progress reply_reader_next(struct reply_reader *reader,
                                      const struct reply_bounds *bounds)
{
    enum reply_progress progress;
    size_t end;

    if (!bounds)
        return reader->at < reader->len ? broken(reader, unowed) : REPLY_PART;
    do
        progress = next_item(reader, bounds);
    while (progress == REPLY_WHOLE && reader->n_missing);
    if (progress != REPLY_WHOLE && progress != REPLY_PART)
        return progress;
    end = progress == REPLY_WHOLE ? reader->at : reader->len; /* what follows is another call's */
    return end - reader->first > bounds->max_bytes ? broken(reader, too_long) : progress;
}

const struct store_reply *reply_reader_replies(struct reply_reader *reader)
{
    const struct store_reply *elements = reader->elements.items;

    for (int i = 0; i < reader->replies.n; i++) {
        struct store_reply *reply = &reader->replies.items[i];

        if (reply->type != STORE_ARRAY)
            continue;
        reply->elements = elements;
        elements += reply->n;
    }
    return reader->replies.items;
}

void reply_reader_drop(struct reply_reader *reader)
{
    const int64_t kept = reader->memory && budget_is_short(reader->memory) ? 0 : KEEP_BYTES;

    reader->replies.n = reader->elements.n = 0;
    reader->first = reader->at;
    if (reader->first < reader->len)
        return;
    reader->first = reader->at = reader->len = 0;
    if (reader->charged_bytes > kept)
        reply_reader_release(reader);
}
