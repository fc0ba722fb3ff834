#include "bench/scheduler/simulation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "server/batch/pick.h"

#define AD_TOKENS 16

const char *const cost_error_names[COST_ERRORS] = {"exact", "random", "low", "high"};

const struct engine_profile engine_profiles[ENGINE_PROFILES] = {
    {"cpu",
     {.fixed_us = 100, .per_token_us = 0.7, .per_attention_us = 0.0005},
     8192,
     64,
     20,
     80,
     8},
    {"gpu",
     {.fixed_us = 400, .per_token_us = 0.15, .per_attention_us = 0.0001},
     32768,
     256,
     20,
     80,
     32},
    {"paced", {.fixed_us = 10000, .per_token_us = 0, .per_attention_us = 0}, 65536, 32, 50, 50, 16},
};

struct request {
    struct work work;
    int class, ads;
    struct request *next;
};

struct simulation {
    const struct simulation_args *args;
    struct simulation_result *result;
    struct batch_options options;
    struct rng arrivals, errors;
    struct cost cost;
    struct gate gate;
    struct queue queue;
    struct request *requests, *free; /* (capacity) */
    struct work **chosen, **dropped;
    struct input input, part;     /* of a request larger than a batch */
    struct request *first, *last; /* first come, first served: the rival's queue */
    int n_waiting;

    int64_t next_arrival_us;
    int burst_left;
    bool running, stalled;
    struct pick batch;
    int64_t started_us, ends_us;
    uint64_t batches, batched;
};

static struct input_shape request_shape(int prefix, int ads)
{
    int64_t tokens = prefix + (int64_t)ads * AD_TOKENS;

    return (struct input_shape){
        .tokens = tokens,
        .attention = (int64_t)prefix * prefix + (int64_t)ads * AD_TOKENS * (AD_TOKENS + prefix),
        .segments = 1 + ads,
    };
}

/* Of a request larger than a batch: as many ads in each part as have room beside the prefix. */
static double split_cost_us(const struct engine_profile *engine, const struct traffic_class *class,
                            const struct input_shape *shape)
{
    const struct engine_cost *cost = &engine->cost;
    int64_t prefix = class->prefix_tokens, ads = shape->segments - 1;
    int64_t ads_of_part = (engine->max_tokens - prefix) / AD_TOKENS;
    int64_t parts = (ads + ads_of_part - 1) / ads_of_part, more = parts - 1;

    return cost->fixed_us * (double)parts +
           cost->per_token_us * (double)(shape->tokens + more * prefix) +
           cost->per_attention_us * (double)(shape->attention + more * prefix * prefix);
}

double simulation_capacity(const struct simulation_args *args)
{
    const struct engine_profile *engine = args->engine;
    double tokens = 0, variable_us = 0, split_us = 0, whole = 0;

    for (int c = 0; c < TRAFFIC_CLASSES; c++) {
        const struct traffic_class *class = &args->classes[c];
        struct input_shape shape =
            request_shape(class->prefix_tokens, (class->ads_min + class->ads_max) / 2);
        if (shape.tokens > engine->max_tokens) {
            split_us += class->share * split_cost_us(engine, class, &shape);
            continue;
        }
        whole += class->share;
        tokens += class->share * (double)shape.tokens;
        variable_us += class->share * (engine->cost.per_token_us * (double)shape.tokens +
                                       engine->cost.per_attention_us * (double)shape.attention);
    }
    if (!(whole > 0))
        return 1e6 / split_us;
    double jobs = fmin(engine->max_jobs, floor(engine->max_tokens * whole / tokens));
    return jobs * 1e6 / (whole * engine->cost.fixed_us + jobs * (variable_us + split_us));
}

static int choose_class(struct simulation *sim)
{
    double u = rng_double(&sim->arrivals);
    int c = 0;

    while (c < TRAFFIC_CLASSES - 1 && u >= sim->args->classes[c].share)
        u -= sim->args->classes[c++].share;
    return c;
}

static void schedule_arrival(struct simulation *sim, double rate)
{
    if (--sim->burst_left > 0)
        return;
    sim->burst_left = sim->args->burst;
    double gap_us = rng_exponential(&sim->arrivals) * 1e6 * sim->args->burst / rate;
    sim->next_arrival_us += (int64_t)gap_us + 1;
}

enum fate { FATE_GOOD, FATE_LATE, FATE_REFUSED };

static void count(struct class_result *result, enum fate fate)
{
    result->offered++;
    result->good += fate == FATE_GOOD;
    result->late += fate == FATE_LATE;
    result->refused += fate == FATE_REFUSED;
}

static void end_request(struct simulation *sim, struct request *request, enum fate fate)
{
    count(&sim->result->whole, fate);
    if (request->work.arrival_us >= sim->args->measure_from_us) {
        count(&sim->result->all, fate);
        count(&sim->result->classes[request->class], fate);
    }
    request->next = sim->free;
    sim->free = request;
}

static void finish_batch(struct simulation *sim, int64_t now_us)
{
    const struct extent *extent = &sim->batch.extent;

    for (int i = 0; i < sim->batch.n_chosen; i++) {
        struct work *work = sim->batch.chosen[i];
        struct request *request = (struct request *)(void *)work;
        if (work->arrival_us >= sim->args->measure_from_us)
            hist_record(&sim->result->latency_us, (uint64_t)(now_us - work->arrival_us));
        bool good = now_us <= work->deadline_us;
        if (good && now_us >= sim->args->measure_from_us && now_us < sim->args->duration_us)
            sim->result->good_ads += (uint64_t)request->ads;
        end_request(sim, request, good ? FATE_GOOD : FATE_LATE);
    }
    cost_observe(&sim->cost, extent->base_us, (double)(now_us - sim->started_us));
    sim->running = false;
}

/* The segments of a request, with whatever ids. */
static const struct input *request_input(struct simulation *sim, const struct request *request)
{
    int prefix = sim->args->classes[request->class].prefix_tokens;
    struct input *input = &sim->input;

    input->n_tokens = prefix + request->ads * AD_TOKENS;
    input->n_segments = 1 + request->ads;
    input->n_read = request->ads;
    input->segments[0] = (struct segment){.len = prefix, .parent = -1};
    for (int i = 0; i < request->ads; i++)
        input->segments[1 + i] = (struct segment){
            .start = prefix + i * AD_TOKENS, .len = AD_TOKENS, .parent = 0, .read = true};
    return input;
}

/* What the engine says of a request that is larger than a batch, part by part as they are run. */
static double parts_us(struct simulation *sim, const struct request *request)
{
    const struct input *input = request_input(sim, request);
    double us = 0;
    int first_read;
    struct err err;

    for (int i = 0;
         input_part(input, sim->options.max_tokens, i, &sim->part, &first_read, &err) == 1; i++) {
        struct input_shape shape = input_shape(&sim->part);
        us += cost_base_us(&sim->cost, &shape, 1);
    }
    return us;
}

static double actual_us(struct simulation *sim, const struct pick *pick)
{
    double us = pick->extent.batches > 1
                    ? parts_us(sim, (const struct request *)(const void *)pick->chosen[0])
                    : pick->extent.base_us;
    double error = sim->args->error;

    switch (sim->args->cost_error) {
    case COST_RANDOM:
        return us * (1 + error * (2 * rng_double(&sim->errors) - 1));
    case COST_LOW:
        return us * (1 + error);
    case COST_HIGH:
        return us * (1 - error);
    default:
        return us;
    }
}

static void pick_first_come(struct simulation *sim)
{
    struct pick *pick = &sim->batch;

    pick->n_chosen = pick->n_dropped = 0;
    pick->extent = (struct extent){.batches = 1};
    while (sim->first) {
        struct request *request = sim->first;
        struct input_shape *sum = &pick->extent.shape, *more = &request->work.shape;
        if (pick->n_chosen && (pick->n_chosen >= sim->options.max_jobs ||
                               sum->tokens + more->tokens > sim->options.max_tokens))
            break;
        sum->tokens += more->tokens;
        sum->attention += more->attention;
        pick->extent.base_us = cost_base_us(&sim->cost, sum, 1);
        pick->chosen[pick->n_chosen++] = &request->work;
        sim->first = request->next;
        sim->n_waiting--;
    }
}

static void launch(struct simulation *sim, int64_t now_us)
{
    struct pick *pick = &sim->batch;

    if (sim->args->first_come)
        pick_first_come(sim);
    else
        pick_batch(&sim->queue, &sim->options, now_us, pick);
    for (int i = 0; i < pick->n_dropped; i++)
        end_request(sim, (struct request *)(void *)pick->dropped[i], FATE_LATE);
    if (!pick->n_chosen)
        return;
    sim->running = true;
    sim->started_us = now_us;
    /* Whole microseconds, rounded down: exact costs are not exceeded by rounding. */
    sim->ends_us = now_us + (int64_t)actual_us(sim, pick);
    if (sim->args->stall_us && !sim->stalled && now_us >= sim->args->stall_at_us) {
        sim->ends_us += sim->args->stall_us;
        sim->stalled = true;
    }
    sim->batches++;
    sim->batched += (uint64_t)pick->n_chosen;
}

static void arrive_first_come(struct simulation *sim, struct request *request)
{
    if (sim->n_waiting >= sim->options.max_queue) {
        end_request(sim, request, FATE_REFUSED);
        return;
    }
    request->next = NULL;
    if (sim->first)
        sim->last->next = request;
    else
        sim->first = request;
    sim->last = request;
    sim->n_waiting++;
}

static void arrive(struct simulation *sim, int64_t now_us)
{
    int c = choose_class(sim);
    const struct traffic_class *class = &sim->args->classes[c];
    int ads = class->ads_min +
              (int)rng_below(&sim->arrivals, (uint64_t)(class->ads_max - class->ads_min + 1));
    struct request *request = sim->free;

    sim->free = request->next;
    *request = (struct request){.class = c, .ads = ads};
    struct work *work = &request->work;
    work->arrival_us = now_us;
    work->deadline_us = now_us + class->budget_us;
    work->cost = &sim->cost;
    struct input_shape shape = request_shape(class->prefix_tokens, ads);
    int parts = 1;
    if (shape.tokens > sim->options.max_tokens)
        parts = input_parts(request_input(sim, request), sim->options.max_tokens, &shape);
    work_prepare(work, &shape, parts, &sim->options);
    if (sim->args->first_come) {
        arrive_first_come(sim, request);
        return;
    }
    struct engine_state engine = {
        .idle = !sim->running,
        .free_us = sim->running
                       ? launched_free_us(sim->started_us, sim->batch.extent.cost_us, now_us)
                       : now_us,
    };
    struct gate_answer answer =
        gate_decide(&sim->gate, &sim->queue, work, &sim->options, &engine, now_us);
    if (answer.admission != ADMISSION_OK)
        end_request(sim, request, FATE_REFUSED);
}

static int reserve_inputs(struct simulation *sim, struct err *err)
{
    int tokens = 0, ads = 0;

    for (int c = 0; c < TRAFFIC_CLASSES; c++) {
        const struct traffic_class *class = &sim->args->classes[c];
        int of_class = class->prefix_tokens + class->ads_max * AD_TOKENS;
        tokens = of_class > tokens ? of_class : tokens;
        ads = class->ads_max > ads ? class->ads_max : ads;
    }
    if (input_reserve(&sim->input, tokens, 1 + ads, err) ||
        input_reserve(&sim->part, tokens, 1 + ads, err))
        return -1;
    memset(sim->input.ids, 0, (size_t)tokens * sizeof(*sim->input.ids));
    memset(sim->input.types, 0, (size_t)tokens * sizeof(*sim->input.types));
    return 0;
}

static int prepare(struct simulation *sim, struct err *err)
{
    const struct simulation_args *args = sim->args;
    int capacity = sim->options.max_queue + sim->options.max_jobs + 1;

    rng_init(&sim->arrivals, args->seed);
    rng_init(&sim->errors, args->seed + 1);
    cost_init(&sim->cost, &args->engine->cost, 1, args->engine->max_tokens);
    gate_init(&sim->gate);
    sim->burst_left = 1;
    sim->requests = calloc((size_t)capacity, sizeof(*sim->requests));
    sim->chosen = calloc((size_t)capacity, sizeof(*sim->chosen));
    sim->dropped = calloc((size_t)capacity, sizeof(*sim->dropped));
    if (!sim->requests || !sim->chosen || !sim->dropped)
        return err_set(err, ERR_NOMEM, "simulation: out of memory");
    sim->batch = (struct pick){.chosen = sim->chosen, .dropped = sim->dropped};
    for (int i = 0; i < capacity; i++) {
        sim->requests[i].next = sim->free;
        sim->free = &sim->requests[i];
    }
    if (reserve_inputs(sim, err))
        return -1;
    return queue_init(&sim->queue, sim->options.max_queue, err);
}

static void run(struct simulation *sim)
{
    double rate = sim->args->load * simulation_capacity(sim->args);

    schedule_arrival(sim, rate);
    while (sim->next_arrival_us < sim->args->duration_us || sim->running) {
        bool arrival = sim->next_arrival_us < sim->args->duration_us &&
                       (!sim->running || sim->next_arrival_us < sim->ends_us);
        int64_t now_us = arrival ? sim->next_arrival_us : sim->ends_us;
        if (arrival) {
            arrive(sim, now_us);
            schedule_arrival(sim, rate);
            /* The executor wakes up a moment after the first of a burst: none of it is served
             * alone. */
            if (sim->next_arrival_us == now_us)
                continue;
        } else {
            finish_batch(sim, now_us);
        }
        if (!sim->running)
            launch(sim, now_us);
    }
    sim->result->seconds = (double)(sim->args->duration_us - sim->args->measure_from_us) / 1e6;
    sim->result->batch_requests = sim->batches ? (double)sim->batched / (double)sim->batches : 0;
}

int simulation_run(const struct simulation_args *args, struct simulation_result *result,
                   struct err *err)
{
    struct simulation sim = {.args = args, .result = result, .options = args->options};
    int rc = -1;

    *result = (struct simulation_result){0};
    sim.options.max_tokens = args->engine->max_tokens;
    sim.options.max_jobs = args->engine->max_jobs;
    if (prepare(&sim, err))
        goto out;
    run(&sim);
    rc = 0;
out:
    queue_release(&sim.queue);
    input_release(&sim.part);
    input_release(&sim.input);
    free(sim.dropped);
    free(sim.chosen);
    free(sim.requests);
    return rc;
}
