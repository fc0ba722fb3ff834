/* golden.json of tests/golden/logits.py: pairs of texts with the logits that transformers gave. */
#ifndef TESTS_GOLDEN_GOLDEN_PAIRS_H
#define TESTS_GOLDEN_GOLDEN_PAIRS_H

#include "tests/golden/golden_engine.h"

#define GOLDEN_MAX_LABELS 2

struct golden_pairs {
    int n;
    double spread;                     /* standard deviation of all logits */
    double bf16_error;                 /* largest error of PyTorch's own bf16, over the spread */
    struct input *inputs;              /* (n) as the model's tokenizer makes them */
    double (*want)[GOLDEN_MAX_LABELS]; /* (n) */
    float (*got)[GOLDEN_MAX_LABELS];   /* (n) of the last golden_pairs_score, labels side by side */
};

/* Of dir/golden.json; texts are tokenised for model. */
void golden_pairs_open(struct golden_pairs *pairs, const char *dir, const struct model *model);
void golden_pairs_close(struct golden_pairs *pairs);

/* Scores all pairs, so many to a batch, and returns the largest error over the spread. */
double golden_pairs_score(struct golden_pairs *pairs, struct golden_engine *g, int per_batch);
/* The same; the error must be within what the engine's precision may have: f32 1e-4, 16 bits by
 * PyTorch's own bf16 error, of which f16 has an eighth. */
void golden_pairs_check(struct golden_pairs *pairs, struct golden_engine *g, const char *name,
                        int per_batch);

#endif
