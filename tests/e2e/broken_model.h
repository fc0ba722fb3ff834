/* Ways in which a model directory may be broken, made from tests/golden/models/e2e. */
#ifndef TESTS_E2E_BROKEN_MODEL_H
#define TESTS_E2E_BROKEN_MODEL_H

#include "base/buf.h"

/* How a test likes its files written: over what is there, or beside it and then renamed. */
typedef void (*model_write_fn)(const char *path, struct view bytes);

struct broken_model {
    const char *name;
    int status;        /* adrankd's exit status with it */
    const char *place; /* what the reason names */
    /* Breaks the directory, whose model.safetensors is that of e2e but for the numbers in it. */
    void (*break_it)(const char *folder, struct view weights, model_write_fn write);
};

extern const struct broken_model broken_models[];
extern const int n_broken_models;

/* A copy of tests/golden/models/e2e in a shell_folder(). */
const char *model_copy_make(void);
/* As it was made, whatever had been broken, with these weights. */
void model_copy_mend(const char *folder, struct view weights, model_write_fn write);

/* In place; FAILs when it cannot. */
void model_write(const char *path, struct view bytes);
/* The bytes of a file of tests/golden/models/e2e; the caller releases them. */
struct buf model_read(const char *name);

#endif
