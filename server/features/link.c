#include "server/features/link.h"

#include <hiredis/adapters/libevent.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "base/clock.h"

#define MAX_ELEMENTS 65536 /* of a reply: sixteen times what is ever asked for */

#if HIREDIS_MAJOR >= 1
typedef size_t elements_t;
#else
typedef int elements_t;
#endif

struct features_link {
    struct loop *loop;
    redisAsyncContext *redis; /* its data is the link, NULL once let go */
    bool ready;
    struct timer timer; /* connect_ms */
    struct features_link_events events;
    int greetings;                             /* AUTH and SELECT that are not answered */
    redisReplyObjectFunctions *plain, bounded; /* what hiredis makes replies with; see below */
};

/* A dozen bytes that announce a reply of 10^9 elements would cost hiredis gigabytes and seconds of the loop. */
static void *create_array(const redisReadTask *task, elements_t n)
{
    const struct features_link *link = task->privdata;

    return n > MAX_ELEMENTS ? NULL : link->plain->createArray(task, n);
}

static void bound_replies(struct features_link *link)
{
    redisReader *reader = link->redis->c.reader;

    link->plain = reader->fn;
    link->bounded = *reader->fn;
    link->bounded.createArray = create_array;
    reader->fn = &link->bounded;
    reader->privdata = link;
}

/* hiredis calls back while it frees, and sometimes frees by itself: from here on it no longer knows the link. */
static void let_go(struct features_link *link, bool hiredis_frees)
{
    redisAsyncContext *redis = link->redis;

    link->redis = NULL;
    loop_timer_remove(link->loop, &link->timer);
    redis->data = NULL;
    redis->c.reader->fn = link->plain;
    if (!hiredis_frees)
        redisAsyncFree(redis);
}

static void end(struct features_link *link, const char *why, bool hiredis_frees)
{
    let_go(link, hiredis_frees);
    link->events.on_end(link, why, link->events.arg);
    free(link);
}

static void on_greeting(redisAsyncContext *redis, void *raw, void *privdata)
{
    struct features_link *link = redis->data;
    const redisReply *reply = raw;

    (void)privdata;
    if (!link || !reply) /* without a reply on_disconnect follows */
        return;
    if (reply->type == REDIS_REPLY_ERROR) {
        end(link, "AUTH or SELECT was refused", false);
        return;
    }
    if (--link->greetings > 0)
        return;
    link->ready = true;
    loop_timer_remove(link->loop, &link->timer);
    link->events.on_ready(link, link->events.arg);
}

static int greet(struct features_link *link, const struct features_link_args *args)
{
    const char *argv[3] = {"AUTH"};
    size_t lens[3] = {4};
    char database[16];
    int n = 1, rc = 0;

    if (args->password.len) {
        if (args->user.len) {
            argv[n] = args->user.ptr;
            lens[n++] = args->user.len;
        }
        argv[n] = args->password.ptr;
        lens[n++] = args->password.len;
        link->greetings++;
        rc |= redisAsyncCommandArgv(link->redis, on_greeting, NULL, n, argv, lens);
    }
    snprintf(database, sizeof(database), "%d", args->database);
    link->greetings++;
    rc |= redisAsyncCommandArgv(link->redis, on_greeting, NULL, 2,
                                (const char *[]){"SELECT", database},
                                (size_t[]){6, strlen(database)});
    return rc;
}

static void on_connect(const redisAsyncContext *redis, int status)
{
    struct features_link *link = redis->data;
    int one = 1;

    if (!link)
        return;
    if (status != REDIS_OK)
        end(link, "cannot connect", true);
    else
        /* UNIX sockets refuse. */
        setsockopt(redis->c.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static void on_disconnect(const redisAsyncContext *redis, int status)
{
    (void)status;
    if (redis->data)
        end(redis->data, "the connection ended", true);
}

static void on_timer(struct timer *timer, void *arg)
{
    (void)timer;
    end(arg, "connecting took too long", false);
}

static redisAsyncContext *dial(const struct features_link_args *args)
{
    if (args->url->is_unix)
        return redisAsyncConnectUnix(args->url->host);
    return redisAsyncConnect(args->address, args->url->port);
}

struct features_link *features_link_open(const struct features_link_args *args, const char **why)
{
    struct features_link *link = calloc(1, sizeof(*link));

    *why = "out of memory";
    if (!link)
        return NULL;
    link->loop = args->loop;
    link->events = args->events;
    timer_init(&link->timer, on_timer, link);
    link->redis = dial(args);
    if (!link->redis || link->redis->err) {
        *why = "cannot connect";
        goto fail;
    }
    bound_replies(link);
    if (redisLibeventAttach(link->redis, loop_base(args->loop)) != REDIS_OK)
        goto fail;
    /* The greeting is queued at once: it goes out with the connection's first write. */
    if (greet(link, args))
        goto fail;
    link->redis->data = link;
    redisAsyncSetConnectCallback(link->redis, on_connect);
    redisAsyncSetDisconnectCallback(link->redis, on_disconnect);
    loop_timer_set(link->loop, &link->timer, clock_now_us() + args->connect_ms * 1000LL);
    return link;
fail:
    if (link->redis) {
        if (link->plain)
            link->redis->c.reader->fn = link->plain;
        redisAsyncFree(link->redis); /* data is NULL: nobody is told */
    }
    free(link);
    return NULL;
}

bool features_link_ready(const struct features_link *link)
{
    return link->ready;
}

bool features_link_unread(const struct features_link *link)
{
    int n = 0;

    return ioctl(link->redis->c.fd, FIONREAD, &n) == 0 && n > 0;
}

static void on_reply(redisAsyncContext *redis, void *raw, void *privdata)
{
    struct features_link *link = redis->data;

    if (link && raw)
        link->events.on_reply(link, (uint64_t)(uintptr_t)privdata, raw, link->events.arg);
}

int features_link_send(struct features_link *link, struct view command, uint64_t token)
{
    if (redisAsyncFormattedCommand(link->redis, on_reply, (void *)(uintptr_t)token, command.ptr,
                                   command.len) != REDIS_OK)
        return -1;
    return 0;
}

void features_link_close(struct features_link *link)
{
    if (!link)
        return;
    let_go(link, false);
    free(link);
}
