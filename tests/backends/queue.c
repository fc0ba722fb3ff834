/*
 * A device that behaves like a GPU: operations are recorded, and run when the queue reaches them; a
 * pass that was recorded before is replayed; transfers need memory of host_alloc; batches are
 * computed in rungs, with garbage in the padding rows. Scores are null_logit().
 *
 * A pass is queued twice before it is replayed; the second time it is compared with the first.
 * Violations of kernels/backend.h kill the process (BUG).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "tests/backends/null_ops.h"
#include "tests/backends/queue_counts.h"

enum { BLOCKS = 64, RECORDINGS = 1024, OPS = 128, LANES = 8 };

enum op_kind { OP_EMBED, OP_LINEAR, OP_ATTENTION, OP_NORM, OP_POOL, OP_HEAD, OP_DOWNLOAD };

struct op {
    enum op_kind kind;
    const void *in, *weight;
    void *out;
    size_t row_bytes; /* of out, if it matters; for head: labels */
};

/* The operations of a pass, for batches of up to this many rows. */
struct recording {
    const struct lane *lane; /* NULL: the entry is free */
    struct pass pass;
    int tokens, read; /* rungs */
    int times;        /* how often it was begun */
    int n_ops;
    struct op ops[OPS];
};

struct batch {
    struct lane *lane; /* NULL: no such lane */
    struct recording *recording;
    int n_compared;
    int turn; /* position in the queue */
    bool replayed, in_flight, queried;
};

static struct {
    struct device *device;
    struct {
        const char *memory;
        size_t bytes;
    } blocks[BLOCKS];
    struct recording recordings[RECORDINGS];
    struct batch lanes[LANES];
    int n_queued, n_done; /* batches, in order */
} q;

extern struct queue_counts queue_counts;
struct queue_counts queue_counts;

static const struct ladder ladder = {
    .n = 12, .tokens = {16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768}};

static int rung(int n)
{
    return ladder_rung(&ladder, n);
}

static struct batch *batch_of(const struct lane *lane)
{
    for (int i = 0; i < LANES; i++)
        if (q.lanes[i].lane == lane)
            return &q.lanes[i];
    BUG("not an open lane");
}

/* ---- device and session ---------------------------------------------------------------------- */

static int queue_device_open(const char *name, struct device **out, struct err *err)
{
    BUG_ON(q.device);
    if (null_device_open(name, out, err))
        return -1;
    (*out)->caps.ladder = ladder;
    q.device = *out;
    queue_counts.devices_opened++;
    return 0;
}

static void queue_device_close(struct device *device)
{
    BUG_ON(queue_counts.host_blocks);
    BUG_ON(queue_counts.sessions_opened != queue_counts.sessions_closed);
    q.device = NULL;
    queue_counts.devices_closed++;
    null_device_close(device);
}

static void *queue_host_alloc(struct device *device, size_t bytes, struct err *err)
{
    char *memory = null_host_alloc(device, bytes, err);
    int i = 0;

    while (i < BLOCKS && q.blocks[i].memory)
        i++;
    BUG_ON(i == BLOCKS);
    q.blocks[i].memory = memory;
    q.blocks[i].bytes = bytes;
    queue_counts.host_blocks += memory != NULL;
    return memory;
}

static void queue_host_free(struct device *device, void *memory)
{
    for (int i = 0; memory && i < BLOCKS; i++)
        if (q.blocks[i].memory == memory) {
            q.blocks[i].memory = NULL;
            queue_counts.host_blocks--;
        }
    null_host_free(device, memory);
}

static void must_be_pinned(const void *from, size_t bytes)
{
    const char *at = from;

    for (int i = 0; i < BLOCKS; i++)
        if (q.blocks[i].memory && at >= q.blocks[i].memory &&
            at + bytes <= q.blocks[i].memory + q.blocks[i].bytes)
            return;
    BUG("%zu bytes outside the memory of host_alloc", bytes);
}

static int queue_session_open(struct device *device, const struct session_args *args,
                              struct session **out, struct err *err)
{
    BUG_ON(device != q.device);
    queue_counts.sessions_opened++;
    return null_session_open(device, args, out, err);
}

static void queue_session_close(struct session *session)
{
    for (int i = 0; i < LANES; i++)
        BUG_ON(q.lanes[i].lane && q.lanes[i].lane->session == session);
    queue_counts.sessions_closed++;
    null_session_close(session);
}

static int queue_lane_open(struct session *session, int max_tokens, int max_hidden,
                           struct lane **out, struct err *err)
{
    int i = 0;

    BUG_ON(max_tokens != rung(max_tokens));
    if (null_lane_open(session, max_tokens, max_hidden, out, err))
        return -1;
    while (i < LANES && q.lanes[i].lane)
        i++;
    BUG_ON(i == LANES);
    q.lanes[i] = (struct batch){.lane = *out};
    return 0;
}

static void queue_lane_close(struct lane *lane)
{
    struct batch *batch = batch_of(lane);

    BUG_ON(batch->in_flight);
    batch->lane = NULL;
    for (int i = 0; i < RECORDINGS; i++)
        if (q.recordings[i].lane == lane)
            q.recordings[i].lane = NULL;
    null_lane_close(lane);
}

/* ---- recording ------------------------------------------------------------------------------- */

static struct recording *recording_of(const struct lane *lane, const struct slice *slice,
                                      const struct pass *pass)
{
    int tokens = rung(slice->n_tokens), read = rung(slice->n_read);
    struct recording *unused = NULL;

    for (int i = RECORDINGS - 1; i >= 0; i--) {
        struct recording *r = &q.recordings[i];
        if (!r->lane)
            unused = r;
        else if (r->lane == lane && r->pass.network == pass->network &&
                 r->pass.first_layer == pass->first_layer && r->pass.n_layers == pass->n_layers &&
                 r->tokens == tokens && r->read == read)
            return r;
    }
    BUG_ON(!unused);
    *unused = (struct recording){.lane = lane, .pass = *pass, .tokens = tokens, .read = read};
    queue_counts.recorded++;
    return unused;
}

static int queue_begin(struct lane *lane, const struct slice *slice, const struct pass *pass,
                       struct err *err)
{
    struct batch *batch = batch_of(lane);
    size_t n = (size_t)rung(slice->n_tokens);

    BUG_ON(batch->in_flight || slice->n_read == 0);
    must_be_pinned(slice->ids, n * sizeof(*slice->ids));
    must_be_pinned(slice->types, n * sizeof(*slice->types));
    must_be_pinned(slice->positions, n * sizeof(*slice->positions));
    must_be_pinned(slice->segments, (size_t)slice->n_segments * sizeof(*slice->segments));
    must_be_pinned(slice->read, (size_t)slice->n_read * sizeof(*slice->read));
    must_be_pinned(slice->read_segments, (size_t)slice->n_read * sizeof(*slice->read_segments));
    batch->recording = recording_of(lane, slice, pass);
    batch->n_compared = 0;
    batch->replayed = ++batch->recording->times > 2;
    queue_counts.replayed += batch->replayed;
    return null_begin(lane, slice, pass, err) ? -1 : batch->replayed;
}

static int record(const struct lane *lane, struct op op)
{
    struct batch *batch = batch_of(lane);
    struct recording *r = batch->recording;

    BUG_ON(batch->in_flight || batch->replayed);
    if (r->times == 1) {
        BUG_ON(r->n_ops == OPS);
        r->ops[r->n_ops++] = op;
    } else {
        const struct op *before = &r->ops[batch->n_compared++];
        BUG_ON(batch->n_compared > r->n_ops);
        BUG_ON(op.kind != before->kind || op.in != before->in || op.weight != before->weight ||
               op.out != before->out || op.row_bytes != before->row_bytes);
    }
    return 0;
}

#define RECORDS(operation, ...)                                                                    \
    static int queue_##operation(struct lane *lane, const struct operation##_args *args,           \
                                 struct err *err)                                                  \
    {                                                                                              \
        (void)err;                                                                                 \
        return record(lane, (struct op){__VA_ARGS__});                                             \
    }

RECORDS(embed, OP_EMBED, NULL, args->word, args->stream, (size_t)args->hidden * sizeof(float))
RECORDS(linear, OP_LINEAR, args->in, args->weight, args->out, 0)
RECORDS(attention, OP_ATTENTION, args->qkv, NULL, args->out, 0)
RECORDS(residual_norm, OP_NORM, args->delta, args->gamma, args->stream, 0)
RECORDS(pool, OP_POOL, args->stream, args->operand_out, args->stream_out, 0)
RECORDS(head, OP_HEAD, args->operand, args->weight, args->logits, (size_t)args->labels)

static int queue_download(struct lane *lane, void *to, const void *from, size_t bytes,
                          struct err *err)
{
    size_t n_read = (size_t)lane->slice->n_read;

    (void)err;
    BUG_ON(bytes % n_read);
    return record(lane, (struct op){OP_DOWNLOAD, from, NULL, to, bytes / n_read});
}

/* ---- running --------------------------------------------------------------------------------- */

static void fill(void *rows, size_t row_bytes, int from, int to)
{
    float *at = (float *)(void *)((char *)rows + (size_t)from * row_bytes);

    for (size_t i = 0; i < (size_t)(to - from) * row_bytes / sizeof(float); i++)
        at[i] = NAN;
}

static void run(struct lane *lane, const struct recording *r)
{
    struct err err;

    for (int i = 0; i < r->n_ops; i++) {
        const struct op *op = &r->ops[i];
        if (op->kind == OP_EMBED) {
            fill(op->out, op->row_bytes, 0, r->tokens);
        } else if (op->kind == OP_HEAD) {
            const struct head_args head = {
                .n_rows = lane->slice->n_read, .labels = (int)op->row_bytes, .logits = op->out};
            BUG_ON(null_head(lane, &head, &err));
            fill(op->out, op->row_bytes * sizeof(float), head.n_rows, r->read);
        } else if (op->kind == OP_DOWNLOAD) {
            must_be_pinned(op->out, (size_t)r->read * op->row_bytes);
            memcpy(op->out, op->in, (size_t)r->read * op->row_bytes);
        }
    }
    queue_counts.tokens = lane->slice->n_tokens;
    queue_counts.rung_tokens = r->tokens;
}

static int queue_finish(struct lane *lane, struct err *err)
{
    struct batch *batch = batch_of(lane);

    (void)err;
    BUG_ON(batch->in_flight);
    BUG_ON(batch->recording->times == 2 && batch->n_compared != batch->recording->n_ops);
    batch->in_flight = true;
    batch->queried = false;
    batch->turn = q.n_queued++;
    queue_counts.in_flight++;
    if (queue_counts.in_flight > queue_counts.most_in_flight)
        queue_counts.most_in_flight = queue_counts.in_flight;
    return 0;
}

/* The first batch in the queue is done when it is queried again. */
static int queue_query(struct lane *lane, struct err *err)
{
    struct batch *batch = batch_of(lane);

    (void)err;
    BUG_ON(!batch->in_flight);
    if (q.n_done != batch->turn)
        return 0;
    if (!batch->queried) {
        batch->queried = true;
        return 0;
    }
    run(lane, batch->recording);
    batch->in_flight = false;
    queue_counts.in_flight--;
    q.n_done++;
    return 1;
}

static const struct backend_ops queue_ops = {
    NULL_FACTS("queue"),
    OWNERS(queue),
    OPERATIONS(queue),
    .device_open = queue_device_open,
    .weight_new = null_weight_new,
    .weight_step = null_weight_step,
    .weight_free = null_weight_free,
    .begin = queue_begin,
    .download = queue_download,
    .finish = queue_finish,
    .query = queue_query,
};

extern const struct backend_module adrank_backend;
const struct backend_module adrank_backend = {BACKEND_ABI, &queue_ops};
