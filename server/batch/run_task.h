/* Background tasks (background.h) that other threads have an executor run. */
#ifndef SERVER_BATCH_RUN_TASK_H
#define SERVER_BATCH_RUN_TASK_H

#include "server/batch/background.h"

struct executor;

/*
 * Runs a task (step, abandon, release and arg are set) and waits until it ends. Not for request
 * workers, nor for the executor's own thread. While an engine is served, steps should take at most
 * 10 ms each: the gate leaves room for no more. -1: err is that of the step that failed, or
 * ERR_UNAVAILABLE when the executor is broken or stopping.
 *
 * The task and its arg are not the caller's any more: release(arg) frees both before this returns.
 * Where a step hangs in a call of the device (executor_watch), this returns with ERR_UNAVAILABLE,
 * and the step may still use them: then the executor's thread calls release, if it comes back. A
 * task that is committed from the start has no release: it is waited for, whatever happens.
 */
int executor_run_task(struct executor *executor, struct task *task, struct err *err) MUST_CHECK;
/* In a step, before it touches what belongs to the caller: from now on that waits. false: it does
 * not wait any more. */
bool executor_task_commit(struct executor *executor, struct task *task) MUST_CHECK;
/* Runs a task that always runs, without waiting for it. Its memory is lent until ended(). */
void executor_post_task(struct executor *executor, struct task *task);

#endif
