/*
 * The first words on a connection: AUTH where there is a password, and SELECT, sent together once it is made. What holds
 * the password is a secret, and hiredis' copy of it is wiped as soon as the kernel has it.
 */
#include <hiredis/sds.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/secret.h"
#include "server/store/link_state.h"
#include "server/store/refusal.h"

#define COMMAND_BYTES 64 /* of a command without its arguments' bytes */

static size_t add_argument(char *at, struct view argument)
{
    size_t n = (size_t)sprintf(at, "$%zu\r\n", argument.len);

    memcpy(at + n, argument.ptr, argument.len);
    memcpy(at + n + argument.len, "\r\n", 2);
    return n + argument.len + 2;
}

static size_t write_auth(char *at, const struct features_link_args *args)
{
    size_t n = (size_t)sprintf(at, "*%d\r\n$4\r\nAUTH\r\n", args->user.len ? 3 : 2);

    if (args->user.len)
        n += add_argument(at + n, args->user);
    return n + add_argument(at + n, args->password);
}

int greeting_write(struct features_link *link, const struct features_link_args *args)
{
    const size_t room = 4 * COMMAND_BYTES + args->user.len + args->password.len;
    char *bytes = secret_alloc(room), database[16];

    if (!bytes)
        return -1;
    link->greeting = (struct view){bytes, room};
    link->auth_len = args->password.len ? write_auth(bytes, args) : 0;
    if (link->auth_len)
        link->password =
            (struct view){bytes + link->auth_len - 2 - args->password.len, args->password.len};
    snprintf(database, sizeof(database), "%d", args->database);
    sprintf(bytes + link->auth_len, "*2\r\n$6\r\nSELECT\r\n$%zu\r\n%s\r\n", strlen(database),
            database);
    return 0;
}

/* What the greeting's command was answered with; false: the link is gone. */
static bool accepted(struct features_link *link, const redisReply *reply, const char *command)
{
    char why[REFUSAL_BYTES + 32], text[REFUSAL_BYTES];

    bounds_reply_ends(link);
    if (reply->type == REDIS_REPLY_STATUS && strcmp(reply->str, "OK") == 0)
        return true;
    if (reply->type == REDIS_REPLY_ERROR) {
        refusal_text((struct view){reply->str, (size_t)reply->len}, link->password, text);
        snprintf(why, sizeof(why), "%s refused: %s", command, text);
        features_link_fail(link, FEATURES_DOWN, why);
    } else {
        snprintf(why, sizeof(why), "nonsense: an answer to %s other than OK", command);
        features_link_fail(link, FEATURES_NONSENSE, why);
    }
    return false;
}

static void on_auth(redisAsyncContext *redis, void *reply, void *privdata)
{
    (void)privdata;
    if (redis->data && reply) /* without a reply on_disconnect follows */
        (void)accepted(redis->data, reply, "AUTH");
}

static void on_select(redisAsyncContext *redis, void *reply, void *privdata)
{
    struct features_link *link = redis->data;

    (void)privdata;
    if (!link || !reply || !accepted(link, reply, "SELECT"))
        return;
    link->ready = true;
    secret_free(&link->greeting);
    link->password = (struct view){0};
    loop_timer_remove(link->loop, &link->timer);
    link->events.on_ready(link, link->events.arg);
}

/* What hiredis has to write goes out now, and does not stay in its memory. What the socket does not take, which for a
 * first write can hardly be, is left to hiredis. */
static void flush_and_wipe(redisContext *c)
{
    const size_t len = sdslen(c->obuf);
    const ssize_t n = send(c->fd, c->obuf, len, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (n <= 0)
        return;
    memmove(c->obuf, c->obuf + n, len - (size_t)n);
    explicit_bzero(c->obuf + len - (size_t)n, (size_t)n);
    sdssetlen(c->obuf, len - (size_t)n);
}

int greeting_send(struct features_link *link)
{
    const char *select = link->greeting.ptr + link->auth_len;
    int rc = 0;

    if (link->auth_len) {
        rc |= redisAsyncFormattedCommand(link->redis, on_auth, NULL, link->greeting.ptr,
                                         link->auth_len);
        link->owed++;
    }
    rc |= redisAsyncFormattedCommand(link->redis, on_select, NULL, select, strlen(select));
    link->owed++;
    if (rc == REDIS_OK)
        flush_and_wipe(&link->redis->c);
    return rc == REDIS_OK ? 0 : -1;
}
