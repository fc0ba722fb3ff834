/*
 * Admission, the second gate: a newcomer is admitted only if it and every job already admitted
 * still finish in time, otherwise it is refused immediately (early and honest). The gate plans the
 * queue with the newcomer in it, batch by batch, exactly as pick.h will run it, from the moment
 * when what is launched will be done.
 *
 *   - An idle engine with an empty queue always admits (a trial): otherwise one stall would inflate
 *     the estimate permanently. Not where a quarter of the engine's own estimate is already too
 *     long: then the correction is not to blame.
 *   - A job that would limit how far a batch can grow, having the earliest deadline in it, leaves
 *     it room to become worth its fixed cost while others wait.
 *   - Jobs that will miss their deadlines whatever happens (costs turned out higher) protect
 *     nothing and are ignored.
 *   - Where budgets differ, long ones leave room for short ones: a job with budget b has to fit
 *     into s + (b - s) / 2, s being a short budget of the recent arrivals (one in 200 has less).
 *     Otherwise patient jobs would fill all the time up to their far deadlines and permanently shut
 *     out short ones. Equal budgets are used whole. No room is left for budgets under
 *     options.min_us, or too short for the job even on an idle engine.
 *
 * Pure: is passed the time; O(length of the queue). The executor guards it by its lock.
 */
#ifndef SERVER_BATCH_GATE_H
#define SERVER_BATCH_GATE_H

#include "server/batch/queue.h"

#define GATE_BUDGET_BUCKETS 64 /* quarter powers of two from 1/4 ms up */

/* Recent budgets of arrivals that an idle engine could meet, refused ones too; weights decay.
 * Starts zeroed. */
struct gate {
    double budgets[GATE_BUDGET_BUCKETS];
    double total;
};

/* What delays a newcomer, apart from the queue. */
struct engine_state {
    bool idle;       /* nothing launched, no split job or background step in progress */
    int64_t free_us; /* when the engine should be free for a batch; not before now */
};

/*
 * When a launched batch will be done: started_us + cost_us; once that has passed, as much later as
 * it is late already (a batch 20 ms late is expected in 20 ms), so that a stall shuts the gate by
 * itself.
 */
int64_t launched_free_us(int64_t started_us, double cost_us, int64_t now_us);

enum submit {
    SUBMIT_ADMITTED, /* lent; its letter will come */
    SUBMIT_LATE,     /* refused: it, or a job admitted before it, would be late */
    SUBMIT_FULL,     /* refused: batch.max_queue */
    SUBMIT_FAILED,   /* not the gate's: no engine of the model works, or the executor is stopping */
};

struct gate_answer {
    enum submit submit;
    int64_t wait_us; /* planned work up to and including the newcomer */
};

/* work is prepared (work_prepare); the gate inserts it into the queue if it is admitted. */
struct gate_answer gate_decide(struct gate *gate, struct queue *queue, struct work *work,
                               const struct batch_options *options,
                               const struct engine_state *engine, int64_t now_us);

/* Whether all admitted work still finishes in time when the engine is first free at free_us, which
 * is not before now. */
bool gate_fits(const struct queue *queue, const struct batch_options *options, int64_t free_us,
               int64_t now_us);

#endif
