/*
 * struct listener: a listening socket on a loop, opened from an address or from a descriptor that was
 * inherited, already bound and listening. Accepted descriptors are non-blocking, close-on-exec and, for
 * TCP, TCP_NODELAY.
 *
 * Out of descriptors or kernel memory (EMFILE, ENFILE, ENOBUFS, ENOMEM) it pauses for 100 ms and tries
 * again; a descriptor held in reserve lets it tell one waiting client 503 at each pause.
 */
#ifndef SERVER_NET_LISTENER_H
#define SERVER_NET_LISTENER_H

#include "server/net/address.h"
#include "server/net/loop.h"

typedef void (*listener_accept_fn)(int fd, void *arg); /* fd is the callee's */

struct listener {
    struct loop *loop;
    struct loop_watch watch;
    struct timer pause;
    int fd;      /* -1: closed */
    int reserve; /* -1: given up for now */
    bool paused;
    listener_accept_fn on_accept;
    void *arg;
    struct address address; /* the actual one */
    char text[ADDRESS_TEXT_BYTES];
    bool unlink_path; /* a UNIX socket that is ours */
};

struct listener_args {
    struct loop *loop;
    const char *address; /* not used with an inherited descriptor */
    bool inherited;
    int fd;      /* when inherited; the listener owns it from then on, also on failure */
    int backlog; /* 0: 1024 */
    listener_accept_fn on_accept;
    void *arg;
};

/* ERR_CONFIG or ERR_UNAVAILABLE (taken, not permitted). A stale UNIX socket that nobody listens on is
 * replaced. */
int listener_open(struct listener *listener, const struct listener_args *args,
                  struct err *err) MUST_CHECK;
/* Idempotent. */
void listener_close(struct listener *listener);
/* The actual address: what a log line or a client wants when the port was 0. */
const char *listener_text(const struct listener *listener);

#endif
