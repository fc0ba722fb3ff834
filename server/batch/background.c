/* The list of background tasks; see background.h. */
#include "server/batch/background.h"

#include <stddef.h>

#include "base/bug.h"

#define STEP_START_US 5000.0
#define STEP_DECAY 0.9
#define STEP_AT_LEAST_EVERY_US 250000

void background_add(struct background *background, struct task *task)
{
    struct task **place = &background->first;

    while (*place && ((*place)->always || !task->always))
        place = &(*place)->next;
    task->next = *place;
    *place = task;
    if (!task->always && background->step_us <= 0)
        background->step_us = STEP_START_US;
}

/* The first that does not always run. */
static struct task **first_that_may_fail(struct background *background)
{
    struct task **place = &background->first;

    while (*place && (*place)->always)
        place = &(*place)->next;
    return place;
}

int64_t background_room_us(const struct background *background)
{
    const struct task *task = background->first;

    while (task && task->always)
        task = task->next;
    return task ? (int64_t)background->step_us : 0;
}

bool background_is_overdue(const struct background *background, int64_t now_us)
{
    return now_us - background->last_step_us >= STEP_AT_LEAST_EVERY_US;
}

struct task *background_begin(struct background *background, int64_t now_us)
{
    struct task *task = background->first;

    task->begun = true;
    background->running = true;
    background->started_us = now_us;
    return task;
}

static void take_out(struct background *background, const struct task *task)
{
    struct task **place = &background->first;

    while (*place && *place != task)
        place = &(*place)->next;
    BUG_ON(!*place);
    *place = task->next;
}

bool background_stepped(struct background *background, struct task *task, int rc, int64_t now_us)
{
    double took_us = (double)(now_us - background->started_us);

    background->running = false;
    background->last_step_us = now_us;
    background->step_us *= STEP_DECAY;
    background->step_us = took_us > background->step_us ? took_us : background->step_us;
    task->rc = rc;
    if (rc == 1)
        return false;
    take_out(background, task);
    return true;
}

struct task *background_fail(struct background *background, const char *why, bool launched)
{
    struct task **place = first_that_may_fail(background);
    struct task *failed = *place;

    if (!failed || (failed->begun && launched))
        return NULL;
    *place = NULL; /* tasks that always run come first */
    for (struct task *task = failed; task; task = task->next) {
        task->rc = -1;
        task->why = why;
    }
    return failed;
}
