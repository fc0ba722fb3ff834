/* Cuts pairs of id lists to a length. */
#include "adrank/tokenizer.h"

/* Not one by one from the longer: the shorter keeps all it has while that fits into half, and
 * where neither does, the odd token goes to the longer, on a tie to the second. */
static void cut_longest(int max, int *n_first, int *n_second)
{
    int *shorter = *n_first <= *n_second ? n_first : n_second;
    int *longer = shorter == n_first ? n_second : n_first;

    if (*shorter <= max / 2) {
        *longer = max - *shorter;
    } else {
        *shorter = max / 2;
        *longer = max - max / 2;
    }
}

int tokenizer_truncate(enum truncation truncation, int max, int *n_first, int *n_second)
{
    int *cut = truncation == TRUNCATE_ONLY_SECOND ? n_second : n_first;
    long surplus = (long)*n_first + *n_second - max;

    if (surplus <= 0)
        return 0;
    if (max <= 0) { /* whatever the strategy, nothing is left of either */
        *n_first = *n_second = 0;
    } else if (truncation == TRUNCATE_LONGEST_FIRST) {
        cut_longest(max, n_first, n_second);
    } else {
        if (*cut <= surplus)
            return -1;
        *cut -= (int)surplus;
    }
    return 1;
}
