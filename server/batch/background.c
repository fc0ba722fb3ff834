/* Queues of background tasks; see background.h. */
#include "server/batch/background.h"

#include <stddef.h>

#include "base/bug.h"

#define STEP_START_US 5000.0
#define STEP_DECAY 0.9
#define STEP_AT_LEAST_EVERY_US 250000

static struct task **list_of(struct background *background, const struct task *task)
{
    return task->always ? &background->always : &background->others;
}

void background_add(struct background *background, struct task *task)
{
    struct task **end = list_of(background, task);

    while (*end)
        end = &(*end)->next;
    task->next = NULL;
    *end = task;
    if (!task->always && background->step_us <= 0)
        background->step_us = STEP_START_US;
}

struct task *background_first(const struct background *background)
{
    return background->always ? background->always : background->others;
}

int64_t background_room_us(const struct background *background)
{
    return background->others ? (int64_t)background->step_us : 0;
}

bool background_is_overdue(const struct background *background, int64_t now_us)
{
    return now_us - background->last_step_us >= STEP_AT_LEAST_EVERY_US;
}

struct task *background_begin(struct background *background, int64_t now_us)
{
    struct task *task = background_first(background);

    task->begun = true;
    background->running = task;
    background->started_us = now_us;
    return task;
}

struct task *background_stepped(struct background *background, int64_t now_us)
{
    double took_us = (double)(now_us - background->started_us);
    struct task *task = background->running, **list = list_of(background, task);

    background->running = NULL;
    background->last_step_us = now_us;
    background->step_us *= STEP_DECAY;
    background->step_us = took_us > background->step_us ? took_us : background->step_us;
    if (task->rc == 1)
        return NULL;
    BUG_ON(*list != task);
    *list = task->next;
    task->next = NULL;
    return task;
}

struct task *background_fail(struct background *background, const char *why, bool launched)
{
    struct task *failed = background->others;

    if (!failed || (failed->begun && launched))
        return NULL;
    background->others = NULL;
    for (struct task *task = failed; task; task = task->next) {
        task->rc = -1;
        task->why = why;
    }
    return failed;
}

/* Moves all but the running task to the end of a list; returns the new end. */
static struct task **take_idle(struct background *background, struct task **from, struct task **end)
{
    struct task *running = NULL;

    for (struct task *task = *from, *next; task; task = next) {
        next = task->next;
        task->next = NULL;
        if (task == background->running) {
            running = task;
            continue;
        }
        *end = task;
        end = &task->next;
    }
    *from = running;
    return end;
}

struct task *background_lose(struct background *background, const char *why)
{
    struct task *lost = NULL, **end = &lost;

    end = take_idle(background, &background->always, end);
    take_idle(background, &background->others, end);
    for (struct task *task = lost; task; task = task->next) {
        task->rc = -1;
        task->why = why;
        task->begun = false;
    }
    return lost;
}
