/* A list under a lock, which the reader takes as a whole, and the eventfd that wakes it. */
#include "base/mailbox.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/bug.h"

int mailbox_init(struct mailbox *box, struct err *err)
{
    *box = (struct mailbox){.lock = PTHREAD_MUTEX_INITIALIZER,
                            .fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
    return box->fd == -1 ? err_set_errno(err, ERR_UNAVAILABLE, "eventfd") : 0;
}

void mailbox_release(struct mailbox *box)
{
    pthread_mutex_destroy(&box->lock);
    close(box->fd);
    box->fd = -1;
}

void mailbox_post(struct mailbox *box, struct letter *letter)
{
    const uint64_t one = 1;
    bool was_empty;

    letter->next = NULL;
    pthread_mutex_lock(&box->lock);
    was_empty = !box->head;
    if (was_empty)
        box->head = letter;
    else
        box->tail->next = letter;
    box->tail = letter;
    /* Inside the lock: once it is released, the reader may deliver the last letter and close the
     * mailbox. */
    if (was_empty)
        while (write(box->fd, &one, sizeof(one)) == -1 && errno == EINTR)
            ;
    pthread_mutex_unlock(&box->lock);
}

int mailbox_drain(struct mailbox *box, void *reader)
{
    struct letter *letter;
    uint64_t edges;
    int n = 0;

    /* Before the list is taken: a letter that arrives in between then causes another wake-up. */
    while (read(box->fd, &edges, sizeof(edges)) == -1 && errno == EINTR)
        ;
    pthread_mutex_lock(&box->lock);
    letter = box->head;
    box->head = box->tail = NULL;
    pthread_mutex_unlock(&box->lock);
    for (; letter; n++) {
        struct letter *next = letter->next;

        BUG_ON(!letter->deliver);
        letter->deliver(letter, reader);
        letter = next;
    }
    return n;
}
