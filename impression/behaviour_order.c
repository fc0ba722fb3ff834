/* Sorts pointers to behaviours, stably. */
#include "impression/behaviour_order.h"

/* out (n) = a (n_a) and b (n_b) merged; a wins ties. */
static void merge(const struct behaviour *const *a, int n_a, const struct behaviour *const *b,
                  int n_b, const struct behaviour **out)
{
    int i = 0, k = 0;

    while (i < n_a && k < n_b)
        if (a[i]->t_ms <= b[k]->t_ms)
            *out++ = a[i++];
        else
            *out++ = b[k++];
    while (i < n_a)
        *out++ = a[i++];
    while (k < n_b)
        *out++ = b[k++];
}

static bool in_order(const struct behaviour *const *list, int n)
{
    for (int i = 1; i < n; i++)
        if (list[i - 1]->t_ms > list[i]->t_ms)
            return false;
    return true;
}

/* Merge sort from the bottom up: stable, and n log n whatever a client sends (qsort is neither,
 * and may allocate). Returns the one of the two arrays that holds the result. */
static const struct behaviour **sort(const struct behaviour **list, const struct behaviour **spare,
                                     int n)
{
    for (int width = 1; width < n; width *= 2) {
        const struct behaviour **swap = list;

        for (int at = 0; at < n; at += 2 * width) {
            int n_a = n - at < width ? n - at : width;
            int n_b = n - at - n_a < width ? n - at - n_a : width;

            merge(list + at, n_a, list + at + n_a, n_b, spare + at);
        }
        list = spare;
        spare = swap;
    }
    return list;
}

const struct behaviour **behaviour_order(const struct behaviour *first, int n_first,
                                         const struct behaviour *second, int n_second,
                                         struct arena *arena)
{
    size_t n = (size_t)n_first + (size_t)n_second;
    const struct behaviour **list = arena_array(arena, 2 * n, sizeof(const struct behaviour *));

    if (!list)
        return NULL;
    for (int i = 0; i < n_first; i++)
        list[i] = &first[i];
    for (int i = 0; i < n_second; i++)
        list[n_first + i] = &second[i];
    return in_order(list, (int)n) ? list : sort(list, list + n, (int)n);
}
