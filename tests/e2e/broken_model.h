/* Ways in which a model directory may be broken, made from tests/golden/models/e2e. */
#ifndef TESTS_E2E_BROKEN_MODEL_H
#define TESTS_E2E_BROKEN_MODEL_H

#include "base/buf.h"

/* How the test writes files: in place, or to a new file that is then renamed. */
typedef void (*model_write_fn)(const char *path, struct view bytes);

struct broken_model {
    const char *name;
    int status;        /* adrankd's exit status with it */
    const char *place; /* what the error names */
    /* Breaks the directory, whose model.safetensors differs from e2e's only in its weights. */
    void (*break_it)(const char *folder, struct view weights, model_write_fn write);
};

extern const struct broken_model broken_models[];
extern const int n_broken_models;

/* A copy of tests/golden/models/e2e in a shell_folder(). */
const char *model_copy_make(void);
/* Restores the directory, with these weights. */
void model_copy_mend(const char *folder, struct view weights, model_write_fn write);

/* Writes in place; FAILs on an error. */
void model_write(const char *path, struct view bytes);
/* The bytes of a file of tests/golden/models/e2e; the caller releases them. */
struct buf model_read(const char *name);

#endif
