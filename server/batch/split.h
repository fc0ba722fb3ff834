/* The job larger than a batch that is being run, part by part, before anything else. Pure. */
#ifndef SERVER_BATCH_SPLIT_H
#define SERVER_BATCH_SPLIT_H

#include "adrank/engine.h"
#include "server/batch/pick.h"

struct split {
    struct work *work; /* NULL: none */
    int next_part, in_flight;
    bool ended;               /* no further part is launched */
    bool broken;              /* the device is: the whole job is for the fallback */
    enum job_outcome outcome; /* JOB_OK until something went wrong */
    double part_us, left_us;  /* estimates: of a part before it is cut, of those not launched */
};

/* extent is of work alone, and there is no other split job. */
void split_start(struct split *split, struct work *work, const struct extent *extent);

/* Number of the next part, which is launched now. With the last one the job is ended, so that it is
 * returned as soon as that is done, before anything else. -1: the job is abandoned. */
int split_next(struct split *split, int64_t now_us);
/* That part was cut: its own estimate is known. */
void split_part_cut(struct split *split, double cost_us);
void split_part_done(struct split *split, enum batch_status status);

/* Estimate of the parts that are still to be launched. */
double split_left_us(const struct split *split);

/* No further part: the drain is over, the device broke. */
void split_fail(struct split *split);
void split_break(struct split *split);
/* The device hangs: the parts in flight are abandoned, too. */
void split_abandon(struct split *split);

/* Removes the job once it is ended and none of its parts is in flight; else NULL. */
struct work *split_take_ended(struct split *split);

#endif
