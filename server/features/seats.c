#include <stdlib.h>

#include "server/features/features_state.h"

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

static void on_late(struct timer *timer, void *arg)
{
    struct seat *seat = arg;

    (void)timer;
    features_failed(seat->features);
    /* The seat stays taken: its reply is still on the way. */
    seat_tell(seat, FEATURES_LATE, NULL, 0);
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
        timer_init(&seats[i].timer, on_late, &seats[i]);
        seats[i].next_free = f->free_seat;
        f->free_seat = &seats[i];
    }
    return 0;
}

struct seat *seat_take(struct features *f)
{
    struct seat *seat;

    if (f->n_taken >= (uint32_t)f->options.max_in_flight)
        return NULL;
    if (!f->free_seat && more_seats(f))
        return NULL;
    seat = f->free_seat;
    f->free_seat = seat->next_free;
    f->n_taken++;
    seat->taken = true;
    return seat;
}

void seats_fail(struct features *f)
{
    for (uint32_t i = 0; i < f->n_seats && f->n_taken; i++) {
        struct seat *seat = seat_at(f, i);

        if (!seat->taken)
            continue;
        if (seat->call)
            features_failed(f);
        seat_tell(seat, FEATURES_DOWN, NULL, 0);
        seat_release(seat);
    }
}
