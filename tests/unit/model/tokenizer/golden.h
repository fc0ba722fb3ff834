/* Reading of tests/golden/tokenizer/, which tests/golden/tokenizer.py writes and describes. */
#ifndef TESTS_TOKENIZER_GOLDEN_H
#define TESTS_TOKENIZER_GOLDEN_H

#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/number.h"
#include "tests/test.h"

#define GOLDEN "tests/golden/tokenizer/"

static inline void golden_read(const char *path, struct buf *out)
{
    struct err err;

    CHECK_OK(file_read(path, 16u << 20, out, &err), err);
}

/* A file of GOLDEN, read line by line. */
struct golden_file {
    struct buf bytes;
    struct view rest;
};

static inline void golden_open(struct golden_file *file, const char *path)
{
    *file = (struct golden_file){.bytes = BUF_INIT};
    golden_read(path, &file->bytes);
    file->rest = buf_view(&file->bytes);
}

static inline void golden_close(struct golden_file *file)
{
    buf_release(&file->bytes);
}

/* The next line that is no comment; false at the end. */
static inline bool golden_line(struct golden_file *file, struct view *line)
{
    struct view *rest = &file->rest;

    do {
        const char *end = rest->len ? memchr(rest->ptr, '\n', rest->len) : NULL;

        if (!end)
            return false;
        *line = (struct view){rest->ptr, (size_t)(end - rest->ptr)};
        rest->len -= line->len + 1;
        rest->ptr = end + 1;
    } while (line->len && line->ptr[0] == '#' && line->len > 1 && line->ptr[1] == ' ');
    return true;
}

static inline struct view golden_field(struct view *line, char separator)
{
    const char *end = line->len ? memchr(line->ptr, separator, line->len) : NULL;
    struct view field = {line->ptr, end ? (size_t)(end - line->ptr) : line->len};
    size_t gone = field.len + (end != NULL);

    line->ptr += gone;
    line->len -= gone;
    return field;
}

static inline int golden_hex(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* \xNN becomes a byte; out has room for text.len. */
static inline struct view golden_unescape(struct view text, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++) {
        out[n++] = text.ptr[i];
        if (text.ptr[i] == '\\') {
            out[n - 1] = (char)(golden_hex(text.ptr[i + 2]) << 4 | golden_hex(text.ptr[i + 3]));
            i += 3;
        }
    }
    return (struct view){out, n};
}

/* A line of strings.tsv. */
struct golden_string {
    struct view class, digests, text; /* text is in the arena */
};

static inline bool golden_string(struct golden_file *file, struct arena *arena,
                                 struct golden_string *out)
{
    struct view line;
    char *room;

    if (!golden_line(file, &line))
        return false;
    out->class = golden_field(&line, '\t');
    out->digests = golden_field(&line, '\t');
    room = arena_alloc(arena, line.len + 1);
    CHECK(room);
    out->text = golden_unescape(line, room);
    return true;
}

/* want: ids with spaces between. */
static inline bool golden_ids_are(struct view want, const int32_t *ids, int n)
{
    int i = 0;

    for (; want.len && i < n; i++) {
        int64_t id;

        CHECK_INT(number_int(golden_field(&want, ' '), 0, INT32_MAX, &id), 0);
        if (ids[i] != id)
            return false;
    }
    return i == n && !want.len;
}

/* CRC-32 of IEEE 802.3, continued; the digests are its low 24 bits. */
static inline uint32_t golden_crc(uint32_t crc, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;

    crc = ~crc;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0xedb88320u & (0u - (crc & 1)));
    }
    return ~crc;
}

static inline uint32_t golden_ids_crc(uint32_t crc, const int32_t *ids, int n)
{
    for (int i = 0; i < n; i++) {
        uint32_t id = (uint32_t)ids[i];
        unsigned char bytes[4] = {(unsigned char)id, (unsigned char)(id >> 8),
                                  (unsigned char)(id >> 16), (unsigned char)(id >> 24)};

        crc = golden_crc(crc, bytes, 4);
    }
    return crc;
}

/* hex: six digits. */
static inline bool golden_same(uint32_t crc, const char *hex)
{
    uint32_t want = 0;

    for (int i = 0; i < 6; i++)
        want = want << 4 | (uint32_t)golden_hex(hex[i]);
    return (crc & 0xffffff) == want;
}

/* Printable, in one of a few static buffers: what a failing check shows. */
static inline const char *golden_show(struct view text)
{
    static char shown[4096];
    size_t n = 0;

    for (size_t i = 0; i < text.len && n + 5 < sizeof(shown); i++)
        n += (size_t)snprintf(shown + n, 5,
                              (unsigned char)text.ptr[i] - 0x20u < 0x5f ? "%c" : "\\x%02x",
                              (unsigned char)text.ptr[i]);
    shown[n] = 0;
    return shown;
}

static inline const char *golden_show_ids(const int32_t *ids, int n_ids)
{
    static char shown[8192];
    size_t n = 0;

    shown[0] = 0;
    for (int i = 0; i < n_ids && n + 14 < sizeof(shown); i++)
        n += (size_t)snprintf(shown + n, 14, " %d", (int)ids[i]);
    return shown;
}

#endif
