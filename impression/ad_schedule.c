/* Sorts starts and ends of ads by time. */
#include "impression/ad_schedule.h"

#include <stdlib.h>

/* One ad's start or end. */
struct event {
    int64_t at_ms;
    int32_t position;
};

static int by_time(const void *a, const void *b)
{
    const struct event *x = a, *y = b;

    if (x->at_ms != y->at_ms)
        return x->at_ms < y->at_ms ? -1 : 1;
    return (x->position > y->position) - (x->position < y->position);
}

/* Only real ones: no start is 0, no end is INT64_MAX, neither of which a clock reaches. */
static bool starts(const struct ad *ad)
{
    return ad->status == AD_ACTIVE && ad->start_ms > 0;
}

static bool ends(const struct ad *ad)
{
    return ad->status == AD_ACTIVE && ad->end_ms < INT64_MAX;
}

static size_t count_events(const struct ad *ads, int32_t n)
{
    size_t count = 0;

    for (int32_t i = 0; i < n; i++)
        count += (size_t)starts(&ads[i]) + (size_t)ends(&ads[i]);
    return count;
}

static void list_events(const struct ad *ads, const int32_t *order, int32_t n, struct event *out)
{
    for (int32_t i = 0; i < n; i++) {
        const struct ad *ad = &ads[order[i]];

        if (starts(ad))
            *out++ = (struct event){ad->start_ms, i};
        if (ends(ad))
            *out++ = (struct event){ad->end_ms, i};
    }
}

/* turns has room for one per event. */
static size_t make_turns(const struct event *events, size_t n, struct ad_turn *turns)
{
    size_t n_turns = 0;

    for (size_t i = 0; i < n; i++) {
        const int32_t word = events[i].position / 64;
        struct ad_turn *last = n_turns ? &turns[n_turns - 1] : NULL;

        if (!last || last->at_ms != events[i].at_ms || last->word != word) {
            last = &turns[n_turns++];
            *last = (struct ad_turn){.at_ms = events[i].at_ms, .word = word};
        }
        last->flipped |= UINT64_C(1) << (events[i].position % 64);
    }
    return n_turns;
}

static void mark_first(struct ad_schedule *schedule, const struct ad *ads, const int32_t *order,
                       int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        const struct ad *ad = &ads[order[i]];

        if (ad->status == AD_PAUSED || starts(ad))
            continue;
        schedule->first[i / 64] |= UINT64_C(1) << (i % 64);
        schedule->n_first++;
    }
}

/* active (n_words): the state before the first turn; on return, the state after the last. */
static void count_active(struct ad_schedule *schedule, uint64_t *active)
{
    int32_t n = schedule->n_first;

    for (size_t i = 0; i < schedule->n_turns; i++) {
        struct ad_turn *turn = &schedule->turns[i];
        uint64_t *word = &active[turn->word];

        n -= __builtin_popcountll(*word);
        *word ^= turn->flipped;
        n += __builtin_popcountll(*word);
        turn->n_active = n;
    }
}

static int build_turns(struct ad_schedule *schedule, const struct ad *ads, const int32_t *order,
                       int32_t n, struct event *events, size_t n_events, uint64_t *active,
                       struct arena *arena)
{
    schedule->turns = arena_array(arena, n_events, sizeof(*schedule->turns));
    if (!schedule->turns)
        return -1;
    list_events(ads, order, n, events);
    qsort(events, n_events, sizeof(*events), by_time);
    schedule->n_turns = make_turns(events, n_events, schedule->turns);
    memcpy(active, schedule->first, schedule->n_words * sizeof(*active));
    count_active(schedule, active);
    return 0;
}

int ad_schedule_build(struct ad_schedule *schedule, const struct ad *ads, const int32_t *order,
                      int32_t n, struct arena *arena, struct err *err)
{
    const size_t n_events = count_events(ads, n);
    struct event *events = NULL;
    uint64_t *active = NULL;
    int rc = -1;

    *schedule = (struct ad_schedule){.n_words = ((size_t)n + 63) / 64};
    schedule->first = arena_calloc(arena, schedule->n_words, sizeof(*schedule->first));
    if (!schedule->first)
        return err_set(err, ERR_NOMEM, "out of memory");
    mark_first(schedule, ads, order, n);
    if (!n_events)
        return 0;
    events = malloc(n_events * sizeof(*events));
    active = malloc(schedule->n_words * sizeof(*active));
    if (events && active)
        rc = build_turns(schedule, ads, order, n, events, n_events, active, arena);
    free(events);
    free(active);
    return rc ? err_set(err, ERR_NOMEM, "out of memory") : 0;
}

int32_t ad_schedule_active(const struct ad_schedule *schedule, int64_t now_ms)
{
    size_t low = 0, high = schedule->n_turns; /* turns before low are due, from high on not */

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (schedule->turns[middle].at_ms <= now_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? schedule->turns[low - 1].n_active : schedule->n_first;
}
