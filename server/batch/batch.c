/* The memory of a batch; see batch.h. */
#include "server/batch/batch.h"

#include <stdlib.h>

int batch_init(struct batch *batch, int max_jobs, struct err *err)
{
    size_t n = (size_t)max_jobs;

    batch->works = calloc(n, sizeof(struct work *));
    batch->engine_jobs = calloc(n, sizeof(*batch->engine_jobs));
    batch->pointers = calloc(n, sizeof(*batch->pointers));
    if (!batch->works || !batch->engine_jobs || !batch->pointers)
        return err_set(err, ERR_NOMEM, "executor: out of memory");
    for (size_t i = 0; i < n; i++)
        batch->pointers[i] = &batch->engine_jobs[i];
    batch->engine_batch.jobs = batch->pointers;
    batch->engine_batch.user = batch;
    return 0;
}

void batch_release(struct batch *batch)
{
    input_release(&batch->input);
    free(batch->pointers);
    free(batch->engine_jobs);
    free(batch->works);
}
