/* Free lists, linked through the buffers themselves. */
#include "server/net/buffers.h"

#include <stdlib.h>
#include <string.h>

static size_t class_bytes(int size_class)
{
    return size_class == 0 ? BUFFERS_BASE_BYTES : (size_t)32768 << (size_class - 1);
}

static int class_of(size_t capacity)
{
    for (int size_class = 0; size_class < BUFFERS_CLASSES; size_class++)
        if (class_bytes(size_class) >= capacity)
            return size_class;
    return -1;
}

void buffers_init(struct buffers *buffers, size_t keep_bytes)
{
    *buffers = (struct buffers){.keep_bytes = keep_bytes};
}

void buffers_release(struct buffers *buffers)
{
    for (int size_class = 0; size_class < BUFFERS_CLASSES; size_class++) {
        while (buffers->spare[size_class]) {
            void *ptr = buffers->spare[size_class];

            memcpy(&buffers->spare[size_class], ptr, sizeof(void *));
            free(ptr);
        }
    }
    buffers->spare_bytes = 0;
}

struct buffer buffers_take(struct buffers *buffers, size_t capacity)
{
    int size_class = class_of(capacity);
    struct buffer taken = {NULL, 0};

    if (size_class < 0)
        return taken;
    taken.ptr = buffers->spare[size_class];
    if (taken.ptr) {
        memcpy(&buffers->spare[size_class], taken.ptr, sizeof(void *)); /* the next one */
        buffers->spare_bytes -= class_bytes(size_class);
    } else {
        taken.ptr = malloc(class_bytes(size_class));
    }
    taken.capacity = taken.ptr ? class_bytes(size_class) : 0;
    return taken;
}

void buffers_put(struct buffers *buffers, struct buffer buffer)
{
    int size_class = class_of(buffer.capacity);

    if (!buffer.ptr)
        return;
    if (buffers->spare_bytes + buffer.capacity > buffers->keep_bytes) {
        free(buffer.ptr);
        return;
    }
    memcpy(buffer.ptr, &buffers->spare[size_class], sizeof(void *));
    buffers->spare[size_class] = buffer.ptr;
    buffers->spare_bytes += buffer.capacity;
}
