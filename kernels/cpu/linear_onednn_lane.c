/* A lane of the oneDNN provider: memory objects of its own, whose handles are set at each run. */
#include <string.h>

#include "kernels/cpu/linear_onednn.h"

/* A lane's own memory objects for one plan: their handles are set at each run. */
struct lane_plan {
    dnnl_memory_t x[PLAN_RUNGS], y[PLAN_RUNGS], scratch[PLAN_RUNGS];
};

struct linear_lane {
    const struct linear_provider *provider;
    dnnl_stream_t stream;
    struct lane_plan *plans[MAX_PLANS]; /* by plan->index; NULL until first needed */
    char *scratch;
    size_t scratch_bytes;
    char *few_x, *few_y; /* rows of a slice that is smaller than the lowest rung */
    size_t few_x_bytes, few_y_bytes;
};

static void destroy_all(dnnl_memory_t *memories)
{
    for (int i = 0; i < PLAN_RUNGS; i++)
        if (memories[i])
            dnnl_memory_destroy(memories[i]);
}

static void lane_plan_free(struct lane_plan *plan)
{
    if (!plan)
        return;
    destroy_all(plan->x);
    destroy_all(plan->y);
    destroy_all(plan->scratch);
    free(plan);
}

void onednn_lane_close(struct linear_lane *lane)
{
    if (!lane)
        return;
    for (int i = 0; i < MAX_PLANS; i++)
        lane_plan_free(lane->plans[i]);
    if (lane->stream)
        dnnl_stream_destroy(lane->stream);
    free(lane->few_x);
    free(lane->few_y);
    free(lane->scratch);
    free(lane);
}

/* Room of at least `bytes`; what was there is lost. -1: all is as it was, for the plans that run
 * in it. */
static int make_room(char **room, size_t *has, size_t bytes)
{
    char *larger;

    if (*has >= bytes && *room)
        return 0;
    larger = onednn_aligned(bytes);
    if (!larger)
        return -1;
    memset(larger, 0, bytes); /* rows that nobody set are multiplied too, and must be finite */
    free(*room);
    *room = larger;
    *has = bytes;
    return 0;
}

/* Everything of this lane that a plan needs; all of it or nothing, since the lane goes on. */
static int add_plan(struct linear_lane *lane, const struct onednn_plan *plan, struct err *err)
{
    const size_t few = (size_t)plan_rows(plan->lowest);
    const dnnl_engine_t engine = lane->provider->engine;
    struct lane_plan *mine = calloc(1, sizeof(*mine));
    dnnl_status_t status = dnnl_success;

    if (!mine)
        return err_set(err, ERR_NOMEM, "linear: out of memory");
    if (make_room(&lane->scratch, &lane->scratch_bytes, plan->scratch_bytes) ||
        make_room(&lane->few_x, &lane->few_x_bytes,
                  few * (size_t)plan->shape.in * onednn_type_bytes(plan->shape.operand)) ||
        make_room(&lane->few_y, &lane->few_y_bytes,
                  few * (size_t)plan->shape.out * onednn_type_bytes(plan->shape.result)))
        status = dnnl_out_of_memory;
    for (int rung = 0; status == dnnl_success && rung < PLAN_RUNGS; rung++) {
        const int rows = plan_rows(rung);

        if (!plan->usable[rung])
            continue;
        status = onednn_matrix_new(engine, rows, plan->shape.in, plan->shape.operand, NULL,
                                   &mine->x[rung]);
        if (status == dnnl_success)
            status = onednn_matrix_new(engine, rows, plan->shape.out, plan->shape.result, NULL,
                                       &mine->y[rung]);
        if (status == dnnl_success)
            status = onednn_scratch_new(engine, NULL, plan->rungs[rung].scratch_bytes,
                                        &mine->scratch[rung]);
    }
    if (status != dnnl_success) {
        lane_plan_free(mine);
        return onednn_fail(err, "linear: a lane's memory", status);
    }
    lane->plans[plan->index] = mine;
    return 0;
}

int onednn_lane_open(struct linear_provider *provider, struct linear_lane **out, struct err *err)
{
    struct linear_lane *lane = calloc(1, sizeof(*lane));
    dnnl_status_t status;

    if (!lane)
        return err_set(err, ERR_NOMEM, "linear: out of memory");
    lane->provider = provider;
    status = onednn.stream_create(&lane->stream, provider->engine, dnnl_stream_default_flags);
    if (status != dnnl_success) {
        onednn_fail(err, "linear: a lane", status);
        goto failed;
    }
    for (int i = 0; i < provider->n_plans; i++)
        if (add_plan(lane, provider->plans[i], err))
            goto failed;
    *out = lane;
    return 0;
failed:
    onednn_lane_close(lane);
    return -1;
}

static dnnl_status_t run_rung(struct linear_lane *lane, const struct linear_weight *weight,
                              int rung, const void *x, void *y)
{
    const struct lane_plan *mine = lane->plans[weight->plan->index];
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, mine->x[rung]},
                                    {DNNL_ARG_WEIGHTS, weight->packed_memory},
                                    {DNNL_ARG_DST, mine->y[rung]},
                                    {DNNL_ARG_SCRATCHPAD, mine->scratch[rung]},
                                    {DNNL_ARG_BIAS, weight->bias_memory}};
    dnnl_status_t status = onednn.memory_set_data_handle(mine->x[rung], (void *)(size_t)x);

    if (status == dnnl_success)
        status = onednn.memory_set_data_handle(mine->y[rung], y);
    if (status == dnnl_success)
        status = onednn.memory_set_data_handle(mine->scratch[rung], lane->scratch);
    if (status == dnnl_success)
        status = onednn.primitive_execute(weight->plan->rungs[rung].primitive, lane->stream,
                                          weight->bias_memory ? 5 : 4, args);
    return status;
}

/* The last rows, when they are fewer than the lowest rung has, are done by one that overlaps
 * those before: these get the same bits a second time. */
static dnnl_status_t run_rows(struct linear_lane *lane, const struct linear_args *args)
{
    const struct onednn_plan *plan = args->weight->plan;
    const size_t x_bytes = (size_t)plan->shape.in * onednn_type_bytes(plan->shape.operand);
    const size_t y_bytes = (size_t)plan->shape.out * onednn_type_bytes(plan->shape.result);
    const int few = plan_rows(plan->lowest);
    dnnl_status_t status = dnnl_success;

    for (int row = 0; status == dnnl_success && row < args->n_rows;) {
        int rung;

        if (args->n_rows - row < few)
            row = args->n_rows - few;
        rung = onednn_plan_rung(plan, args->n_rows - row);
        status = run_rung(lane, args->weight, rung, (const char *)args->in + (size_t)row * x_bytes,
                          (char *)args->out + (size_t)row * y_bytes);
        row += plan_rows(rung);
    }
    return status;
}

static dnnl_status_t run_few(struct linear_lane *lane, const struct linear_args *args)
{
    const struct onednn_plan *plan = args->weight->plan;
    const size_t n = (size_t)args->n_rows;
    dnnl_status_t status;

    memcpy(lane->few_x, args->in,
           n * (size_t)plan->shape.in * onednn_type_bytes(plan->shape.operand));
    status = run_rung(lane, args->weight, plan->lowest, lane->few_x, lane->few_y);
    if (status == dnnl_success)
        status = onednn.stream_wait(lane->stream);
    if (status == dnnl_success)
        memcpy(args->out, lane->few_y,
               n * (size_t)plan->shape.out * onednn_type_bytes(plan->shape.result));
    return status;
}

int onednn_lane_run(struct linear_lane *lane, const struct linear_args *args, struct err *err)
{
    const struct onednn_plan *plan = args->weight->plan;
    dnnl_status_t status;

    if (args->n_rows == 0)
        return 0;
    if (!lane->plans[plan->index] && add_plan(lane, plan, err))
        return -1;
    if (args->n_rows < plan_rows(plan->lowest))
        status = run_few(lane, args);
    else
        status = run_rows(lane, args);
    if (status == dnnl_success)
        status = onednn.stream_wait(lane->stream);
    return status == dnnl_success ? 0 : onednn_fail(err, "linear", status);
}
