/* What the test device `queue` has seen, exported by its module under this name. */
#ifndef TESTS_BACKENDS_QUEUE_COUNTS_H
#define TESTS_BACKENDS_QUEUE_COUNTS_H

struct queue_counts {
    int devices_opened, devices_closed;
    int sessions_opened, sessions_closed;
    int host_blocks; /* from host_alloc, not yet freed */
    int recorded, replayed;
    int in_flight, most_in_flight;
    int tokens, rung_tokens; /* of the last batch: its own, and those computed for it */
};

extern struct queue_counts queue_counts;

#endif
