/*
 * Admission, the second gate: a newcomer is admitted only if it and every job already admitted
 * still finish in time, else it is refused at once (early and honest). The gate plans the queue
 * with the newcomer in it, batch by batch, exactly as pick.h will run it, from the moment when what
 * is launched will be through.
 *
 *   - An idle engine with an empty queue always admits: otherwise one stall would inflate the
 *     estimate for ever. (Not where a quarter of the engine's own estimate is too long already: the
 *     correction cannot be why.)
 *   - Whoever would decide how far a batch can grow, by having the earliest deadline in it, leaves
 *     it room to become worth its fixed cost while others wait.
 *   - Jobs that are lost whatever is done (costs turned out higher) protect nobody and are ignored.
 *   - Where budgets differ, long ones leave room for short ones: a job with budget b has to fit
 *     into s + (b - s) / 2, s being a short budget of the recent arrivals (one in 200 has less).
 *     Otherwise patient jobs would fill all the time there is up to their far deadlines and protect
 *     it against short ones for ever. Equal budgets are used whole. Budgets under options.min_us,
 *     or too short for the job even on an idle engine, are none to leave room for.
 *
 * Pure: told the time, O(length of the queue). The executor guards it by its lock.
 */
#ifndef SERVER_BATCH_GATE_H
#define SERVER_BATCH_GATE_H

#include "server/batch/queue.h"

#define GATE_BUDGET_BUCKETS 64 /* quarter powers of two from 1/4 ms up */

/* Recent budgets of arrivals that an idle engine could meet, refused ones too; weights decay. */
struct gate {
    double budgets[GATE_BUDGET_BUCKETS];
    double total;
};

void gate_init(struct gate *gate);

/* What the engine is at. */
struct engine_state {
    bool idle;             /* nothing launched, no split job or background step under way */
    int64_t free_us;       /* when all of that should be through; <= now when idle */
    int64_t background_us; /* time to leave for one background step (opening a model); 0: none */
};

/*
 * When a launched batch will be through: started_us + cost_us, and once that has passed, as much
 * later as it is late already (a batch that is 20 ms late is expected in 20 ms), so that a stall
 * shuts the gate by itself.
 */
int64_t launched_free_us(int64_t started_us, double cost_us, int64_t now_us);

enum admission {
    ADMISSION_OK,
    ADMISSION_LATE, /* it, or somebody admitted before it, would be late */
    ADMISSION_FULL, /* options.max_queue */
};

struct gate_answer {
    enum admission admission;
    int64_t wait_us; /* planned work up to and with the newcomer: for Retry-After */
};

/* work is prepared (work_prepare) and not in the queue; when it is admitted it is. */
struct gate_answer gate_decide(struct gate *gate, struct queue *queue, struct work *work,
                               const struct batch_options *options,
                               const struct engine_state *engine, int64_t now_us);

/* Whether all admitted work still finishes when the engine is first free at free_us. */
bool gate_fits(const struct queue *queue, const struct batch_options *options, int64_t free_us,
               int64_t now_us);

#endif
