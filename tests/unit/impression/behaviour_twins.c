/* Tests of impression/behaviour_twins.c. */
#include "impression/behaviour_twins.h"

#include "adrank/behaviour.h"
#include "base/rng.h"
#include "tests/test.h"

#define MANY 4096 /* the largest rank.max_behaviour */

/* The linker sends every memcmp of this program here: what comparing strings costs is counted, not
 * timed. */
static long compared;
int __real_memcmp(const void *a, const void *b, size_t n);
int __wrap_memcmp(const void *a, const void *b, size_t n);

int __wrap_memcmp(const void *a, const void *b, size_t n)
{
    compared++;
    return __real_memcmp(a, b, n);
}

/* ---- each compared with each, as the rule reads ---------------------------------------------- */

static bool twins(const struct behaviour *a, const struct behaviour *b)
{
    if (a->t_ms != b->t_ms || a->type != b->type || !view_eq(a->item, b->item))
        return false;
    return a->item.len || view_eq(a->text, b->text);
}

static int drop_plainly(const struct behaviour **list, int n)
{
    int kept = 0;

    for (int i = 0; i < n; i++) {
        int k = 0;

        while (k < kept && !twins(list[k], list[i]))
            k++;
        if (k == kept)
            list[kept++] = list[i];
        else if (list[k]->text.len == 0)
            list[k] = list[i];
    }
    return kept;
}

static void check_equal(const struct behaviour *const *got, int n_got,
                        const struct behaviour *const *want, int n_want)
{
    CHECK_INT(n_got, n_want);
    for (int i = 0; i < n_got; i++) {
        CHECK_INT(got[i]->type, want[i]->type);
        CHECK(view_eq(got[i]->item, want[i]->item));
        CHECK(view_eq(got[i]->text, want[i]->text));
    }
}

/* Few different strings, so that twins are common. */
static struct behaviour random_event(struct rng *rng)
{
    static const char *const items[] = {"", "", "a", "b", "ab", "abc", "b\xc3\xa4"};
    static const char *const texts[] = {"", "", "x", "y", "xy"};
    struct behaviour event = {.t_ms = 7, .type = (enum behaviour_type)rng_below(rng, 2)};

    event.item = view_of(items[rng_below(rng, sizeof(items) / sizeof(items[0]))]);
    event.text = view_of(texts[rng_below(rng, sizeof(texts) / sizeof(texts[0]))]);
    return event;
}

TEST(behaviour_drop_twins__is_the_plain_rule)
{
    struct behaviour events[64];
    const struct behaviour *got[64], *want[64];
    struct arena arena AT_END(arena_release);
    struct rng rng;

    rng_init(&rng, 7);
    arena_init(&arena, 4096, 0);
    for (int round = 0; round < 5000; round++) {
        int n = (int)rng_below(&rng, 65), n_got, n_want;

        for (int i = 0; i < n; i++) {
            events[i] = random_event(&rng);
            got[i] = want[i] = &events[i];
        }
        test_row("round %d: %d", round, n);
        n_want = drop_plainly(want, n);
        n_got = behaviour_drop_twins(got, n, &arena);
        check_equal(got, n_got, want, n_want);
        arena_reset(&arena, SIZE_MAX);
    }
}

/* As many events as may be, of one time and one length: the order they come in changes nothing. */
static void check_cost(const char *name, int multiplier, int different)
{
    static char names[MANY][6];
    static struct behaviour events[MANY];
    const struct behaviour *merged;
    struct arena arena AT_END(arena_release);
    bool truncated;
    int n;

    test_row("%s", name);
    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof(names[i]), "%05d", i * multiplier % MANY % different);
        events[i] = (struct behaviour){.t_ms = 7, .type = BEHAVIOUR_CLICK, .item = {names[i], 5}};
    }
    arena_init(&arena, 1 << 20, 0);
    compared = 0;
    merged = behaviour_merge(events, MANY / 2, events + MANY / 2, MANY / 2, MANY, &arena, &n,
                             &truncated);
    CHECK(merged);
    CHECK_INT(n, different);
    if (compared > 4L * MANY) /* each with each would be 2,000 x MANY */
        FAIL("%ld comparisons of %d events", compared, MANY);
}

TEST(behaviour_merge__compares_each_event_of_equal_time_a_few_times)
{
    check_cost("in order", 1, MANY);
    check_cost("backwards", MANY - 1, MANY);
    check_cost("mixed", 1777, MANY);
    check_cost("every event twice", 1, MANY / 2);
    check_cost("all the same", 1, 1);
}

TEST(behaviour_drop_twins__reports_a_full_arena)
{
    struct behaviour events[64];
    const struct behaviour *list[64];
    struct arena arena AT_END(arena_release);

    for (int i = 0; i < 64; i++) {
        events[i] = (struct behaviour){.t_ms = 7, .text = VIEW_LIT("x")};
        list[i] = &events[i];
    }
    arena_init(&arena, 256, 64);
    CHECK_INT(behaviour_drop_twins(list, 64, &arena), -1);
}
