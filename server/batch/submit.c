/* Jobs on their way in and out of an executor; see executor.h. */
#include "base/clock.h"
#include "server/batch/executor_state.h"

int64_t executor_free_us(const struct executor *executor, int64_t now_us)
{
    double free_us = (double)now_us;

    if (executor->step_running)
        free_us = (double)launched_free_us(executor->step_started_us, executor->step_us, now_us);
    for (int i = 0; i < executor->n_launched; i++) {
        const struct flight *flight = executor->launched[i];
        int64_t since_us = flight->launched_us > executor->free_since_us ? flight->launched_us
                                                                         : executor->free_since_us;
        if (i == 0)
            free_us = (double)launched_free_us(since_us, flight->cost_us, now_us);
        else
            free_us += flight->cost_us;
    }
    return (int64_t)(free_us + executor->split.left_us);
}

/* Under the lock: who is given up anyway takes no place from a newcomer. */
static struct work *make_room(struct executor *executor, int64_t now_us)
{
    bool full = executor->queue.n >= executor->options.max_queue;

    return full ? pick_dropped(&executor->queue, now_us) : NULL;
}

static void return_list(struct executor *executor, struct work *work)
{
    while (work) {
        struct work *next = work->next; /* its owner may use it again once it is back */
        executor_return_dropped(executor, work);
        work = next;
    }
}

/* Under the lock. */
static bool note_full(struct executor *executor)
{
    bool full = executor->queue.n >= executor->options.max_queue;

    atomic_store_explicit(&executor->looks_full, full, memory_order_relaxed);
    return full;
}

/* Takes the lock only where the queue was full a moment ago. */
static bool is_full(struct executor *executor)
{
    struct work *dropped;
    bool full;

    if (!atomic_load_explicit(&executor->looks_full, memory_order_relaxed))
        return false;
    pthread_mutex_lock(&executor->lock);
    dropped = make_room(executor, clock_now_us());
    full = note_full(executor);
    pthread_mutex_unlock(&executor->lock);
    return_list(executor, dropped);
    return full;
}

enum submit executor_admit(struct executor *executor, int engine, struct batch_job *job,
                           int64_t now_us, int64_t *wait_us)
{
    static const enum submit answers[] = {
        [ADMISSION_OK] = SUBMIT_ADMITTED,
        [ADMISSION_LATE] = SUBMIT_LATE,
        [ADMISSION_FULL] = SUBMIT_FULL,
    };

    *wait_us = 0;
    job->outcome = JOB_FAILED;
    job->by_fallback = engine == SERVED_FALLBACK;
    pthread_mutex_lock(&executor->lock);
    if (executor->stopping || executor->broken) {
        pthread_mutex_unlock(&executor->lock);
        return SUBMIT_FAILED;
    }
    struct work *dropped = make_room(executor, now_us);
    batch_job_prepare(job, &job->model->engines[engine].cost, &executor->options, now_us);
    struct engine_state state = {
        .idle = !executor->n_launched && !executor->split.job && !executor->step_running,
        .free_us = executor_free_us(executor, now_us),
        .background_us = executor->openings ? (int64_t)executor->step_us : 0,
    };
    struct gate_answer answer = gate_decide(&executor->gate, &executor->queue, &job->work,
                                            &executor->options, &state, now_us);
    *wait_us = answer.wait_us;
    if (answer.admission == ADMISSION_OK) {
        executor->admitted++;
        served_model_ref(job->model);
        if (executor->n_launched < executor->max_launched)
            pthread_cond_signal(&executor->wake);
    } else {
        executor->refused++;
        job->outcome = JOB_REFUSED;
    }
    (void)note_full(executor);
    pthread_mutex_unlock(&executor->lock);
    return_list(executor, dropped);
    return answers[answer.admission];
}

enum submit executor_submit(struct batch_job *job, int64_t now_us, int64_t *wait_us)
{
    enum submit answer = SUBMIT_FAILED;

    *wait_us = 0;
    job->outcome = JOB_FAILED;
    job->queue_us = job->infer_us = 0;
    for (int i = 0; i < SERVED_ENGINES && answer == SUBMIT_FAILED; i++) {
        struct executor *executor = job->model->engines[i].executor;
        if (executor && executor_state(executor) == EXECUTOR_SERVING)
            answer = executor_admit(executor, i, job, now_us, wait_us);
    }
    return answer;
}

bool executor_is_full(const struct served_model *model)
{
    for (int i = 0; i < SERVED_ENGINES; i++) {
        struct executor *executor = model->engines[i].executor;

        if (executor && executor_state(executor) == EXECUTOR_SERVING)
            return is_full(executor);
    }
    return false;
}

void executor_return(struct executor *executor, struct batch_job *job, enum job_outcome outcome)
{
    struct served_model *model = job->model;

    job->outcome = outcome;
    atomic_fetch_add_explicit(&executor->outcomes[outcome], 1, memory_order_relaxed);
    if (outcome == JOB_OK && clock_now_us() > job->deadline_us)
        atomic_fetch_add_explicit(&executor->late, 1, memory_order_relaxed);
    mailbox_post(job->home, &job->letter);
    served_model_unref(model);
}

void executor_return_dropped(struct executor *executor, struct work *work)
{
    bool cancelled = atomic_load_explicit(&work->cancelled, memory_order_relaxed);

    executor_return(executor, batch_job_of_work(work), cancelled ? JOB_CANCELLED : JOB_EXPIRED);
}

void executor_reroute(struct executor *executor, struct batch_job *job)
{
    struct served_model *model = job->model;
    struct executor *fallback = model->engines[SERVED_FALLBACK].executor;
    enum submit answer = SUBMIT_FAILED;
    int64_t wait_us;

    if (!job->by_fallback && fallback)
        answer = executor_admit(fallback, SERVED_FALLBACK, job, clock_now_us(), &wait_us);
    if (answer == SUBMIT_ADMITTED)
        served_model_unref(model); /* it has taken a reference of its own */
    else
        executor_return(executor, job, answer == SUBMIT_FAILED ? JOB_FAILED : JOB_REFUSED);
}
