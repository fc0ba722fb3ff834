/* Builds and walks the double array. */
#include "model/tokenizer/wordpiece_trie.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NODES (1 << 26)
#define MARGIN 256
/* A node with many children gives up after so many places and goes to the end: time stays
 * bounded whatever the strings, and nodes with one child fill the gaps that this leaves. */
#define MAX_TRIES 256

/* Strings first..last (excluded) share the first `depth` bytes, which lead to node. */
struct pending {
    size_t first, last;
    size_t depth;
    int32_t node;
};

struct builder {
    struct trie_node *nodes;
    int32_t capacity;
    int32_t n_used; /* one more than the last node in use */
    int32_t first_free;
    const struct trie_string *strings;
    struct pending *stack;
    size_t n_stack, stack_capacity;
};

/* Free nodes form a list, ascending: base holds the next free one, value the one before, 0 ends
 * it. Nodes 1 to 255 stay out of it, so that a base is never negative whatever byte comes first. */
static void link_free(struct builder *b, int32_t from, int32_t to)
{
    int32_t last = from - 1;

    /* Appended to the last free node; all new nodes follow the old ones. */
    while (last >= MARGIN && b->nodes[last].parent != TRIE_FREE)
        last--;
    if (last < MARGIN)
        last = 0;
    for (int32_t i = from; i < to; i++) {
        b->nodes[i] = (struct trie_node){.base = 0, .parent = TRIE_FREE, .value = last};
        if (last > 0)
            b->nodes[last].base = i;
        else
            b->first_free = i;
        last = i;
    }
}

static int grow(struct builder *b, int32_t need)
{
    int32_t capacity = b->capacity ? b->capacity : 4096;
    struct trie_node *nodes;

    while (capacity < need)
        capacity *= 2;
    if (capacity == b->capacity)
        return 0;
    if (need > MAX_NODES)
        return -1;
    nodes = realloc(b->nodes, (size_t)capacity * sizeof(*nodes));
    if (!nodes)
        return -1;
    b->nodes = nodes;
    for (int32_t i = 0; !b->capacity && i < MARGIN; i++)
        nodes[i] = (struct trie_node){.base = 0, .parent = TRIE_FREE, .value = TRIE_NONE};
    link_free(b, b->capacity ? b->capacity : MARGIN, capacity);
    b->capacity = capacity;
    return 0;
}

static void take(struct builder *b, int32_t node, int32_t parent)
{
    int32_t next = b->nodes[node].base;
    int32_t before = b->nodes[node].value;

    if (before > 0)
        b->nodes[before].base = next;
    else
        b->first_free = next;
    if (next > 0)
        b->nodes[next].value = before;
    b->nodes[node] = (struct trie_node){.base = 0, .parent = parent, .value = TRIE_NONE};
    if (node >= b->n_used)
        b->n_used = node + 1;
}

static bool fits(const struct builder *b, int32_t base, const unsigned char *bytes, int n)
{
    for (int i = 1; i < n; i++)
        if (b->nodes[base + bytes[i]].parent != TRIE_FREE)
            return false;
    return true;
}

/* A base that puts all children, bytes ascending, on free nodes; -1 when out of memory. */
static int32_t place(struct builder *b, const unsigned char *bytes, int n)
{
    int tries = 0;

    for (int32_t at = b->first_free; at > 0 && tries < MAX_TRIES; at = b->nodes[at].base) {
        int32_t base = at - bytes[0];

        tries++;
        if (grow(b, base + MARGIN + MARGIN))
            return -1;
        if (fits(b, base, bytes, n))
            return base;
    }
    if (grow(b, b->n_used + MARGIN + MARGIN))
        return -1;
    return b->n_used;
}

static int push(struct builder *b, struct pending item)
{
    if (b->n_stack == b->stack_capacity) {
        size_t capacity = b->stack_capacity ? b->stack_capacity * 2 : 1024;
        struct pending *stack = realloc(b->stack, capacity * sizeof(*stack));

        if (!stack)
            return -1;
        b->stack = stack;
        b->stack_capacity = capacity;
    }
    b->stack[b->n_stack++] = item;
    return 0;
}

static unsigned char byte_at(const struct builder *b, size_t i, size_t depth)
{
    return (unsigned char)b->strings[i].text.ptr[depth];
}

/* Strings that end here come first of their range, the smallest value first of all. */
static int expand(struct builder *b, struct pending at)
{
    unsigned char bytes[256];
    int32_t base;
    int n = 0;
    size_t i = at.first;

    if (i < at.last && b->strings[i].text.len == at.depth && at.depth > 0)
        b->nodes[at.node].value = b->strings[i].value;
    while (i < at.last && b->strings[i].text.len == at.depth)
        i++;
    at.first = i;
    for (; i < at.last; i++)
        if (n == 0 || bytes[n - 1] != byte_at(b, i, at.depth))
            bytes[n++] = byte_at(b, i, at.depth);
    if (n == 0)
        return 0;
    base = place(b, bytes, n);
    if (base < 0)
        return -1;
    b->nodes[at.node].base = base;
    for (int k = 0; k < n; k++)
        take(b, base + bytes[k], at.node);
    i = at.first;
    for (int k = 0; k < n; k++) {
        size_t first = i;

        while (i < at.last && byte_at(b, i, at.depth) == bytes[k])
            i++;
        if (push(b, (struct pending){first, i, at.depth + 1, base + bytes[k]}))
            return -1;
    }
    return 0;
}

static int by_text(const void *a, const void *b)
{
    const struct trie_string *x = a, *y = b;
    int c = view_cmp(x->text, y->text);

    return c ? c : (x->value > y->value) - (x->value < y->value);
}

void trie_sort(struct trie_string *strings, size_t n)
{
    qsort(strings, n, sizeof(*strings), by_text);
}

int trie_init(struct trie *trie, struct trie_string *strings, size_t n, struct err *err)
{
    struct builder b = {.strings = strings};
    struct trie_node *nodes;

    *trie = (struct trie){NULL, 0};
    if (n == 0)
        return 0;
    trie_sort(strings, n);
    b.n_used = MARGIN;
    if (grow(&b, MARGIN + MARGIN) || push(&b, (struct pending){0, n, 0, TRIE_ROOT}))
        goto out;
    while (b.n_stack)
        if (expand(&b, b.stack[--b.n_stack]))
            goto out;
    free(b.stack);
    /* Leaves have base 0: their steps land on nodes whose parents are others. */
    trie->n_nodes = b.n_used + MARGIN;
    nodes = realloc(b.nodes, (size_t)trie->n_nodes * sizeof(*nodes));
    trie->nodes = nodes ? nodes : b.nodes;
    return 0;
out:
    free(b.stack);
    free(b.nodes);
    return err_set(err, ERR_NOMEM, "tokenizer: no memory for its strings");
}

void trie_release(struct trie *trie)
{
    free(trie->nodes);
    *trie = (struct trie){NULL, 0};
}
