/* Finds duplicates by pairwise comparison in short lists, by sorting in long ones. */
#include "impression/behaviour_twins.h"

/* Up to this many, pairwise comparison is cheaper than sorting. */
#define FEW 8

/* Compares the members that identify an event. */
static int compare(const struct behaviour *a, const struct behaviour *b)
{
    int c;

    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    c = view_cmp(a->item, b->item);
    return c || a->item.len ? c : view_cmp(a->text, b->text);
}

static bool same_event(const struct behaviour *a, const struct behaviour *b)
{
    if (a->type != b->type || !view_eq(a->item, b->item))
        return false;
    return a->item.len || view_eq(a->text, b->text);
}

/* Index of the same event in list (n); -1: none. */
static int find_twin(const struct behaviour *const *list, int n, const struct behaviour *event)
{
    for (int i = n - 1; i >= 0; i--)
        if (same_event(list[i], event))
            return i;
    return -1;
}

static int drop_among_few(const struct behaviour **list, int n)
{
    int kept = 0;

    for (int i = 0; i < n; i++) {
        int twin = find_twin(list, kept, list[i]);

        if (twin < 0)
            list[kept++] = list[i];
        else if (list[twin]->text.len == 0)
            list[twin] = list[i];
    }
    return kept;
}

/* out (n_a + n_b) = a and b, places in list, merged; a wins ties. */
static void merge(const struct behaviour *const *list, const int *a, int n_a, const int *b, int n_b,
                  int *out)
{
    int i = 0, k = 0;

    while (i < n_a && k < n_b)
        if (compare(list[a[i]], list[b[k]]) <= 0)
            *out++ = a[i++];
        else
            *out++ = b[k++];
    while (i < n_a)
        *out++ = a[i++];
    while (k < n_b)
        *out++ = b[k++];
}

/* The places of list (n) in order of their events, duplicates in their original order: a stable
 * merge sort. */
static const int *sort(const struct behaviour *const *list, int n, struct arena *arena)
{
    int *order = arena_array(arena, 2 * (size_t)n, sizeof(*order));
    int *spare = order + n;

    if (!order)
        return NULL;
    for (int i = 0; i < n; i++)
        order[i] = i;
    for (int width = 1; width < n; width *= 2) {
        int *swap = order;

        for (int at = 0; at < n; at += 2 * width) {
            int n_a = n - at < width ? n - at : width;
            int n_b = n - at - n_a < width ? n - at - n_a : width;

            merge(list, order + at, n_a, order + at + n_a, n_b, spare + at);
        }
        order = spare;
        spare = swap;
    }
    return order;
}

int behaviour_drop_twins(const struct behaviour **list, int n, struct arena *arena)
{
    const int *order;
    int kept = 0, first = 0;

    if (n <= FEW)
        return drop_among_few(list, n);
    order = sort(list, n, arena);
    if (!order)
        return -1;
    for (int i = 1; i < n; i++) {
        const struct behaviour **place = &list[order[first]], **twin = &list[order[i]];

        if (!same_event(*place, *twin)) {
            first = i;
            continue;
        }
        if ((*place)->text.len == 0)
            *place = *twin;
        *twin = NULL;
    }
    for (int i = 0; i < n; i++)
        if (list[i])
            list[kept++] = list[i];
    return kept;
}
