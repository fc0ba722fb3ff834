/* One connection to Redis: dialled, greeted with AUTH and SELECT, then commands and replies. */
#include "server/store/link.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "server/net/transport.h"
#include "server/store/greeting.h"
#include "server/store/owed.h"

struct store_link {
    struct loop *loop;
    struct transport transport;
    struct loop_watch reads, writes; /* of its descriptor */
    bool *freed;                     /* of the running handler: set when the link is freed */
    struct timer timer;              /* connect_ms */
    struct store_link_events events;

    /* Until the link is ready. */
    bool connected, ready;
    struct greeting greeting;

    struct buf commands; /* once the link is ready */
    size_t sent;         /* of the greeting, later of the commands */
    struct owed_queue owed;
    struct reply_reader reader;
};

/* ---- closing --------------------------------------------------------------------------------- */

void store_link_close(struct store_link *link)
{
    if (!link)
        return;
    if (link->freed)
        *link->freed = true;
    loop_timer_remove(link->loop, &link->timer);
    loop_watch_release(&link->reads);
    loop_watch_release(&link->writes);
    if (link->transport.fd != -1)
        link->transport.ops->close(&link->transport, false);
    greeting_release(&link->greeting);
    buf_release(&link->commands);
    owed_release(&link->owed);
    reply_reader_release(&link->reader);
    free(link);
}

void store_link_fail(struct store_link *link, enum store_status status, const char *why)
{
    link->events.on_end(link, status, why, link->events.arg);
    store_link_close(link);
}

static void lost(struct store_link *link, const char *what, int error)
{
    char why[192], reason[128];

    snprintf(why, sizeof(why), "%s: %s", what,
             error ? strerror_r(error, reason, sizeof(reason))
                   : "the server closed the connection");
    store_link_fail(link, STORE_DOWN, why);
}

static void on_timer(struct timer *timer, void *arg)
{
    (void)timer;
    store_link_fail(arg, STORE_DOWN, "connecting timed out");
}

/* ---- the greeting ---------------------------------------------------------------------------- */

/* Replies are owed once the whole greeting is sent; the peer must not answer earlier. Each command
 * is a call of its own, since a server that refuses the first may close the connection immediately.
 */
static int expect_greeting(struct store_link *link)
{
    const int n = link->greeting.n_commands;

    if (owed_reserve(&link->owed, (uint32_t)n))
        return -1;
    for (int i = 0; i < n; i++) {
        const struct owed owed = {.token = (uint64_t)i,
                                  .bounds.max_bytes = reply_reader_max_bytes(NULL, 0),
                                  .last = true};

        owed_push(&link->owed, &owed);
    }
    return 0;
}

static void on_greeting_reply(struct store_link *link, int i, const struct store_reply *reply)
{
    char why[GREETING_WHY_BYTES];
    enum store_status status = greeting_check(&link->greeting, i, reply, why);

    if (status != STORE_OK) {
        store_link_fail(link, status, why);
        return;
    }
    if (i < link->greeting.n_commands - 1)
        return;
    link->ready = true;
    link->sent = 0;
    greeting_release(&link->greeting);
    loop_timer_remove(link->loop, &link->timer);
    link->events.on_ready(link->events.arg);
}

/* ---- writing --------------------------------------------------------------------------------- */

/* If the kernel refuses a watch, nothing happens on the link any more: its calls are late, and the
 * session opens another one. */
static void watch(struct store_link *link, struct loop_watch *watch, unsigned wanted)
{
    (void)!loop_watch_set(watch, link->transport.fd, wanted);
}

/* Returns false if the link has ended. */
static bool finish_connecting(struct store_link *link)
{
    int error = 0, one = 1;
    socklen_t len = sizeof(error);

    if (getsockopt(link->transport.fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
        error = errno;
    if (error) {
        lost(link, "cannot connect", error);
        return false;
    }
    /* Fails on UNIX sockets, which is fine. */
    setsockopt(link->transport.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    link->connected = true;
    watch(link, &link->reads, LOOP_READ);
    return true;
}

static void all_sent(struct store_link *link)
{
    watch(link, &link->writes, 0);
    if (link->ready) {
        buf_clear(&link->commands);
        link->sent = 0;
    } else if (expect_greeting(link)) {
        store_link_fail(link, STORE_DOWN, "out of memory");
    }
}

static void on_writable(struct loop_watch *ready_watch, unsigned ready, void *arg)
{
    struct store_link *link = arg;
    struct view all;
    struct iovec rest;
    ssize_t n;

    (void)ready_watch;
    (void)ready;
    if (!link->connected && !finish_connecting(link))
        return;
    all = link->ready ? buf_view(&link->commands) : link->greeting.bytes;
    rest = (struct iovec){(char *)all.ptr + link->sent, all.len - link->sent};
    n = link->transport.ops->write(&link->transport, &rest, 1);
    if (n == TRANSPORT_LOST) {
        lost(link, "connection lost", errno);
        return;
    }
    link->sent += n > 0 ? (size_t)n : 0;
    if (link->sent == all.len)
        all_sent(link);
}

int store_link_send(struct store_link *link, const struct store_command *commands, int n_commands,
                    uint64_t token)
{
    struct owed owed = {.token = token};
    size_t bytes = 0;
    char *at;

    for (int i = 0; i < n_commands; i++)
        bytes += command_bytes(commands[i].args, commands[i].n_args);
    at = buf_reserve(&link->commands, bytes);
    link->commands.failed = false; /* other calls may find memory */
    if (!at || owed_reserve(&link->owed, (uint32_t)n_commands))
        return -1;
    link->commands.len += bytes;
    owed.bounds.max_bytes = reply_reader_max_bytes(commands, n_commands);
    for (int i = 0; i < n_commands; i++) {
        at = command_write(at, commands[i].args, commands[i].n_args);
        owed.bounds.expected = commands[i].expected;
        owed.bounds.max_elements = commands[i].max_elements;
        owed.last = i == n_commands - 1;
        owed_push(&link->owed, &owed);
    }
    watch(link, &link->writes, LOOP_WRITE);
    return 0;
}

/* ---- reading --------------------------------------------------------------------------------- */

static const struct store_reply *find_refusal(struct store_link *link,
                                              const struct store_reply *replies, int n)
{
    for (int i = 0; i < n; i++) {
        const struct store_expected *expected = owed_at(&link->owed, (uint32_t)i)->bounds.expected;
        const char *code = expected ? expected->key_error : NULL;

        if (replies[i].type == STORE_ERROR && !(code && store_reply_is_error(&replies[i], code)))
            return &replies[i];
    }
    return NULL;
}

/* All replies of the oldest call have arrived. A reply to the greeting may end the link. */
static void deliver(struct store_link *link)
{
    struct store_answer answer = {
        .token = owed_at(&link->owed, 0)->token,
        .replies = reply_reader_replies(&link->reader),
        .n_replies = reply_reader_n_whole(&link->reader),
    };
    const bool *freed = link->freed;

    answer.refusal = find_refusal(link, answer.replies, answer.n_replies);
    owed_pop(&link->owed, (uint32_t)answer.n_replies);
    if (link->ready)
        link->events.on_answer(&answer, link->events.arg);
    else
        on_greeting_reply(link, (int)answer.token, answer.replies);
    if (!*freed)
        reply_reader_drop(&link->reader);
}

static void read_replies(struct store_link *link)
{
    const bool *freed = link->freed;
    enum reply_progress progress;

    do {
        const struct owed *owed =
            owed_at(&link->owed, (uint32_t)reply_reader_n_whole(&link->reader));

        progress = reply_reader_next(&link->reader, owed ? &owed->bounds : NULL);
        if (progress == REPLY_WHOLE && owed->last)
            deliver(link);
    } while (!*freed && progress == REPLY_WHOLE);
    if (!*freed && progress != REPLY_PART)
        store_link_fail(link, progress == REPLY_BROKEN ? STORE_NONSENSE : STORE_NO_MEMORY,
                        link->reader.why);
}

static void on_readable(struct loop_watch *ready_watch, unsigned ready, void *arg)
{
    struct store_link *link = arg;
    bool freed = false;
    ssize_t n;
    size_t room;
    char *into = reply_reader_room(&link->reader, &room);

    (void)ready_watch;
    (void)ready;
    if (!into) {
        store_link_fail(link, STORE_NO_MEMORY, link->reader.why);
        return;
    }
    n = link->transport.ops->read(&link->transport, into, room);
    if (n == TRANSPORT_AGAIN)
        return;
    if (n <= 0) {
        lost(link, "connection lost", n == 0 ? 0 : errno);
        return;
    }
    reply_reader_received(&link->reader, (size_t)n);
    link->freed = &freed;
    read_replies(link);
    if (!freed)
        link->freed = NULL;
}

bool store_link_ready(const struct store_link *link)
{
    return link->ready;
}

bool store_link_unread(struct store_link *link)
{
    return link->transport.ops->pending(&link->transport);
}

size_t store_link_held(const struct store_link *link)
{
    return reply_reader_held(&link->reader);
}

/* ---- opening --------------------------------------------------------------------------------- */

static int dial(struct store_link *link, const struct address *address, struct err *err)
{
    int fd = socket(address->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    link->transport.fd = fd;
    if (fd == -1 || (connect(fd, (const struct sockaddr *)&address->sa, address->len) == -1 &&
                     errno != EINPROGRESS))
        return err_set_errno(err, ERR_UNAVAILABLE, "cannot connect");
    return 0;
}

int store_link_open(const struct store_link_args *args, struct store_link **out, struct err *err)
{
    struct store_link *link = calloc(1, sizeof(*link));

    if (!link)
        return err_set(err, ERR_NOMEM, "out of memory");
    link->loop = args->loop;
    link->events = args->events;
    link->transport = (struct transport){&transport_plain, -1};
    reply_reader_init(&link->reader, args->memory);
    timer_init(&link->timer, on_timer, link);
    if (dial(link, args->address, err) ||
        loop_watch_init(&link->reads, link->loop, on_readable, link, err) ||
        loop_watch_init(&link->writes, link->loop, on_writable, link, err))
        goto fail;
    if (greeting_init(&link->greeting, args->user, args->password, args->database)) {
        err_set(err, ERR_NOMEM, "out of memory");
        goto fail;
    }
    watch(link, &link->writes, LOOP_WRITE);
    loop_timer_set(link->loop, &link->timer, clock_now_us() + args->connect_ms * 1000LL);
    *out = link;
    return 0;
fail:
    store_link_close(link);
    return -1;
}
