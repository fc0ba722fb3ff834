#include "server/store/link.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "base/clock.h"
#include "base/secret.h"
#include "server/store/link_state.h"

/* ---- its end --------------------------------------------------------------------------------------- */

/* hiredis calls back while it frees, and sometimes frees by itself: from here on it no longer knows the link. */
static void let_go(struct features_link *link, bool hiredis_frees)
{
    redisAsyncContext *redis = link->redis;

    link->redis = NULL;
    if (link->freed)
        *link->freed = true;
    loop_timer_remove(link->loop, &link->timer);
    loop_watch_release(&link->reads);
    loop_watch_release(&link->writes);
    secret_free(&link->greeting);
    bounds_return(link, link->charged_bytes);
    redis->data = NULL;
    memset(&redis->ev, 0, sizeof(redis->ev));
    if (link->plain)
        redis->c.reader->fn = link->plain;
    if (!hiredis_frees)
        redisAsyncFree(redis);
}

static void end(struct features_link *link, enum features_status status, const char *why,
                bool hiredis_frees)
{
    let_go(link, hiredis_frees);
    link->events.on_end(link, status, why, link->events.arg);
    free(link);
}

void features_link_fail(struct features_link *link, enum features_status status, const char *why)
{
    end(link, status, why, false);
}

void features_link_close(struct features_link *link)
{
    if (!link)
        return;
    let_go(link, false);
    free(link);
}

static void on_timer(struct timer *timer, void *arg)
{
    struct features_link *link = arg;

    (void)timer;
    end(link, FEATURES_DOWN, link->greeting_failed ? "out of memory" : "connecting took too long",
        false);
}

/* ---- events, from the loop to hiredis -------------------------------------------------------------- */

static void on_readable(struct loop_watch *watch, unsigned ready, void *arg)
{
    struct features_link *link = arg;
    bool freed = false;
    const char *why;

    (void)watch;
    (void)ready;
    link->freed = &freed;
    redisAsyncHandleRead(link->redis);
    if (freed)
        return;
    link->freed = NULL;
    why = bounds_check(link);
    if (why)
        end(link, bounds_status(why), why, false);
}

static void on_writable(struct loop_watch *watch, unsigned ready, void *arg)
{
    struct features_link *link = arg;

    (void)watch;
    (void)ready;
    redisAsyncHandleWrite(link->redis);
}

/* A watch that the kernel refuses leaves a link on which nothing happens: its calls are late, and it is made anew. */
static void add_read(void *arg)
{
    struct features_link *link = arg;

    (void)!loop_watch_set(&link->reads, link->redis->c.fd, LOOP_READ);
}

static void del_read(void *arg)
{
    struct features_link *link = arg;

    (void)!loop_watch_set(&link->reads, link->redis->c.fd, 0);
}

static void add_write(void *arg)
{
    struct features_link *link = arg;

    (void)!loop_watch_set(&link->writes, link->redis->c.fd, LOOP_WRITE);
}

static void del_write(void *arg)
{
    struct features_link *link = arg;

    (void)!loop_watch_set(&link->writes, link->redis->c.fd, 0);
}

static void clean_up(void *arg)
{
    del_read(arg);
    del_write(arg);
}

static int attach(struct features_link *link, struct err *err)
{
    redisAsyncContext *redis = link->redis;

    if (loop_watch_init(&link->reads, link->loop, on_readable, link, err) ||
        loop_watch_init(&link->writes, link->loop, on_writable, link, err))
        return -1;
    redis->ev.data = link;
    redis->ev.addRead = add_read;
    redis->ev.delRead = del_read;
    redis->ev.addWrite = add_write;
    redis->ev.delWrite = del_write;
    redis->ev.cleanup = clean_up;
    return 0;
}

/* ---- its beginning --------------------------------------------------------------------------------- */

/* hiredis' texts are of its own and of the system's. */
static void on_connect(const redisAsyncContext *redis, int status)
{
    struct features_link *link = redis->data;
    char why[192];
    int one = 1;

    if (!link)
        return;
    if (status != REDIS_OK) {
        snprintf(why, sizeof(why), "cannot connect: %s", redis->c.errstr);
        end(link, FEATURES_DOWN, why, true);
        return;
    }
    setsockopt(redis->c.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* UNIX sockets refuse */
    if (greeting_send(link) == 0)
        return;
    /* Not from within: hiredis still uses what would be freed. */
    link->greeting_failed = true;
    loop_timer_set(link->loop, &link->timer, clock_now_us());
}

static void on_disconnect(const redisAsyncContext *redis, int status)
{
    struct features_link *link = redis->data;
    const bool nonsense = redis->c.err == REDIS_ERR_PROTOCOL;
    char why[192];

    (void)status;
    if (!link)
        return;
    if (link->broken) {
        end(link, bounds_status(link->broken), link->broken, true);
        return;
    }
    snprintf(why, sizeof(why), "%s: %s", nonsense ? "nonsense" : "the connection ended",
             redis->c.errstr);
    end(link, nonsense ? FEATURES_NONSENSE : FEATURES_DOWN, why, true);
}

static redisAsyncContext *dial(const struct features_link_args *args)
{
    if (args->url->is_unix)
        return redisAsyncConnectUnix(args->url->host);
    return redisAsyncConnect(args->address, args->url->port);
}

static int prepare(struct features_link *link, const struct features_link_args *args,
                   struct err *err)
{
    link->redis = dial(args);
    if (!link->redis)
        return err_set(err, ERR_NOMEM, "out of memory");
    if (link->redis->err)
        return err_set(err, ERR_UNAVAILABLE, "cannot connect: %s", link->redis->errstr);
    bounds_set(link, args->max_elements);
    if (attach(link, err))
        return -1;
    return greeting_write(link, args) ? err_set(err, ERR_NOMEM, "out of memory") : 0;
}

int features_link_open(const struct features_link_args *args, struct features_link **out,
                       struct err *err)
{
    struct features_link *link = calloc(1, sizeof(*link));

    if (!link)
        return err_set(err, ERR_NOMEM, "out of memory");
    link->loop = args->loop;
    link->events = args->events;
    link->memory = args->memory;
    timer_init(&link->timer, on_timer, link);
    if (prepare(link, args, err)) {
        if (link->redis)
            let_go(link, false);
        free(link);
        return -1;
    }
    link->redis->data = link;
    redisAsyncSetConnectCallback(link->redis, on_connect);
    redisAsyncSetDisconnectCallback(link->redis, on_disconnect);
    loop_timer_set(link->loop, &link->timer, clock_now_us() + args->connect_ms * 1000LL);
    *out = link;
    return 0;
}

/* ---- its use --------------------------------------------------------------------------------------- */

bool features_link_ready(const struct features_link *link)
{
    return link->ready;
}

bool features_link_unread(const struct features_link *link)
{
    int n = 0;

    return ioctl(link->redis->c.fd, FIONREAD, &n) == 0 && n > 0;
}

size_t features_link_held(const struct features_link *link)
{
    const redisReader *reader = link->redis->c.reader;

    return link->object_bytes + reader->len - reader->pos;
}

static void on_reply(redisAsyncContext *redis, void *raw, void *privdata)
{
    struct features_link *link = redis->data;

    if (!link || !raw)
        return;
    bounds_reply_ends(link);
    link->events.on_reply(link, (uint64_t)(uintptr_t)privdata, raw, link->events.arg);
}

int features_link_send(struct features_link *link, struct view command, int max_elements,
                       uint64_t token)
{
    if (redisAsyncFormattedCommand(link->redis, on_reply, (void *)(uintptr_t)token, command.ptr,
                                   command.len) != REDIS_OK)
        return -1;
    if (max_elements > link->max_elements)
        bounds_set(link, max_elements);
    link->owed++;
    return 0;
}
