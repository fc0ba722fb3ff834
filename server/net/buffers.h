/*
 * struct buffers: free lists of I/O buffers in sizes that double, so that after warm-up no request
 * allocates. One owner at a time.
 */
#ifndef SERVER_NET_BUFFERS_H
#define SERVER_NET_BUFFERS_H

#include <stddef.h>
#include <stdint.h>

#define BUFFERS_BASE_BYTES (16384 + 512) /* a whole head, and most requests in one read */
#define BUFFERS_CLASSES 14               /* up to 128 MiB */

struct buffer {
    char *ptr; /* NULL: none */
    size_t capacity;
};

struct buffers {
    void *spare[BUFFERS_CLASSES];
    size_t spare_bytes;
    size_t keep_bytes; /* more than this in the free lists goes back to malloc */
};

void buffers_init(struct buffers *buffers, size_t keep_bytes);
void buffers_release(struct buffers *buffers);

/* At least that much; ptr NULL when out of memory or beyond the largest class. */
struct buffer buffers_take(struct buffers *buffers, size_t capacity);
void buffers_put(struct buffers *buffers, struct buffer buffer);

#endif
