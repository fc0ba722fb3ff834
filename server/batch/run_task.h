/* Background tasks (background.h) that other threads have an executor run. */
#ifndef SERVER_BATCH_RUN_TASK_H
#define SERVER_BATCH_RUN_TASK_H

#include "server/batch/background.h"

struct executor;

/*
 * Runs a task (step, abandon and arg are set) and waits until it ends. Not for request workers, nor
 * for the executor's own thread. While an engine is served, steps should take at most 10 ms each:
 * the gate leaves room for no more. -1: err is that of the step that failed, or ERR_UNAVAILABLE
 * when the executor is broken or stopping.
 */
int executor_run_task(struct executor *executor, struct task *task, struct err *err) MUST_CHECK;
/* Runs a task that always runs, without waiting for it. Its memory is lent until ended(). */
void executor_post_task(struct executor *executor, struct task *task);

#endif
