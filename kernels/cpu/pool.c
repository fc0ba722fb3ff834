/* Gathers rows or averages segments. */
#include "kernels/cpu/cpu.h"

#include <string.h>

static void mean_of(float *out, const float *rows, int n_rows, int hidden)
{
    memcpy(out, rows, (size_t)hidden * sizeof(*out));
    for (int r = 1; r < n_rows; r++)
        for (int i = 0; i < hidden; i++)
            out[i] += rows[(size_t)r * (size_t)hidden + (size_t)i];
    for (int i = 0; i < hidden; i++)
        out[i] /= (float)n_rows;
}

int cpu_pool(struct lane *lane, const struct pool_args *args, struct err *err)
{
    const struct slice *slice = lane->slice;
    const size_t hidden = (size_t)args->hidden;
    const float *stream = args->stream;

    (void)err;
    for (int r = 0; r < slice->n_read; r++) {
        const struct slice_segment *segment = &slice->segments[slice->read_segments[r]];
        const size_t at = (size_t)r * hidden;
        const float *row = stream + (size_t)slice->read[r] * hidden;

        if (args->kind == POOL_MEAN) {
            mean_of(lane->row, stream + (size_t)segment->start * hidden, segment->len,
                    args->hidden);
            row = lane->row;
        }
        if (args->stream_out)
            memcpy((float *)args->stream_out + at, row, hidden * sizeof(*row));
        if (args->operand_out)
            lane_narrow(lane, (char *)args->operand_out + lane_operands(lane, at), row,
                        args->hidden);
    }
    return 0;
}
