/* Converts a head's outputs to one logit. */
#include "model/head.h"

/* With two mutually exclusive labels, softmax of the second is sigmoid of the difference. */
double head_logit(const struct head *head, const float *out)
{
    if (head->independent_labels)
        return (double)out[head->labels - 1];
    return head->labels == 2 ? (double)out[1] - (double)out[0] : (double)out[0];
}
