/* Pipelines commands to Redis and reads replies in order. */
#include "tools/history/link.h"

#include <hiredis/hiredis.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"

#define PIPELINE 512 /* commands in flight */
#define TIMEOUT_S 10
#define MAX_ARGS 4

struct history_link {
    redisContext *redis;
    history_link_reply_fn on_reply;
    void *arg;
    size_t lines[PIPELINE];
    int out;
};

static int broken(const struct history_link *link, struct err *err)
{
    return err_set(err, ERR_UNAVAILABLE, "redis: %s",
                   link->redis->err ? link->redis->errstr : "no reply");
}

/* A single command, while connecting. */
__attribute__((format(printf, 3, 4))) static int call(struct history_link *link, struct err *err,
                                                      const char *fmt, ...)
{
    redisReply *reply;
    va_list args;
    int rc = 0;

    va_start(args, fmt);
    reply = redisvCommand(link->redis, fmt, args);
    va_end(args);
    if (!reply)
        return broken(link, err);
    if (reply->type == REDIS_REPLY_ERROR)
        rc = err_set(err, ERR_UNAVAILABLE, "redis: %.*s: %s", (int)strcspn(fmt, " "), fmt,
                     reply->str);
    freeReplyObject(reply);
    return rc;
}

static int authenticate(struct history_link *link, const struct redis_url *url, struct err *err)
{
    if (*url->user)
        return call(link, err, "AUTH %s %s", url->user, url->password);
    return *url->password ? call(link, err, "AUTH %s", url->password) : 0;
}

int history_link_open(const struct redis_url *url, history_link_reply_fn on_reply, void *arg,
                      struct history_link **out, struct err *err)
{
    struct timeval timeout = {.tv_sec = TIMEOUT_S};
    struct history_link *link = calloc(1, sizeof(*link));

    if (!link)
        return err_set(err, ERR_NOMEM, "out of memory");
    link->on_reply = on_reply;
    link->arg = arg;
    link->redis = url->is_unix ? redisConnectUnixWithTimeout(url->host, timeout)
                               : redisConnectWithTimeout(url->host, url->port, timeout);
    if (!link->redis) {
        err_set(err, ERR_NOMEM, "out of memory");
        goto fail;
    }
    if (link->redis->err || redisSetTimeout(link->redis, timeout) != REDIS_OK) {
        err_set(err, ERR_UNAVAILABLE, "redis: %s: %s", url->host, link->redis->errstr);
        goto fail;
    }
    if (authenticate(link, url, err) || (url->db && call(link, err, "SELECT %d", url->db)))
        goto fail;
    *out = link;
    return 0;
fail:
    history_link_close(link);
    return -1;
}

void history_link_close(struct history_link *link)
{
    if (!link)
        return;
    if (link->redis)
        redisFree(link->redis);
    free(link);
}

static int take_reply(struct history_link *link, size_t line, struct err *err)
{
    redisReply *reply = NULL;
    int rc;

    if (redisGetReply(link->redis, (void **)&reply) != REDIS_OK || !reply)
        return broken(link, err);
    if (reply->type == REDIS_REPLY_ERROR)
        rc = err_set(err, ERR_UNAVAILABLE, "line %zu: redis: %s", line, reply->str);
    else
        rc = link->on_reply(link->arg, line, reply, err);
    freeReplyObject(reply);
    return rc;
}

int history_link_flush(struct history_link *link, struct err *err)
{
    int n = link->out;

    link->out = 0;
    for (int i = 0; i < n; i++)
        if (take_reply(link, link->lines[i], err))
            return -1;
    return 0;
}

int history_link_send(struct history_link *link, size_t line, const struct view *args, int n_args,
                      struct err *err)
{
    const char *argv[MAX_ARGS];
    size_t lens[MAX_ARGS];

    BUG_ON(n_args > MAX_ARGS);
    if (link->out == PIPELINE && history_link_flush(link, err))
        return -1;
    for (int i = 0; i < n_args; i++) {
        argv[i] = args[i].ptr;
        lens[i] = args[i].len;
    }
    if (redisAppendCommandArgv(link->redis, n_args, argv, lens) != REDIS_OK)
        return broken(link, err);
    link->lines[link->out++] = line;
    return 0;
}
