/*
 * struct store_session: a link to the store, made again whenever it ends. It resolves names, tries
 * the next address if one does not work, backs off between attempts, logs an outage once for each
 * reason, and decides whether a link is trusted: a server that greets well and then fails again and
 * again is not up. On the worker's loop.
 */
#ifndef SERVER_STORE_SESSION_H
#define SERVER_STORE_SESSION_H

#include "base/redis_url.h"
#include "base/rng.h"
#include "server/store/link.h"
#include "server/store/settings.h"

struct resolution;

struct store_session_events {
    void (*on_ready)(void *arg);   /* greeted */
    void (*on_settled)(void *arg); /* a link that was not trusted has proven itself */
    void (*on_answer)(const struct store_answer *answer, void *arg);
    /* The link has ended, or none could be made: what is out never gets an answer. */
    void (*on_end)(enum store_status status, const char *why, void *arg);
    void *arg;
};

struct store_session {
    struct loop *loop;
    struct rng *rng;
    const struct store_settings *settings; /* the owner's */
    struct store_session_events events;
    struct redis_url url;

    struct store_link *link; /* NULL: between two */
    struct resolution *resolution;
    struct timer retry;
    int64_t retry_delay_us;
    struct addresses addresses; /* of url.host; the last ones that were found stay */
    unsigned next_address;      /* advances when one does not work */
    int n_logged;               /* reasons of this outage; 0: there is none */
    char logged[192];           /* the last of them */
    int64_t ready_us;           /* when the link was */
    bool settled;               /* it has delivered a good reply, or has lasted */
    int n_short;                /* links in a row that were ready, but did not settle */
    bool flapping;              /* then being ready proves nothing */
};

/* settings and rng stay. Nothing is dialled before store_session_set_server(). */
void store_session_init(struct store_session *session, struct loop *loop, struct rng *rng,
                        const struct store_settings *settings,
                        const struct store_session_events *events);
void store_session_release(struct store_session *session);

/* The settings name another server, or none: the link ends, and url is dialled on the next turn. */
void store_session_set_server(struct store_session *session, const struct redis_url *url);
/* Abandons the link, calls on_end, and dials another one immediately. */
void store_session_redial(struct store_session *session);
/* A good reply: the link has proven itself, an outage is over. */
void store_session_settle(struct store_session *session);

/* Commands may be sent on session->link. */
bool store_session_ready(const struct store_session *session);
/* The link is ready and trusted: may be reported to others. */
bool store_session_up(const struct store_session *session);

#endif
