/* Drives the daemon's scheduling code in virtual time against a simulated engine. */
#include "bench/scheduler/simulation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "server/batch/schedule.h"

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
    struct rng arrivals, errors;
    struct cost cost;
    struct schedule schedule;
    struct facts facts;
    struct request *requests, *free; /* (capacity) */
    struct input input;              /* of a request larger than a batch */
    struct request *first, *last;    /* first come, first served: the rival's queue */
    int n_waiting;

    int64_t next_arrival_us;
    int burst_left;
    bool stalled;
    struct batch *running; /* NULL: the engine is free */
    int64_t ends_us;       /* of what is running */
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

static void answer(struct simulation *sim, struct work *work, int64_t now_us)
{
    struct request *request = (struct request *)(void *)work;

    if (work->arrival_us >= sim->args->measure_from_us)
        hist_record(&sim->result->latency_us, (uint64_t)(now_us - work->arrival_us));
    bool good = now_us <= work->deadline_us;
    if (good && now_us >= sim->args->measure_from_us && now_us < sim->args->duration_us)
        sim->result->good_ads += (uint64_t)request->ads;
    end_request(sim, request, good ? FATE_GOOD : FATE_LATE);
}

static void end_late(struct simulation *sim, struct work *works)
{
    while (works) {
        struct work *next = works->next;
        end_request(sim, (struct request *)(void *)works, FATE_LATE);
        works = next;
    }
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

/* The engine's prediction for a batch, or for a part once it is cut. */
static double base_us(struct simulation *sim, struct batch *batch)
{
    const struct request *request = (const struct request *)(const void *)batch->works[0];
    int first_read;
    struct err err;

    if (batch->part < 0)
        return batch->base_us;
    batch->shape = (struct input_shape){0};
    if (input_part(request_input(sim, request), sim->schedule.options.max_tokens, batch->part,
                   &batch->input, &first_read, &err) == 1)
        batch->shape = input_shape(&batch->input);
    return cost_base_us(&sim->cost, &batch->shape, 1);
}

static double actual_us(struct simulation *sim, struct batch *batch)
{
    double us = base_us(sim, batch);
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

static void launch(struct simulation *sim, struct batch *batch, int64_t now_us)
{
    sim->running = batch;
    batch->submitted = true;
    /* Whole microseconds, rounded down: exact costs are not exceeded by rounding. */
    sim->ends_us = now_us + (int64_t)actual_us(sim, batch);
    if (sim->args->stall_us && !sim->stalled && now_us >= sim->args->stall_at_us) {
        sim->ends_us += sim->args->stall_us;
        sim->stalled = true;
    }
    if (batch->part <= 0) { /* a request larger than a batch counts once */
        sim->batches++;
        sim->batched += (uint64_t)batch->n;
    }
}

static void complete(struct simulation *sim, struct batch *batch, int64_t now_us)
{
    for (int i = 0; i < batch->n && batch->part < 0; i++)
        answer(sim, batch->works[i], now_us);
    batch->n = 0;
}

/* Turns of the executor, until there is nothing to do. */
static void turn(struct simulation *sim, int64_t now_us)
{
    struct facts *facts = &sim->facts;
    struct actions actions;

    do {
        facts->now_us = now_us;
        facts->n_engines = 1;
        schedule_decide(&sim->schedule, facts, &actions);
        for (int i = 0; i < facts->n_done; i++)
            complete(sim, facts->done[i], now_us);
        *facts = (struct facts){.launched = actions.launch};
        if (actions.returned[JOB_OK])
            answer(sim, actions.returned[JOB_OK], now_us);
        end_late(sim, actions.returned[JOB_EXPIRED]);
        if (actions.launch)
            launch(sim, actions.launch, now_us);
    } while (!actions.idle);
}

/* The rival's batch: in order of arrival. */
static void launch_first_come(struct simulation *sim, int64_t now_us)
{
    const struct batch_options *options = &sim->schedule.options;
    struct batch *batch = &sim->schedule.batches[0];

    batch->n = 0;
    batch->part = -1;
    batch->shape = (struct input_shape){0};
    while (sim->first) {
        struct request *request = sim->first;
        struct input_shape *sum = &batch->shape, *more = &request->work.shape;
        if (batch->n &&
            (batch->n >= options->max_jobs || sum->tokens + more->tokens > options->max_tokens))
            break;
        sum->tokens += more->tokens;
        sum->attention += more->attention;
        batch->base_us = cost_base_us(&sim->cost, sum, 1);
        batch->works[batch->n++] = &request->work;
        sim->first = request->next;
        sim->n_waiting--;
    }
    batch->launched_us = now_us;
    if (batch->n)
        launch(sim, batch, now_us);
}

static void finish(struct simulation *sim, int64_t now_us)
{
    struct batch *batch = sim->running;

    sim->running = NULL;
    if (sim->args->first_come) {
        complete(sim, batch, now_us);
        cost_observe(&sim->cost, batch->base_us, (double)(now_us - batch->launched_us));
        return;
    }
    batch->completed_us = now_us;
    sim->facts.done[sim->facts.n_done++] = batch;
}

static void arrive_first_come(struct simulation *sim, struct request *request)
{
    if (sim->n_waiting >= sim->schedule.options.max_queue) {
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
    const struct batch_options *options = &sim->schedule.options;
    if (shape.tokens > options->max_tokens)
        parts = input_parts(request_input(sim, request), options->max_tokens, &shape);
    work_prepare(work, &shape, parts, options);
    if (sim->args->first_come) {
        arrive_first_come(sim, request);
        return;
    }
    end_late(sim, schedule_make_room(&sim->schedule, now_us));
    struct gate_answer admitted = schedule_admit(&sim->schedule, work, now_us);
    if (admitted.submit != SUBMIT_ADMITTED)
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
    if (input_reserve(&sim->input, tokens, 1 + ads, err))
        return -1;
    memset(sim->input.ids, 0, (size_t)tokens * sizeof(*sim->input.ids));
    memset(sim->input.types, 0, (size_t)tokens * sizeof(*sim->input.types));
    return 0;
}

static int prepare(struct simulation *sim, struct err *err)
{
    const struct simulation_args *args = sim->args;
    struct batch_options options = args->options;
    int capacity = options.max_queue + args->engine->max_jobs + 1;

    rng_init(&sim->arrivals, args->seed);
    rng_init(&sim->errors, args->seed + 1);
    cost_init(&sim->cost, &args->engine->cost, 1, args->engine->max_tokens);
    sim->burst_left = 1;
    if (schedule_init(&sim->schedule, args->engine->max_jobs, options.max_queue, err))
        return -1;
    options.max_tokens = args->engine->max_tokens;
    options.max_jobs = args->engine->max_jobs;
    schedule_set_options(&sim->schedule, &options);
    sim->requests = calloc((size_t)capacity, sizeof(*sim->requests));
    if (!sim->requests)
        return err_set(err, ERR_NOMEM, "simulation: out of memory");
    for (int i = 0; i < capacity; i++) {
        sim->requests[i].next = sim->free;
        sim->free = &sim->requests[i];
    }
    return reserve_inputs(sim, err);
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
            finish(sim, now_us);
        }
        if (!sim->args->first_come)
            turn(sim, now_us);
        else if (!sim->running)
            launch_first_come(sim, now_us);
    }
    sim->result->seconds = (double)(sim->args->duration_us - sim->args->measure_from_us) / 1e6;
    sim->result->batch_requests = sim->batches ? (double)sim->batched / (double)sim->batches : 0;
}

int simulation_run(const struct simulation_args *args, struct simulation_result *result,
                   struct err *err)
{
    struct simulation sim = {.args = args, .result = result};
    int rc = prepare(&sim, err);

    *result = (struct simulation_result){0};
    if (rc == 0)
        run(&sim);
    schedule_release(&sim.schedule);
    input_release(&sim.input);
    free(sim.requests);
    return rc;
}
