/*
 * struct mailbox: letters from many threads to one. Intrusive (a letter is part of what is sent),
 * so posting allocates nothing. One eventfd write per empty-to-non-empty edge, so a burst of
 * letters costs one wake-up. The reader's event loop watches mailbox.fd for reading.
 */
#ifndef BASE_MAILBOX_H
#define BASE_MAILBOX_H

#include <pthread.h>

#include "base/err.h"

struct letter {
    struct letter *next;
    void (*deliver)(struct letter *letter, void *reader); /* runs on the reader's thread */
};

struct mailbox {
    pthread_mutex_t lock;
    struct letter *head; /* oldest */
    struct letter *tail;
    int fd; /* eventfd, non-blocking */
};

int mailbox_init(struct mailbox *box, struct err *err) MUST_CHECK;
void mailbox_release(struct mailbox *box); /* undelivered letters stay with their senders */
/* Any thread. The letter belongs to the mailbox until delivered; it must not be in two
 * mailboxes. */
void mailbox_post(struct mailbox *box, struct letter *letter);
/* The reader's thread: delivers pending letters in order. Returns how many. A letter may be freed
 * or posted again from within its deliver(). */
int mailbox_drain(struct mailbox *box, void *reader);

#endif
