/* Tests of base/mailbox.c. */
#include "base/mailbox.h"

#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <unistd.h>

#include "tests/test.h"

struct note {
    struct letter letter;
    int sender, number;
};

struct reader {
    int last[4]; /* number last seen of each sender */
    int n, out_of_order;
};

static void on_note(struct letter *letter, void *arg)
{
    struct note *note = (struct note *)letter;
    struct reader *reader = arg;

    if (note->number != reader->last[note->sender] + 1)
        reader->out_of_order++;
    reader->last[note->sender] = note->number;
    reader->n++;
    free(note);
}

static void post(struct mailbox *box, int sender, int number)
{
    struct note *note = malloc(sizeof(*note));

    CHECK(note);
    *note = (struct note){{NULL, on_note}, sender, number};
    mailbox_post(box, &note->letter);
}

static bool is_readable(struct mailbox *box)
{
    struct pollfd p = {.fd = box->fd, .events = POLLIN};

    return poll(&p, 1, 0) == 1;
}

TEST(mailbox__delivers_in_order)
{
    struct mailbox box AT_END(mailbox_release);
    struct reader reader = {0};
    struct err err;

    CHECK_OK(mailbox_init(&box, &err), err);
    CHECK(!is_readable(&box));
    CHECK_INT(mailbox_drain(&box, &reader), 0);
    for (int i = 1; i <= 5; i++)
        post(&box, 0, i);
    CHECK(is_readable(&box));
    CHECK_INT(mailbox_drain(&box, &reader), 5);
    CHECK_INT(reader.out_of_order, 0);
    CHECK(!is_readable(&box));
}

TEST(mailbox__wakes_once_per_edge)
{
    struct mailbox box AT_END(mailbox_release);
    struct reader reader = {0};
    struct err err;
    uint64_t edges = 0;

    CHECK_OK(mailbox_init(&box, &err), err);
    for (int i = 1; i <= 100; i++)
        post(&box, 0, i);
    CHECK_INT(read(box.fd, &edges, sizeof(edges)), sizeof(edges));
    CHECK_INT(edges, 1);
    CHECK_INT(mailbox_drain(&box, &reader), 100);
}

static struct mailbox *again_box;

static void on_again(struct letter *letter, void *arg)
{
    int *left = arg;

    if (--*left > 0)
        mailbox_post(again_box, letter);
}

TEST(mailbox__a_letter_may_be_posted_again_while_delivered)
{
    struct mailbox box AT_END(mailbox_release);
    struct letter letter = {NULL, on_again};
    struct err err;
    int left = 3, rounds = 0;

    CHECK_OK(mailbox_init(&box, &err), err);
    again_box = &box;
    mailbox_post(&box, &letter);
    while (is_readable(&box)) {
        CHECK_INT(mailbox_drain(&box, &left), 1);
        rounds++;
    }
    CHECK_INT(rounds, 3);
}

enum { SENDERS = 4, LETTERS = 20000 };

struct sender {
    struct mailbox *box;
    int index;
};

static void *send_all(void *arg)
{
    struct sender *sender = arg;

    for (int i = 1; i <= LETTERS; i++)
        post(sender->box, sender->index, i);
    return NULL;
}

/* The reader sleeps in poll() and must never miss an edge: a lost one would end in the timeout. */
TEST(mailbox__many_senders_lose_nothing)
{
    struct mailbox box AT_END(mailbox_release);
    struct reader reader = {0};
    struct sender senders[SENDERS];
    pthread_t threads[SENDERS];
    struct err err;

    CHECK_OK(mailbox_init(&box, &err), err);
    for (int i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){&box, i};
        CHECK(pthread_create(&threads[i], NULL, send_all, &senders[i]) == 0);
    }
    while (reader.n < SENDERS * LETTERS) {
        struct pollfd p = {.fd = box.fd, .events = POLLIN};

        if (poll(&p, 1, 20000) != 1)
            FAIL("%d of %d letters, then silence", reader.n, SENDERS * LETTERS);
        mailbox_drain(&box, &reader);
    }
    for (int i = 0; i < SENDERS; i++)
        pthread_join(threads[i], NULL);
    CHECK_INT(reader.out_of_order, 0);
    CHECK_INT(mailbox_drain(&box, &reader), 0);
}
