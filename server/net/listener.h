/*
 * struct listener: listening sockets on a loop, opened from an address (see address.h; more than
 * one where it means several). Accepted descriptors are non-blocking, close-on-exec and, for TCP,
 * TCP_NODELAY.
 *
 * Out of descriptors or kernel memory (EMFILE, ENFILE, ENOBUFS, ENOMEM) waiting clients are
 * answered 503 immediately, using a descriptor held in reserve; if even that is taken, it retries
 * every 100 ms, and the kernel's queue bounds how many wait. Logged once when that begins and, a
 * second after the last refusal, once when it is over.
 */
#ifndef SERVER_NET_LISTENER_H
#define SERVER_NET_LISTENER_H

#include "server/net/address.h"
#include "server/net/loop.h"

/* fd is the callee's; -1: it has no room for it, and the listener answers 503 and closes it. */
typedef int (*listener_accept_fn)(int fd, void *arg);

struct listener;

struct listener_socket {
    struct listener *listener;
    int fd;
    struct loop_watch watch;
    struct address address; /* the actual one */
    char text[ADDRESS_TEXT_BYTES];
};

struct listener {
    struct loop *loop; /* NULL: closed */
    struct listener_socket sockets[ADDRESSES_MAX];
    int n;
    int reserve;        /* -1: taken for now */
    struct timer pause; /* until sockets are watched again */
    struct timer calm;  /* until shortage may be over */
    bool paused, is_short;
    int64_t short_since_us, n_refused; /* while is_short */
    listener_accept_fn on_accept;
    void *arg;
    bool unlink_path; /* a UNIX socket that is ours */
};

struct listener_args {
    struct loop *loop;
    const char *address;
    int backlog; /* 0: 1024 */
    listener_accept_fn on_accept;
    void *arg;
};

/* ERR_CONFIG or ERR_UNAVAILABLE (taken, not permitted). A stale UNIX socket that nothing
 * listens on is replaced. */
int listener_open(struct listener *listener, const struct listener_args *args,
                  struct err *err) MUST_CHECK;
/* Idempotent; a zeroed one counts as closed. */
void listener_close(struct listener *listener);
/* Connections that the kernel may queue before they are accepted. */
void listener_set_backlog(struct listener *listener, int backlog);
/* The actual address, for logs and clients if the port was 0; the first of several. */
const char *listener_text(const struct listener *listener);

#endif
