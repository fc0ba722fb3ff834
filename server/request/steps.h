/*
 * The steps of a request: one table, in the order in which they run. Each step is a file with
 * its own state in struct request; no step calls another. What runs late and what is cleaned up at
 * the end are columns of the table, so adding a step takes a file, a state and a row.
 */
#ifndef SERVER_REQUEST_STEPS_H
#define SERVER_REQUEST_STEPS_H

struct request;

enum step {
    STEP_DECODE,
    STEP_GATE,
    STEP_FEATURES,
    STEP_CANDIDATES,
    STEP_TOKENS,
    STEP_BATCH,
    STEP_RANK,
    STEP_ANSWER, /* the last; always ends the request */
    STEPS
};

enum step_result {
    STEP_NEXT,  /* done: the next step runs at once */
    STEP_WAIT,  /* request_resume() continues, perhaps before run() returns */
    STEP_LATE,  /* no time or no room: answer now, by deadline.on_late */
    STEP_ENDED, /* the call was answered */
};

/* Whether a late request runs a step that it has not reached. */
enum when_late {
    LATE_SKIPS, /* it may take long */
    LATE_RUNS,  /* the answer needs it; it never waits */
};

struct request_step {
    const char *name; /* in logs */
    enum step_result (*run)(struct request *r);
    /* Cancels what the step waits for and puts back what it holds: when the request ends, and
     * earlier if it becomes late in this step (late is then set). Idempotent. */
    void (*abandon)(struct request *r);
    enum when_late when_late;
};

extern const struct request_step request_steps[STEPS];

enum step_result step_decode(struct request *r);
enum step_result step_gate(struct request *r);
enum step_result step_features(struct request *r);
enum step_result step_candidates(struct request *r);
enum step_result step_tokens(struct request *r);
enum step_result step_batch(struct request *r);
enum step_result step_rank(struct request *r);
enum step_result step_answer(struct request *r);

void step_features_abandon(struct request *r);
void step_tokens_abandon(struct request *r);
void step_batch_abandon(struct request *r);

#endif
