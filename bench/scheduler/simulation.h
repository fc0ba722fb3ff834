/*
 * The scheduler in virtual time: the daemon's own queue, gate, batch formation, cost correction
 * and decisions (the pure files of server/batch) in front of a simulated engine. No thread, no
 * clock: seconds of load pass in milliseconds, and equal arguments give equal results on every
 * machine.
 */
#ifndef BENCH_SCHEDULER_SIMULATION_H
#define BENCH_SCHEDULER_SIMULATION_H

#include "base/hist.h"
#include "server/batch/queue.h"

/* A share of the requests: an impression of prefix_tokens with ads_min..ads_max ads of 16
 * tokens. Larger than a batch, it is run in parts. */
struct traffic_class {
    double share; /* of all requests; the shares add up to 1 */
    int64_t budget_us;
    int prefix_tokens, ads_min, ads_max;
};

enum { TRAFFIC_CLASSES = 2 };

struct engine_profile {
    const char *name;
    struct engine_cost cost; /* predicted; the actual cost is this times the error */
    int max_tokens, max_jobs;
    int ads_min, ads_max; /* of a request: all alike where the cost does not depend on it */
    int burst; /* requests that come at once where bursts are asked for: about 5 ms of work */
};

enum cost_error {
    COST_EXACT,
    COST_RANDOM, /* each batch takes a factor out of [1 - error, 1 + error], uniform */
    COST_LOW,    /* every batch takes 1 + error times the estimate */
    COST_HIGH,   /* every batch takes 1 - error times the estimate */
    COST_ERRORS
};
extern const char *const cost_error_names[COST_ERRORS];

struct simulation_args {
    const struct engine_profile *engine;
    struct traffic_class classes[TRAFFIC_CLASSES]; /* a share of 0: unused */
    double load; /* offered, in multiples of simulation_capacity */
    int burst;   /* requests that come at once; 1: Poisson */
    enum cost_error cost_error;
    double error;    /* .3 is 30 % */
    bool first_come; /* the rival: in order of arrival, nothing refused or dropped for time, and
                      * no request larger than a batch */
    int64_t stall_at_us,
        stall_us; /* the batch that is launched first from then on takes that much longer */
    int64_t duration_us;
    int64_t measure_from_us; /* goodput and quantiles count requests that arrive from then on */
    uint64_t seed;
    struct batch_options options; /* max_tokens and max_jobs are taken from the engine */
};

struct class_result {
    uint64_t offered, good, late, refused;
};

struct simulation_result {
    struct class_result classes[TRAFFIC_CLASSES]; /* from measure_from_us on */
    struct class_result all;                      /* their sum */
    struct class_result whole; /* the whole run. late: admitted, and not through by the deadline */
    uint64_t good_ads; /* of answers in time that came between measure_from_us and duration_us */
    struct hist latency_us; /* of answers from the model, in time or not */
    double seconds;         /* measured */
    double batch_requests;  /* mean */
};

/* Requests per second that full batches of this traffic would reach with exact costs. */
double simulation_capacity(const struct simulation_args *args);

int simulation_run(const struct simulation_args *args, struct simulation_result *result,
                   struct err *err) MUST_CHECK;

/* Three engines: a CPU (work dominates), a GPU (large batches) and one of fixed latency. */
enum { ENGINE_PROFILES = 3 };
extern const struct engine_profile engine_profiles[ENGINE_PROFILES];

#endif
