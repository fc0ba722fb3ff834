#include <stdlib.h>

#include "base/clock.h"
#include "server/store/features_state.h"

#define BUSY_US 1000         /* a timer that fires so late shows that the loop was busy */
#define MAX_GRACES 64        /* reads of 16 KiB each */
#define MAX_LATE_BYTES 65536 /* of a late reply that are kept, in the hope of the rest */

static const char late[] = "no reply within features.timeout_ms";

void seat_release(struct seat *seat)
{
    struct features *f = seat->features;

    loop_timer_remove(f->loop, &seat->timer);
    seat->call = NULL;
    seat->taken = false;
    seat->generation++;
    seat->next_free = f->free_seat;
    f->free_seat = seat;
    f->n_taken--;
}

void seat_tell(struct seat *seat, enum features_status status, const struct view *events, int n)
{
    struct features_call *call = seat->call;

    seat->call = NULL;
    loop_timer_remove(seat->features->loop, &seat->timer);
    if (call)
        call->on_done(call, status, events, n);
}

void seat_give_up(struct seat *seat)
{
    struct features *f = seat->features;

    seat->call = NULL;
    if (clock_now_us() < seat->overdue_us) {
        loop_timer_set(f->loop, &seat->timer, seat->overdue_us);
        return;
    }
    loop_timer_remove(f->loop, &seat->timer);
    features_failed(f, late);
}

/*
 * A timer that fires late shows that this loop was busy, so it is not the store that is late: what lies unread is
 * read first, and the store has failed only if it stays silent for timeout_ms more.
 */
static bool put_off(struct seat *seat, int64_t now_us)
{
    struct features *f = seat->features;
    const bool was_busy = now_us - seat->timer.due_us >= BUSY_US;

    if (seat->n_graces == 0 && !was_busy)
        return false;
    seat->overdue_us = now_us + f->options.timeout_ms * 1000LL;
    if (seat->n_graces++ == MAX_GRACES || !f->link || !features_link_unread(f->link))
        return false;
    loop_timer_set(f->loop, &seat->timer, now_us);
    return true;
}

static void on_timer(struct timer *timer, void *arg)
{
    struct seat *seat = arg;
    struct features *f = seat->features;
    struct features_call *call = seat->call;
    bool overdue;

    (void)timer;
    if (put_off(seat, clock_now_us()))
        return;
    overdue = clock_now_us() >= seat->overdue_us;
    seat_give_up(seat);
    if (call)
        call->on_done(call, FEATURES_LATE, NULL, 0);
    /* What is being sent without end is read no further. */
    if (overdue && f->link && features_link_held(f->link) > MAX_LATE_BYTES)
        features_link_fail(f->link, FEATURES_LATE, "a long reply is late");
}

struct seat *seat_at(struct features *f, uint32_t index)
{
    return &f->chunks[index / SEATS_PER_CHUNK][index % SEATS_PER_CHUNK];
}

static int more_seats(struct features *f)
{
    uint32_t chunk = f->n_seats / SEATS_PER_CHUNK;
    struct seat *seats = chunk < MAX_CHUNKS ? calloc(SEATS_PER_CHUNK, sizeof(*seats)) : NULL;

    if (!seats)
        return -1;
    f->chunks[chunk] = seats;
    for (uint32_t i = 0; i < SEATS_PER_CHUNK; i++) {
        seats[i].features = f;
        seats[i].index = f->n_seats++;
        timer_init(&seats[i].timer, on_timer, &seats[i]);
        seats[i].next_free = f->free_seat;
        f->free_seat = &seats[i];
    }
    return 0;
}

struct seat *seat_take(struct features *f, enum features_status *status)
{
    struct seat *seat;

    *status = FEATURES_BUSY;
    if (f->n_taken >= (uint32_t)f->options.max_in_flight)
        return NULL;
    *status = FEATURES_NO_MEMORY;
    if (!f->free_seat && more_seats(f))
        return NULL;
    seat = f->free_seat;
    f->free_seat = seat->next_free;
    f->n_taken++;
    seat->taken = true;
    seat->n_graces = 0;
    return seat;
}

void seats_fail(struct features *f, enum features_status status, const char *reason)
{
    for (uint32_t i = 0; i < f->n_seats && f->n_taken; i++) {
        struct seat *seat = seat_at(f, i);

        if (!seat->taken)
            continue;
        if (seat->call)
            features_failed(f, reason);
        seat_tell(seat, status, NULL, 0);
        seat_release(seat);
    }
}
