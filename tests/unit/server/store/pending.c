/* server/store/pending.c */
#include "server/store/pending.h"

#include "tests/test.h"

static void on_timer(struct timer *timer, void *arg)
{
    (void)timer;
    (void)arg;
}

TEST(pending__is_recognised_until_it_is_put_back)
{
    static struct pending *taken[3 * PENDING_PER_CHUNK];
    static struct pendings pendings;
    struct loop loop;
    struct err err;

    CHECK_OK(loop_init(&loop, NULL, &err), err);
    pendings_init(&pendings, NULL, &loop, on_timer);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 3 * PENDING_PER_CHUNK; i++) {
            taken[i] = pending_take(&pendings);
            CHECK(taken[i] && pending_of(&pendings, pending_token(taken[i])) == taken[i]);
            for (int k = 0; k < i; k++)
                CHECK(taken[k] != taken[i]);
        }
        CHECK_INT(pendings.n_taken, 3 * PENDING_PER_CHUNK);
        CHECK_INT(pendings.n, 3 * PENDING_PER_CHUNK); /* no new chunk */
        for (int i = 0; i < 3 * PENDING_PER_CHUNK; i++) {
            uint64_t token = pending_token(taken[i]);

            pending_put(&pendings, taken[i]);
            CHECK(!pending_of(&pendings, token));
            CHECK(pending_take(&pendings) == taken[i]); /* the last one put back */
            CHECK(!pending_of(&pendings, token));
            pending_put(&pendings, taken[i]);
        }
        CHECK_INT(pendings.n_taken, 0);
    }
    pendings_release(&pendings);
    loop_release(&loop);
}
