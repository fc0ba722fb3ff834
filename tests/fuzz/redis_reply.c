/* What a Redis may send, after a byte that says how many replies are owed and into which pieces
 * the rest is cut: whatever comes, a reply has a command that waits for it, and pieces change
 * nothing. */
#include <limits.h>

#include "server/store/reply_reader.h"
#include "tests/fuzz/fuzz.h"

#define MAX_ELEMENTS 4

static void check_reply(const struct store_reply *reply, bool is_element)
{
    check(reply->type <= STORE_ARRAY && !(is_element && reply->type == STORE_ARRAY));
    check(reply->n >= 0 && reply->n <= MAX_ELEMENTS);
    for (int i = 0; i < reply->n; i++)
        check_reply(&reply->elements[i], true);
    if (reply->type == STORE_STRING && reply->text.len) /* its last byte is there */
        check(reply->text.ptr[reply->text.len - 1] >= CHAR_MIN);
}

/* How many replies came; *why: NULL, or what the connection ends with. */
static int read_all(struct view input, size_t step, int owed, const char **why)
{
    const struct reply_bounds bounds = {.max_elements = MAX_ELEMENTS,
                                        .max_bytes = reply_reader_max_bytes(NULL, 0)};
    enum reply_progress progress = REPLY_PART;
    struct reply_reader reader;
    int n = 0;

    reply_reader_init(&reader, NULL);
    for (size_t at = 0; at < input.len && progress == REPLY_PART; at += step) {
        size_t len = at + step < input.len ? step : input.len - at, room;
        char *into = reply_reader_room(&reader, &room);

        check(into && len <= room);
        memcpy(into, input.ptr + at, len);
        reply_reader_received(&reader, len);
        while ((progress = reply_reader_next(&reader, n < owed ? &bounds : NULL)) == REPLY_WHOLE) {
            check(n++ < owed && reply_reader_n_whole(&reader) == 1);
            check_reply(reply_reader_replies(&reader), false);
            reply_reader_drop(&reader);
        }
    }
    *why = progress == REPLY_PART ? NULL : reader.why;
    reply_reader_release(&reader);
    return n;
}

static void fuzz(struct view input)
{
    const char *whole, *pieces;
    unsigned char first;
    int n;

    if (input.len == 0)
        return;
    first = (unsigned char)*input.ptr;
    input = (struct view){input.ptr + 1, input.len - 1};
    n = read_all(input, 16384, first & 3, &whole);
    check(n == read_all(input, 1 + (first >> 2), first & 3, &pieces));
    check(whole == pieces);
}
