/* Areas under the ROC curve. Pure. */
#ifndef TOOLS_SIM_AUC_H
#define TOOLS_SIM_AUC_H

#include <stddef.h>

struct sim_scored {
    double score;
    double p; /* probability of the label, or the label itself: 0 or 1 */
};

/* Chance that a clicked one scores above one that is not clicked, ties counted half, the labels
 * being independent draws of p (Hanley and McNeil 1982 where p is 0 or 1). With score = p it is
 * the best that any reader can expect. Sorts rows. NAN when one class has no weight. */
double sim_auc(struct sim_scored *rows, size_t n);

/* Mean log loss, in nats, that is expected when p itself is predicted. */
double sim_entropy(const struct sim_scored *rows, size_t n);

#endif
