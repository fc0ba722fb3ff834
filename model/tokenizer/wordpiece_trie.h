/*
 * Maps strings to numbers and finds the longest string that a text begins with: a trie over bytes
 * in a double array (Aoe 1989), so a step is one load and one comparison. Read-only once made, any
 * number of threads.
 */
#ifndef MODEL_TOKENIZER_WORDPIECE_TRIE_H
#define MODEL_TOKENIZER_WORDPIECE_TRIE_H

#include <stdint.h>

#include "base/err.h"
#include "base/view.h"

struct trie_node {
    int32_t base;   /* its child by byte b is node base + b */
    int32_t parent; /* its parent node; TRIE_FREE: unused */
    int32_t value;  /* of the string that ends here, TRIE_NONE: none */
};

#define TRIE_ROOT 0
#define TRIE_NONE (-1)
#define TRIE_FREE (-1)

struct trie {
    /* Heap, ours; 256 free nodes at the end, so that base + byte stays in bounds. */
    struct trie_node *nodes;
    int32_t n_nodes; /* including those; 0: an empty trie, which must not be walked */
};

struct trie_string {
    struct view text;
    int32_t value; /* >= 0 */
};

/* By text, equal ones by value. */
void trie_sort(struct trie_string *strings, size_t n);

/* Sorts strings. Empty ones are dropped; of equal ones the smallest value is kept. ERR_NOMEM, also
 * when the strings need more than 2^26 nodes. */
int trie_init(struct trie *trie, struct trie_string *strings, size_t n, struct err *err) MUST_CHECK;
void trie_release(struct trie *trie);

/* The child of node by byte, TRIE_NONE where there is none. */
static inline int32_t trie_step(const struct trie *trie, int32_t node, unsigned char byte)
{
    int32_t child = trie->nodes[node].base + byte;

    return trie->nodes[child].parent == node ? child : TRIE_NONE;
}

/* The longest string that text begins with when walked from node: its value and *len, or
 * TRIE_NONE. The empty string is never found. */
static inline int32_t trie_longest(const struct trie *trie, int32_t node, struct view text,
                                   size_t *len)
{
    int32_t found = TRIE_NONE;

    for (size_t i = 0; i < text.len; i++) {
        node = trie_step(trie, node, (unsigned char)text.ptr[i]);
        if (node == TRIE_NONE)
            break;
        if (trie->nodes[node].value != TRIE_NONE) {
            found = trie->nodes[node].value;
            *len = i + 1;
        }
    }
    return found;
}

#endif
