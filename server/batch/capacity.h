/* What the batch queue and its executor are built for: the largest values that their options may
 * take. */
#ifndef SERVER_BATCH_CAPACITY_H
#define SERVER_BATCH_CAPACITY_H

#define BATCH_MAX_QUEUE 4096 /* jobs that may wait: bound of batch.max_queue */
#define BATCH_MAX_JOBS 512   /* of one batch */

#endif
