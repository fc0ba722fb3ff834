/* getaddrinfo on a thread of its own, its result as a letter. */
#include "server/store/resolver.h"

#include <netdb.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct resolution {
    struct letter letter;
    atomic_int refs;      /* the thread's and the loop's */
    pthread_mutex_t lock; /* guards home and posted */
    struct mailbox *home; /* NULL: abandoned */
    bool posted;
    resolver_done_fn on_done;
    void *arg;
    char host[256];
    struct addresses found;
    char why[RESOLVER_WHY_BYTES];
};

static void resolution_unref(struct resolution *resolution)
{
    if (atomic_fetch_sub(&resolution->refs, 1) != 1)
        return;
    pthread_mutex_destroy(&resolution->lock);
    free(resolution);
}

static void deliver(struct letter *letter, void *reader)
{
    struct resolution *resolution = (struct resolution *)(void *)letter;

    (void)reader;
    if (resolution->on_done)
        resolution->on_done(resolution->arg, &resolution->found, resolution->why);
    resolution_unref(resolution);
}

static void look_up(struct resolution *resolution)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addresses *out = &resolution->found;
    struct addrinfo *found = NULL;
    int rc;

    rc = getaddrinfo(resolution->host, NULL, &hints, &found);
    if (rc != 0) {
        snprintf(resolution->why, sizeof(resolution->why), "%s", gai_strerror(rc));
        return;
    }
    for (const struct addrinfo *at = found; at && out->n < ADDRESSES_MAX; at = at->ai_next) {
        memcpy(&out->list[out->n].sa, at->ai_addr, at->ai_addrlen);
        out->list[out->n++].len = at->ai_addrlen;
    }
    freeaddrinfo(found);
}

static void *run(void *arg)
{
    struct resolution *resolution = arg;

    look_up(resolution);
    pthread_mutex_lock(&resolution->lock);
    if (resolution->home) {
        resolution->posted = true;
        mailbox_post(resolution->home, &resolution->letter);
    }
    pthread_mutex_unlock(&resolution->lock);
    resolution_unref(resolution);
    return NULL;
}

struct resolution *resolver_start(const char *host, struct mailbox *home, resolver_done_fn on_done,
                                  void *arg)
{
    struct resolution *resolution = calloc(1, sizeof(*resolution));
    pthread_attr_t attributes;
    pthread_t thread;
    int failed;

    if (!resolution)
        return NULL;
    resolution->letter.deliver = deliver;
    resolution->home = home;
    resolution->on_done = on_done;
    resolution->arg = arg;
    strncpy(resolution->host, host, sizeof(resolution->host) - 1);
    atomic_init(&resolution->refs, 2);
    pthread_mutex_init(&resolution->lock, NULL);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    failed = pthread_create(&thread, &attributes, run, resolution);
    pthread_attr_destroy(&attributes);
    if (!failed)
        return resolution;
    atomic_store(&resolution->refs, 1);
    resolution_unref(resolution);
    return NULL;
}

void resolver_abandon(struct resolution *resolution)
{
    bool posted;

    if (!resolution)
        return;
    pthread_mutex_lock(&resolution->lock);
    posted = resolution->posted; /* then its letter is on the way and drops the reference */
    resolution->home = NULL;
    resolution->on_done = NULL;
    pthread_mutex_unlock(&resolution->lock);
    if (!posted)
        resolution_unref(resolution);
}
