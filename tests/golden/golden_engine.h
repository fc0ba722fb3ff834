/* A model directory opened on a device, for tests: what cannot be opened fails the test. */
#ifndef TESTS_GOLDEN_GOLDEN_ENGINE_H
#define TESTS_GOLDEN_GOLDEN_ENGINE_H

#include "adrank/engine.h"

struct golden_engine {
    struct model *model;
    struct launcher *launcher;
    struct engine *engine;
};

struct golden_engine_args {
    const char *dir;
    const char *backend; /* NULL: the CPU */
    const char *linear;  /* NULL: by processor */
    enum precision precision;
    int threads;          /* 0: 1 */
    int max_batch_tokens; /* 0: 4096 */
    bool skip_golden;
};

/* SKIPs where the processor has no bf16 products: the provider that goes by the processor then
 * computes in f32. "plain" has bf16 everywhere. */
void golden_engine_need_bf16(void);

void golden_engine_open(struct golden_engine *g, const struct golden_engine_args *args);
void golden_engine_close(struct golden_engine *g);

/* Calls check for every directory in a folder, which args then name. */
void golden_engine_each(const char *folder, struct golden_engine_args args,
                        void (*check)(const char *name, const struct golden_engine_args *args));

/* Scores n inputs as one batch; logits[i] has room for the i-th. */
void golden_engine_score(struct golden_engine *g, const struct input *const *inputs,
                         float *const *logits, int n);

#endif
