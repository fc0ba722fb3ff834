/* model.safetensors as hostile input: the header, then a small BERT's tensors out of whatever it
 * describes. */
#include <string.h>

#include "model/checkpoint/family.h"
#include "model/files/safetensors.h"
#include "tests/fuzz/fuzz.h"

static void read_all(const struct safetensors *st)
{
    for (int i = 0; i < st->n; i++) {
        const struct safetensor *tensor = &st->items[i];
        size_t n = tensor->end - tensor->begin; /* at least as many as there are elements */
        float *out = malloc((n + 1) * sizeof(*out));
        struct err err;
        if (out && safetensors_read_f32(tensor, out, &err) == 0 && n)
            (void)*(volatile float *)out;
        free(out);
    }
}

static void fuzz(struct view input)
{
    struct encoder encoder = {.config = {.layers = 1,
                                         .hidden = 2,
                                         .heads = 1,
                                         .inner = 3,
                                         .vocab = 5,
                                         .positions = 4,
                                         .types = 2}};
    struct head head = {.labels = 1};
    struct safetensors st;
    struct arena arena;
    struct err err;

    if (safetensors_init(&st, "f", input, &err))
        return;
    read_all(&st);
    arena_init(&arena, 256, 0);
    if (family_bert.weights(&st, &arena, &encoder, &head, &err) == 0)
        check(!head.labels || head.classifier);
    arena_release(&arena);
    safetensors_release(&st);
}
