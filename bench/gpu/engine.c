/* A network, its head, its scratch and two lanes. */
#include "bench/gpu/engine.h"

static int upload_all(struct bench_engine *e, struct err *err)
{
    int rc;

    do
        rc = upload_step(&e->net.upload, err);
    while (rc > 0);
    if (rc < 0)
        return -1;
    do
        rc = upload_step(&e->head.upload, err);
    while (rc > 0);
    return rc;
}

static int open_lanes(struct bench_engine *e, struct err *err)
{
    const int hidden = e->model->encoder.config.hidden;

    for (int i = 0; i < BENCH_LANES; i++) {
        if (backend_cuda.lane_open(e->session, e->max_tokens, hidden, &e->lanes[i], err))
            return -1;
        e->out[i] =
            backend_cuda.host_alloc(e->device, (size_t)e->max_tokens * sizeof(*e->out[i]), err);
        if (!e->out[i])
            return -1;
    }
    return 0;
}

int bench_engine_init(struct bench_engine *e, struct device *device,
                      const struct bench_model *model, enum precision precision, int max_tokens,
                      struct err *err)
{
    const struct session_args session = {.precision = precision};
    struct network_args net = {
        .ops = &backend_cuda, .encoder = &model->encoder, .max_rows = max_tokens};
    const struct forward_scratch_args scratch = {
        .networks = &e->net, .n_networks = 1, .max_tokens = max_tokens, .out_width = 1};

    *e = (struct bench_engine){.model = model, .device = device, .max_tokens = max_tokens};
    if (backend_cuda.session_open(device, &session, &e->session, err))
        return -1;
    net.session = e->session;
    if (network_init(&e->net, &net, err) ||
        packed_head_init(&e->head, &e->net, &model->head, err) || upload_all(e, err) ||
        open_lanes(e, err) || forward_scratch_init(&e->scratch, &scratch, err)) {
        bench_engine_release(e);
        return -1;
    }
    return 0;
}

void bench_engine_release(struct bench_engine *e)
{
    if (!e->session)
        return;
    if (e->scratch.memory)
        forward_scratch_release(&e->scratch, &e->net);
    for (int i = 0; i < BENCH_LANES; i++) {
        backend_cuda.host_free(e->device, e->out[i]);
        backend_cuda.lane_close(e->lanes[i]);
    }
    packed_head_release(&e->head);
    network_release(&e->net);
    backend_cuda.session_close(e->session);
    *e = (struct bench_engine){0};
}

int bench_engine_launch(struct bench_engine *e, int lane, const struct slice *slice, bool plain,
                        struct err *err)
{
    return bench_engine_launch_as(e, lane, slice, plain ? NULL : &e->net, err);
}

int bench_engine_launch_as(struct bench_engine *e, int lane, const struct slice *slice,
                           const void *key, struct err *err)
{
    const int layers = e->net.config->layers;
    const struct pass pass = {.network = key, .n_layers = layers, .record = true};
    const struct forward_args args = {.lane = e->lanes[lane],
                                      .slice = slice,
                                      .scratch = &e->scratch,
                                      .layers = {0, layers},
                                      .reads = true,
                                      .read_out = POOL_ROWS};
    const int replayed = backend_cuda.begin(args.lane, slice, &pass, err);

    if (replayed < 0)
        return -1;
    if (!replayed &&
        (forward(&e->net, &args, err) || packed_head_run(&e->head, &args, e->out[lane], err)))
        return -1;
    return backend_cuda.finish(args.lane, err);
}

int bench_engine_wait(struct bench_engine *e, int lane, struct err *err)
{
    int done;

    do
        done = backend_cuda.query(e->lanes[lane], err);
    while (done == 0);
    return done < 0 ? -1 : 0;
}
