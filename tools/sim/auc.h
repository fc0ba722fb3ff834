/* Areas under the ROC curve. Pure. */
#ifndef TOOLS_SIM_AUC_H
#define TOOLS_SIM_AUC_H

#include <stddef.h>

struct sim_scored {
    double score;
    double p; /* probability of the label, or the label itself: 0 or 1 */
};

/* The probability that a clicked row scores above one that was not clicked, ties counting half,
 * where clicks are drawn independently with probability p (Hanley and McNeil 1982 where p is 0 or
 * 1). With score = p it is the best that any model can expect. Sorts rows. NAN when one class has
 * no weight. */
double sim_auc(struct sim_scored *rows, size_t n);

/* The expected mean log loss, in nats, of predicting p itself. */
double sim_entropy(const struct sim_scored *rows, size_t n);

#endif
