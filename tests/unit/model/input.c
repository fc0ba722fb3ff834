/* Tests of model/input.c. */
#include "adrank/input.h"

#include "base/rng.h"
#include "tests/test.h"

enum { MAX_SHAPES = 24 };

struct shape {
    int len, parent;
    bool read;
};

static struct err err;

/* Token ids count up, so that a part tells where it came from. */
static struct input make(const struct shape *shapes, int n)
{
    struct input in = {0};
    int tokens = 0;

    for (int i = 0; i < n; i++)
        tokens += shapes[i].len;
    CHECK_OK(input_reserve(&in, tokens, n, &err), err);
    for (int i = 0; i < n; i++) {
        in.segments[i] =
            (struct segment){.start = in.n_tokens,
                             .len = shapes[i].len,
                             .parent = shapes[i].parent,
                             .position = shapes[i].parent < 0 ? 0 : shapes[shapes[i].parent].len,
                             .read = shapes[i].read};
        for (int t = 0; t < shapes[i].len; t++) {
            in.ids[in.n_tokens] = in.n_tokens;
            in.types[in.n_tokens] = shapes[i].parent >= 0;
            in.n_tokens++;
        }
        in.n_read += shapes[i].read;
        in.n_segments++;
    }
    return in;
}

TEST(input__reserve_keeps_what_is_large_enough)
{
    struct input in = {0};
    int32_t *ids;

    CHECK_OK(input_reserve(&in, 100, 10, &err), err);
    ids = in.ids;
    in.n_tokens = 7;
    CHECK_OK(input_reserve(&in, 50, 10, &err), err);
    CHECK(in.ids == ids);
    CHECK_INT(in.n_tokens, 0);
    CHECK_OK(input_reserve(&in, 101, 1, &err), err);
    CHECK_INT(in.max_tokens, 101);
    CHECK_INT(in.max_segments, 10);
    input_release(&in);
    CHECK(!in.ids && in.max_tokens == 0);
}

TEST(input__shape_counts_parents)
{
    static const struct shape shapes[] = {
        {10, -1, false}, {3, 0, true}, {4, 0, true}, {5, -1, true}};
    struct input in AT_END(input_release) = make(shapes, 4);
    struct input_shape s = input_shape(&in);

    CHECK_INT(s.tokens, 22);
    CHECK_INT(s.segments, 4);
    CHECK_INT(s.attention, 10 * 10 + 3 * 13 + 4 * 14 + 5 * 5);
    CHECK_INT(s.parents, 1);
    CHECK_INT(s.parent_tokens, 10);
    CHECK_INT(s.chain_tokens, 14);
    CHECK_INT(s.chain_attention, 10 * 10 + 4 * 14);
}

TEST(input__shapes_add_up_but_for_the_longest_chain)
{
    static const struct shape family[] = {{10, -1, false}, {3, 0, true}};
    static const struct shape lone[] = {{20, -1, true}};
    struct input a = make(family, 2), b = make(lone, 1);
    struct input_shape first = input_shape(&a), second = input_shape(&b), sum = first;

    input_shape_add(&sum, &second);
    input_shape_add(&sum, &first);
    CHECK_INT(sum.tokens, 2 * 13 + 20);
    CHECK_INT(sum.attention, 2 * first.attention + 400);
    CHECK_INT(sum.segments, 5);
    CHECK_INT(sum.parents, 2);
    CHECK_INT(sum.parent_tokens, 20);
    CHECK_INT(sum.chain_tokens, 20);
    CHECK_INT(sum.chain_attention, 400);
    input_release(&a);
    input_release(&b);
}

/* Every part: within the limit where one segment allows it, children beside their parent, and
 * all parts together every read segment once, in order, with its tokens. */
static void check_parts(const struct shape *shapes, int n, int max_tokens, int want_parts)
{
    struct input in = make(shapes, n), part = {0};
    int i = 0, next_read = 0, first, rc, at = 0;

    while ((rc = input_part(&in, max_tokens, i, &part, &first, &err)) == 1) {
        CHECK_INT(first, next_read);
        next_read += part.n_read;
        CHECK(part.n_tokens <= max_tokens || part.n_read == 1);
        for (int s = 0; s < part.n_segments; s++) {
            const struct segment *seg = &part.segments[s];
            if (seg->parent >= 0) {
                CHECK(seg->parent < s);
                CHECK_INT(part.segments[seg->parent].len, seg->position);
            }
            if (!seg->read)
                continue;
            while (!in.segments[at].read)
                at++;
            CHECK_INT(part.ids[seg->start], in.ids[in.segments[at].start]);
            CHECK_INT(seg->len, in.segments[at].len);
            CHECK_INT(part.types[seg->start], in.types[in.segments[at].start]);
            CHECK_INT(seg->parent >= 0, in.segments[at].parent >= 0);
            if (seg->parent >= 0)
                CHECK_INT(part.ids[part.segments[seg->parent].start],
                          in.ids[in.segments[in.segments[at].parent].start]);
            at++;
        }
        i++;
    }
    CHECK_INT(rc, 0);
    CHECK_INT(next_read, in.n_read);
    CHECK_INT(i, want_parts);
    input_release(&in);
    input_release(&part);
}

TEST(input__parts)
{
    static const struct shape family[] = {
        {10, -1, false}, {3, 0, true}, {4, 0, true}, {5, 0, true}};
    static const struct shape lone[] = {{5, -1, true}, {5, -1, true}, {5, -1, true}, {1, -1, true}};
    static const struct shape two[] = {{4, -1, false}, {2, 0, true}, {2, 0, true},
                                       {6, -1, false}, {2, 3, true}, {2, 3, true}};
    static const struct shape childless[] = {{4, -1, false}, {3, -1, false}};
    static const struct shape read_parent[] = {{4, -1, true}, {2, 0, true}, {2, 0, true}};

    test_row("a family whole");
    check_parts(family, 4, 22, 1);
    test_row("a family in two");
    check_parts(family, 4, 21, 2);
    test_row("a child each, none of which fits");
    check_parts(family, 4, 5, 3);
    test_row("lone segments");
    check_parts(lone, 4, 10, 2);
    test_row("lone segments in one");
    check_parts(lone, 4, 16, 1);
    test_row("two families");
    check_parts(two, 6, 12, 2);
    test_row("two families, a child each");
    check_parts(two, 6, 6, 4);
    test_row("nothing to read");
    check_parts(childless, 2, 100, 0);
    test_row("a parent that is read itself");
    check_parts(read_parent, 3, 6, 3);
}

/* Families of all sizes, read parents, lone segments, parents without children. */
static int random_shapes(struct rng *rng, struct shape *shapes)
{
    int n = 1 + (int)rng_below(rng, MAX_SHAPES - 1), parent = -1;

    for (int i = 0; i < n; i++) {
        bool alone = rng_below(rng, 4) == 0;
        shapes[i] = (struct shape){.len = 1 + (int)rng_below(rng, parent < 0 || alone ? 40 : 12),
                                   .parent = alone ? -1 : parent,
                                   .read = rng_below(rng, 4) > 0};
        if (shapes[i].parent < 0) {
            parent = rng_below(rng, 3) ? i : -1;
            shapes[i].read = shapes[i].read && rng_below(rng, 2);
        }
    }
    return n;
}

TEST(input__parts_are_counted_as_they_come)
{
    struct shape shapes[MAX_SHAPES];
    struct input part AT_END(input_release) = {0};
    struct rng rng;
    int split = 0;

    rng_init(&rng, 3);
    for (int round = 0; round < 5000; round++) {
        struct input in = make(shapes, random_shapes(&rng, shapes));
        struct input_shape sum = {0}, counted;
        int max_tokens = 1 + (int)rng_below(&rng, 150), n = 0, first;
        test_row("round %d", round);
        while (input_part(&in, max_tokens, n, &part, &first, &err) == 1) {
            struct input_shape shape = input_shape(&part);
            input_shape_add(&sum, &shape);
            n++;
        }
        CHECK_INT(input_parts(&in, max_tokens, &counted), n);
        CHECK_INT(counted.tokens, sum.tokens);
        CHECK_INT(counted.attention, sum.attention);
        CHECK_INT(counted.segments, sum.segments);
        CHECK_INT(counted.parents, sum.parents);
        CHECK_INT(counted.parent_tokens, sum.parent_tokens);
        CHECK_INT(counted.chain_tokens, sum.chain_tokens);
        split += n > 1;
        input_release(&in);
    }
    CHECK(split > 1000);
}
