/* An executor's decisions, in virtual time: events, and the resulting actions. */
#include "server/batch/schedule.h"

#include <stdlib.h>

#include "tests/test.h"
#include "tests/unit/server/batch/work_rig.h"

enum { JOBS = 8, TASKS = 4, START_US = 1000 };

static struct {
    struct schedule schedule;
    struct cost cost, other;
    struct facts facts;       /* of the next turn */
    struct work jobs[JOBS];   /* called a, b, c... */
    struct task tasks[TASKS]; /* called 1, 2, 3... */
    int n_jobs, n_tasks, n_engines;
    int64_t now_us, took_us; /* took_us: duration of the last batch */
    int64_t asleep_us;       /* between the next poll and its decision */
    char text[400];          /* the actions of all turns so far */
} s;

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
    size_t len = strlen(s.text);
    va_list args;

    va_start(args, format);
    vsnprintf(s.text + len, sizeof(s.text) - len, format, args);
    va_end(args);
}

static void start(void)
{
    static const struct batch_options options = {.max_tokens = 1000, .max_jobs = 4, .max_queue = 4};
    struct err err;

    schedule_release(&s.schedule);
    memset(&s, 0, sizeof(s));
    CHECK_OK(schedule_init(&s.schedule, 4, JOBS, &err), err);
    schedule_set_options(&s.schedule, &options);
    rig_cost(&s.cost);
    rig_cost(&s.other);
    s.n_engines = 1;
    s.now_us = START_US;
}

/* ---- events ---------------------------------------------------------------------------------- */

static void say_works(const char *action, const struct work *works);

static void submit(int64_t tokens, int64_t budget_us, struct cost *cost)
{
    struct work *work = &s.jobs[s.n_jobs++], *dropped = schedule_make_room(&s.schedule, s.now_us);

    rig_work(work, s.now_us, s.now_us + budget_us, tokens, cost, &s.schedule.options);
    work->next = &s.jobs[JOBS - 1]; /* left over from an earlier list */
    if (schedule_state(&s.schedule) != EXECUTOR_SERVING) {
        say(" closed");
        return;
    }
    struct gate_answer answer = schedule_admit(&s.schedule, work, s.now_us);
    say_works("room", dropped);
    if (answer.submit == SUBMIT_FULL)
        say(" full");
    if (answer.submit == SUBMIT_LATE)
        say(" late%d", (int)answer.wait_us);
}

/* One word of a script. */
struct event {
    const char *word;
    void (*happens)(const struct event *event);
    int64_t number, budget_us;
};

/* number: its tokens. */
static void submit_job(const struct event *event)
{
    submit(event->number, event->budget_us, &s.cost);
}

static void submit_other(const struct event *event) /* of another engine */
{
    submit(event->number, event->budget_us, &s.other);
}

static void cancel(const struct event *event)
{
    (void)event;
    atomic_store(&s.jobs[s.n_jobs - 1].cancelled, true);
}

static void through(struct batch *batch, int64_t status)
{
    batch->status = (enum batch_status)status;
    batch->completed_us = s.now_us;
    s.facts.done[s.facts.n_done++] = batch;
}

static void oldest_through(const struct event *event)
{
    CHECK(s.schedule.n_launched > 0);
    through(s.schedule.launched[0], event->number);
}

static void newest_through(const struct event *event)
{
    CHECK(s.schedule.n_launched > 0);
    through(s.schedule.launched[s.schedule.n_launched - 1], event->number);
}

/* The engine refuses the launch, or there was no such part. */
static void not_submitted(const struct event *event)
{
    s.facts.launched->submitted = false;
    through(s.facts.launched, event->number);
}

/* number: whether it always runs. */
static void add_task(const struct event *event)
{
    struct task *task = &s.tasks[s.n_tasks++];

    task->always = event->number;
    background_add(&s.schedule.background, task);
}

static void stepped(const struct event *event)
{
    s.schedule.background.running->rc = (int)event->number;
}

/* number: time to drain. */
static void stop(const struct event *event)
{
    schedule_stop(&s.schedule, s.now_us, event->number);
}

static void quit(const struct event *event)
{
    stop(event);
    schedule_close(&s.schedule, s.now_us);
}

static void launch_at_most(const struct event *event)
{
    s.schedule.max_launched = (int)event->number;
}

static void close_engine(const struct event *event)
{
    (void)event;
    s.n_engines = 0;
}

static void limit(const struct event *event)
{
    s.schedule.options.hang_us = event->number;
}

static void say_ended(const struct task *task);

static void give_up(const struct event *event)
{
    struct task *ended;

    (void)event;
    say_works("reroute", schedule_give_up(&s.schedule, &ended));
    say_ended(ended);
}

/* The process is stopped after the next poll. */
static void fall_asleep(const struct event *event)
{
    s.asleep_us = event->number;
}

static void beats(const struct event *event)
{
    s.schedule.beats = event->number;
}

static void pass(const struct event *event)
{
    s.now_us += event->number;
}

/* ---- actions --------------------------------------------------------------------------------- */

static void say_works(const char *action, const struct work *works)
{
    if (works)
        say(" %s ", action);
    for (; works; works = works->next)
        say("%c", (char)('a' + (works - s.jobs)));
}

static void say_batch(const char *action, const struct batch *batch)
{
    say(" %s ", action);
    for (int i = 0; i < batch->n; i++)
        say("%c", (char)('a' + (batch->works[i] - s.jobs)));
    if (batch->part >= 0)
        say("%d", batch->part);
}

static void say_ended(const struct task *task)
{
    if (task)
        say(" end ");
    for (; task; task = task->next)
        say("%d%s%s", (int)(task - s.tasks) + 1, task->why ? task->why : "",
            task->why && task->begun ? "!" : "");
}

static void perform(const struct actions *actions)
{
    static const char *const outcomes[JOB_OUTCOMES] = {"return ok",        "return nan",
                                                       "return refused",   "return expired",
                                                       "return cancelled", "return failed"};
    struct batch *launched = actions->launch;

    if (actions->hung)
        say_batch("hangs", actions->hung);
    say_works("reroute", actions->rerouted);
    for (int outcome = 0; outcome < JOB_OUTCOMES; outcome++)
        say_works(outcomes[outcome], actions->returned[outcome]);
    say_ended(actions->ended);
    if (actions->step) {
        say(" step %d", (int)(actions->step - s.tasks) + 1);
        s.facts.stepped = true;
        actions->step->rc = 1;
    }
    if (launched) {
        say_batch("launch", launched);
        launched->submitted = true;
        launched->submitted_us = s.now_us;
        if (launched->part >= 0)
            launched->shape = (struct input_shape){.tokens = 900};
        s.facts.launched = launched;
    }
}

/* One turn of the loop. */
static void turn(const struct event *event)
{
    struct actions actions;

    (void)event;
    s.facts.polled_us = s.schedule.n_launched ? s.now_us : 0;
    s.now_us += s.asleep_us;
    s.asleep_us = 0;
    s.facts.now_us = s.now_us;
    s.facts.n_engines = s.n_engines;
    schedule_decide(&s.schedule, &s.facts, &actions);
    say(" |");
    for (int i = 0; i < s.facts.n_done; i++) {
        say_batch("complete", s.facts.done[i]);
        s.took_us = s.facts.done[i]->took_us;
        s.facts.done[i]->n = 0;
    }
    memset(&s.facts, 0, sizeof(s.facts));
    perform(&actions);
    if (actions.finished)
        say(" finished");
}

static void say_heartbeat(const struct event *event)
{
    (void)event;
    say(" %d", (int)(s.schedule.heartbeat_us - START_US) / 1000);
}

static void say_took(const struct event *event)
{
    (void)event;
    say(" %d", (int)s.took_us / 1000);
}

/* The correction of the estimates, in percent. */
static void say_ratio(const struct event *event)
{
    (void)event;
    say(" %d", (int)(100 * s.cost.ratio));
}

static void say_state(const struct event *event)
{
    static const char *const names[] = {"serving", "broken", "stopping"};

    (void)event;
    say(" %s", names[schedule_state(&s.schedule)]);
}

/* ---- the table ------------------------------------------------------------------------------- */

static const struct event events[] = {
    {"turn", .happens = turn},
    {"job", .happens = submit_job, .number = 100, .budget_us = 1000000},
    {"soon", .happens = submit_job, .number = 100, .budget_us = 20000},
    {"tight", .happens = submit_job, .number = 100, .budget_us = 1000},
    {"big", .happens = submit_job, .number = 2500, .budget_us = 1000000}, /* three parts */
    {"bigtight", .happens = submit_job, .number = 2500, .budget_us = 4000},
    {"other", .happens = submit_other, .number = 100, .budget_us = 1000000},
    {"cancel", .happens = cancel},
    {"done", .happens = oldest_through, .number = BATCH_OK},
    {"nan", .happens = oldest_through, .number = BATCH_NOT_FINITE},
    {"starve", .happens = oldest_through, .number = BATCH_NO_MEMORY},
    {"fail", .happens = oldest_through, .number = BATCH_FAILED},
    {"newest", .happens = newest_through, .number = BATCH_OK},
    {"refuse", .happens = not_submitted, .number = BATCH_FAILED},
    {"nopart", .happens = not_submitted, .number = BATCH_OK},
    {"task", .happens = add_task, .number = false},
    {"closing", .happens = add_task, .number = true},
    {"end", .happens = stepped, .number = 0},
    {"error", .happens = stepped, .number = -1},
    {"stop", .happens = stop, .number = 0},
    {"drain", .happens = stop, .number = 10000},
    {"quit", .happens = quit, .number = 0},
    {"limit", .happens = limit, .number = 50000},
    {"asleep", .happens = fall_asleep, .number = 2000000},
    {"beats", .happens = beats, .number = true},
    {"giveup", .happens = give_up},
    {"two", .happens = launch_at_most, .number = 2},
    {"noengine", .happens = close_engine},
    {"1ms", .happens = pass, .number = 1000},
    {"6ms", .happens = pass, .number = 6000},
    {"16ms", .happens = pass, .number = 16000},
    {"10ms", .happens = pass, .number = 10000},
    {"49ms", .happens = pass, .number = 49000},
    {"250ms", .happens = pass, .number = 250000},
    {"2s", .happens = pass, .number = 2000000},
    {"beat", .happens = say_heartbeat},
    {"took", .happens = say_took},
    {"ratio", .happens = say_ratio},
    {"state", .happens = say_state},
};

static void play(const char *script)
{
    while (*script) {
        size_t len = strcspn(script, " "), i = 0;
        while (strlen(events[i].word) != len || strncmp(events[i].word, script, len) != 0)
            CHECK(++i < sizeof(events) / sizeof(events[0]));
        events[i].happens(&events[i]);
        script += len + strspn(script + len, " ");
    }
}

static const struct row {
    const char *script, *want;
} rows[] = {
    /* Hangs: after 50 ms, and 20 times the estimate of about a millisecond. */
    {"job turn 2s turn", " | launch a |"},
    {"limit job turn 49ms turn 6ms turn turn state", " | launch a | | hangs a reroute a | broken"},
    {"limit job job turn other 2s turn turn", " | launch ab | hangs ab reroute cab |"},
    {"limit two job turn job turn 49ms done turn turn 49ms turn 6ms turn",
     " | launch a | launch b | complete a | | | hangs b reroute b"},
    {"limit two job turn job turn 2s turn quit turn",
     " | launch a | launch b | hangs a reroute ab | finished"},
    {"limit job turn 49ms asleep turn done turn turn state",
     " | launch a | | complete a | serving"},
    {"limit big turn 49ms turn 6ms turn", " | launch a0 | | hangs a0 reroute a"},
    {"limit two big turn turn 2s turn turn", " | launch a0 | launch a1 | hangs a0 reroute a |"},
    {"limit job turn task closing 2s turn closing turn",
     " | launch a | hangs a reroute a end 2broken1broken | end 3broken"},
    {"limit task turn turn soon 16ms turn 2s turn",
     " | step 1 | step 1 | launch a | hangs a reroute a end 1broken"},
    {"job turn job task giveup turn turn", " | launch a reroute b end 1broken | reroute a |"},
    {"big turn task 250ms done turn turn giveup turn",
     " | launch a0 | complete a0 | step 1 | reroute a end 1broken"},
    {"task turn giveup end turn", " | step 1 | end 1"},
    {"task turn giveup turn", " | step 1 | end 1broken"},
    /* An idle device computes a batch without works every two seconds. */
    {"limit beats 1ms turn", " |"},
    {"2s turn", " |"},
    {"beats 2s turn", " |"},
    {"limit beats 2s turn done turn turn 1ms turn", " | launch  | complete  | |"},
    {"limit beats 2s turn done turn turn 2s turn", " | launch  | complete  | | launch "},
    {"limit beats 2s job turn", " | launch a"},
    {"limit beats job turn done turn turn 1ms turn", " | launch a | complete a | |"},
    {"limit beats 2s turn job turn", " | launch  |"},
    {"limit beats two 2s turn job turn", " | launch  | launch a"},
    {"limit beats 2s turn 2s turn state", " | launch  | hangs  broken"},
    {"limit beats 2s turn fail turn turn state", " | launch  | complete  | broken"},
    {"limit beats 2s turn refuse turn turn state", " | launch  | complete  | broken"},
    {"limit beats 2s noengine turn", " |"},
    {"limit beats stop 2s turn", " |"},
    /* Batches. */
    {"turn", " |"},
    {"job job turn", " | launch ab"},
    {"job job job job turn done turn turn", " | launch abcd | complete abcd |"},
    {"job turn job turn done turn turn", " | launch a | | complete a | launch b"},
    {"two job turn job turn job turn", " | launch a | launch b |"},
    {"job other job turn done turn turn done turn turn",
     " | launch a | complete a | launch b | complete b | launch c"},
    {"tight 1ms turn turn", " | return expired a |"},
    {"tight tight 1ms turn turn", " | return expired ab |"},
    {"job job cancel turn", " | return expired b launch a"},
    {"job job job job job", " full"},
    {"job job cancel job job job", " room b"},
    {"big turn tight turn tight", " | launch a0 late2800 | late2800"},
    {"big turn done turn turn tight", " | launch a0 | complete a0 | launch a1 late1800"},
    {"two big turn turn tight", " | launch a0 | launch a1 late2800"},
    {"job turn starve turn job turn", " | launch a | complete a | launch b"},
    /* A job in parts. */
    {"big turn done turn turn done turn turn done turn turn",
     " | launch a0 | complete a0 | launch a1 | complete a1 | launch a2 | complete a2 return ok a "
     "|"},
    {"two big turn turn turn done turn turn",
     " | launch a0 | launch a1 | | complete a0 | launch a2"},
    {"big turn cancel done turn turn", " | launch a0 | complete a0 | return cancelled a"},
    {"two big turn turn cancel done turn turn done turn",
     " | launch a0 | launch a1 | complete a0 | | complete a1 return cancelled a"},
    {"bigtight turn 6ms done turn turn", " | launch a0 | complete a0 | return expired a"},
    {"big turn nan turn turn done turn turn done turn",
     " | launch a0 | complete a0 | launch a1 | complete a1 | launch a2 | complete a2 return nan a"},
    {"big job turn starve turn turn", " | launch a0 | complete a0 return failed a | launch b"},
    {"big turn done turn turn done turn turn nopart turn turn",
     " | launch a0 | complete a0 | launch a1 | complete a1 | launch a2 | complete a2 return ok a "
     "|"},
    {"two big big turn turn done turn turn done turn turn done turn turn",
     " | launch a0 | launch a1 | complete a0 | launch a2 | complete a1 | | complete a2 return ok a "
     "|"
     " launch b0"},
    {"two big job turn turn done turn turn done turn turn",
     " | launch a0 | launch a1 | complete a0 | launch a2 | complete a1 | launch b"},
    {"big turn done turn turn done turn turn task 250ms done turn turn",
     " | launch a0 | complete a0 | launch a1 | complete a1 | launch a2 | complete a2 return ok a | "
     "step 1"}, /* before a step that no longer waits */
    {"two bigtight turn turn 6ms done turn turn done turn",
     " | launch a0 | launch a1 | complete a0 | | complete a1 return expired a"},
    /* The device breaks. */
    {"job turn job fail turn turn", " | launch a | complete a reroute ba |"},
    {"two job turn job turn job fail turn done turn",
     " | launch a | launch b | complete a reroute ca | complete b"},
    {"job turn refuse turn turn", " | launch a | complete a reroute a |"},
    {"two job turn job turn refuse turn fail turn",
     " | launch a | launch b | complete b reroute b | complete a reroute a"},
    {"big turn job fail turn", " | launch a0 | complete a0 reroute ba"},
    {"two big turn turn fail turn done turn turn",
     " | launch a0 | launch a1 | complete a0 | complete a1 reroute a |"},
    {"two job big turn turn newest turn fail turn",
     " | launch a | launch b0 | complete b0 | complete a reroute ba"},
    {"job turn fail turn job", " | launch a | complete a reroute a closed"},
    {"job turn stop state fail turn state", " | launch a stopping | complete a reroute a broken"},
    /* Background tasks. */
    {"task turn turn end turn turn", " | step 1 | step 1 | end 1 |"},
    {"task turn error turn turn", " | step 1 | end 1 |"},
    {"task task turn turn end turn", " | step 1 | step 1 | end 1 step 2"},
    {"job task turn end turn", " | step 1 | end 1 launch a"},
    {"tight task turn", " | launch a"}, /* no time for a step */
    {"big turn task done turn turn", " | launch a0 | complete a0 | launch a1"},
    {"big turn task 250ms done turn turn", " | launch a0 | complete a0 | step 1"},
    {"two job turn task job turn done turn turn", " | launch a | | complete a | step 1"},
    {"task closing turn end turn end turn", " | step 2 | end 2 step 1 | end 1"},
    {"task turn closing turn end turn", " | step 1 | step 2 | end 2 step 1"},
    {"closing closing turn end turn", " | step 1 | end 1 step 2"},
    {"job task tight", " late5200"}, /* time is kept for a step */
    {"task turn tight", " | step 1 late10000"},
    {"250ms task turn soon 16ms turn", " | step 1 | launch a"},
    {"job closing tight", ""},
    {"job turn task fail turn turn", " | launch a | complete a reroute a | end 1broken"},
    {"job turn closing task fail turn turn",
     " | launch a | complete a reroute a | end 2broken step 1"},
    {"task turn soon 16ms turn fail turn turn",
     " | step 1 | launch a | complete a reroute a | end 1broken!"},
    /* The end. */
    {"job state stop state job turn turn", " serving stopping closed | return failed a |"},
    {"job job drain turn done turn turn", " | launch ab | complete ab |"},
    {"job other drain turn 10ms turn done turn", " | launch a | return failed b | complete a"},
    {"big drain turn done turn 10ms turn", " | launch a0 | complete a0 | return failed a"},
    {"big drain turn quit noengine done turn turn", " | launch a0 | complete a0 | launch a1"},
    {"big turn stop turn done turn turn", " | launch a0 | | complete a0 return failed a |"},
    {"big turn done turn turn done turn turn stop turn done turn",
     " | launch a0 | complete a0 | launch a1 | complete a1 | launch a2 | | complete a2 return ok "
     "a"},
    {"task task stop turn", " | end 1stopping2stopping"},
    {"task task turn stop turn", " | step 1 | end 1stopping!2stopping"},
    {"two task task turn soon 16ms turn stop turn done turn turn",
     " | step 1 | launch a | | complete a | end 1stopping!2stopping"},
    {"stop closing turn end turn", " | step 1 | end 1"},
    {"quit turn noengine turn", " | | finished"},
    {"job quit noengine turn turn", " | return failed a | finished"},
    {"job turn quit noengine turn done turn turn", " | launch a | | complete a | finished"},
    {"task turn quit noengine turn turn", " | step 1 | end 1stopping! | finished"},
    {"job turn quit turn 2s turn", " | launch a | | finished"},
    /* The heartbeat, and the duration of a batch, in ms. */
    {"1ms turn beat 1ms turn beat", " | 1 | 2"},
    {"two 1ms job turn beat 1ms job turn beat 1ms turn beat", " | launch a 1 | launch b 1 | 1"},
    {"two job turn job turn 1ms newest turn beat", " | launch a | launch b | complete b 0"},
    {"two job turn job turn 1ms done turn beat 1ms turn beat done turn beat",
     " | launch a | launch b | complete a 1 | 1 | complete b 2"},
    {"job turn 1ms done turn took", " | launch a | complete a 1"},
    {"ratio job turn 1ms done turn ratio", " 100 | launch a | complete a 152"},
    {"job turn 1ms starve turn ratio", " | launch a | complete a 100"},
    {"two job turn 1ms job turn done turn 1ms done turn took",
     " | launch a | launch b | complete a | complete b 1"},
    {"two job turn 1ms job turn refuse turn 1ms done turn took",
     " | launch a | launch b | complete b reroute b | complete a 2"},
};

TEST(schedule__actions_follow_from_state_and_event)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        start();
        test_row("%s", rows[i].script);
        play(rows[i].script);
        CHECK_STR(s.text, rows[i].want);
    }
    schedule_release(&s.schedule);
}
