/* What the test device `queue` has seen, exported by its module under this name. */
#ifndef TESTS_BACKENDS_QUEUE_COUNTS_H
#define TESTS_BACKENDS_QUEUE_COUNTS_H

struct queue_counts {
    int devices_opened, devices_closed;
    int sessions_opened, sessions_closed;
    int host_blocks; /* of host_alloc that are not freed */
    int recorded, replayed;
    int in_flight, most_in_flight;
    int tokens, rung_tokens; /* of the last batch: its own, and what was computed for it */
};

extern struct queue_counts queue_counts;

#endif
