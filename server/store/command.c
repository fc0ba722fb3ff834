/* Commands as RESP2: "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n". */
#include "server/store/command.h"

#include "base/decimal.h"

/* Of a type mark, a count and a line end. */
static size_t count_bytes(size_t count)
{
    size_t bytes = 4;

    while (count /= 10)
        bytes++;
    return bytes;
}

size_t command_bytes(const struct view *args, int n_args)
{
    size_t bytes = count_bytes((size_t)n_args);

    for (int i = 0; i < n_args; i++)
        bytes += count_bytes(args[i].len) + args[i].len + 2;
    return bytes;
}

static char *write_bytes(char *at, const char *bytes, size_t n)
{
    if (n)
        memcpy(at, bytes, n);
    return at + n;
}

static char *write_count(char *at, char mark, size_t count)
{
    *at++ = mark;
    at += decimal_int((int64_t)count, at);
    return write_bytes(at, "\r\n", 2);
}

char *command_write(char *at, const struct view *args, int n_args)
{
    at = write_count(at, '*', (size_t)n_args);
    for (int i = 0; i < n_args; i++) {
        at = write_count(at, '$', args[i].len);
        at = write_bytes(at, args[i].ptr, args[i].len);
        at = write_bytes(at, "\r\n", 2);
    }
    return at;
}
