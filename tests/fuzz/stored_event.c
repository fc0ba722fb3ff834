/* Elements of a user's list in Redis: each is one input, cut by lengths that the input itself
 * gives, so that merges are met too. What unpacks packs to the same bytes. */

#include "adrank/behaviour.h"
#include "tests/fuzz/fuzz.h"

#define MAX_EVENTS 64

static void check_same(const struct behaviour *event, struct view bytes)
{
    struct buf packed = BUF_INIT;
    struct err err;

    check(behaviour_pack(event, &packed, &err) == 0);
    check(view_eq(buf_view(&packed), bytes));
    buf_release(&packed);
}

static void check_merge(const struct behaviour *events, int n)
{
    const struct behaviour *merged;
    struct arena arena;
    bool truncated;
    int n_out, half = n / 2;

    arena_init(&arena, 1024, 0);
    merged = behaviour_merge(events, half, events + half, n - half, 8, &arena, &n_out, &truncated);
    check(merged && n_out <= 8 && n_out <= n && (!truncated || n_out == 8));
    for (int i = 1; i < n_out; i++)
        check(merged[i - 1].t_ms <= merged[i].t_ms);
    arena_release(&arena);
}

/* A heap copy of its own for each event, so that a sanitizer sees one byte more. */
static void fuzz(struct view input)
{
    struct behaviour events[MAX_EVENTS];
    char *copies[MAX_EVENTS];
    int n_copies = 0, n = 0;

    while (input.len > 0 && n_copies < MAX_EVENTS) {
        const size_t most = input.len - 1, said = (unsigned char)*input.ptr;
        const size_t len = said < most ? said : most;
        char *copy = malloc(len + !len);
        struct err err;

        check(copy);
        memcpy(copy, input.ptr + 1, len);
        copies[n_copies++] = copy;
        if (behaviour_unpack((struct view){copy, len}, &events[n], &err) == 0)
            check_same(&events[n++], (struct view){copy, len});
        input = (struct view){input.ptr + 1 + len, most - len};
    }
    check_merge(events, n);
    while (n_copies > 0)
        free(copies[--n_copies]);
}
