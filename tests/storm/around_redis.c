/* Changes, pauses and kills the Redis of a storm. */
#include <hiredis/hiredis.h>
#include <unistd.h>

#include "tests/storm/around.h"

#define MAX_KEYS 16

/* The daemon's keys and their initial values. */
struct kept {
    char key[MAX_KEYS][128];
    struct buf dump[MAX_KEYS];
    int n;
};

static redisContext *connect_to(const struct storm *storm)
{
    struct timeval patience = {5, 0};
    redisContext *c = redisConnectWithTimeout("127.0.0.1", storm->redis->port, patience);

    if (!c || c->err) {
        redisFree(c);
        return NULL;
    }
    redisSetTimeout(c, patience);
    freeReplyObject(redisCommand(c, "AUTH %s", STORM_PASSWORD));
    return c;
}

static redisReply *ask(redisContext *c, const char *format, ...)
{
    redisReply *reply;
    va_list args;

    va_start(args, format);
    reply = redisvCommand(c, format, args);
    va_end(args);
    return reply;
}

static void keep(redisContext *c, struct kept *kept)
{
    redisReply *keys = ask(c, "KEYS *");

    for (size_t i = 0; keys && i < keys->elements && kept->n < MAX_KEYS; i++) {
        redisReply *dump = ask(c, "DUMP %s", keys->element[i]->str);

        if (dump && dump->type == REDIS_REPLY_STRING) {
            snprintf(kept->key[kept->n], sizeof(kept->key[0]), "%s", keys->element[i]->str);
            buf_add(&kept->dump[kept->n++], dump->str, dump->len);
        }
        freeReplyObject(dump);
    }
    freeReplyObject(keys);
}

static void restore(redisContext *c, const struct kept *kept, int i)
{
    freeReplyObject(
        ask(c, "RESTORE %s 0 %b REPLACE", kept->key[i], kept->dump[i].ptr, kept->dump[i].len));
}

/* An event of the list with some bytes changed, or random bytes. */
static void push_garbage(redisContext *c, const char *key, struct rng *rng)
{
    char bytes[4096];
    redisReply *head = ask(c, "LINDEX %s 0", key);
    size_t n = (size_t)storm_below(rng, sizeof(bytes));

    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)rng_u64(rng);
    if (head && head->type == REDIS_REPLY_STRING && head->len < sizeof(bytes) && head->len &&
        !storm_one_in(rng, 3)) {
        n = head->len;
        memcpy(bytes, head->str, n);
        bytes[storm_below(rng, (int)n)] ^= (char)(1 << storm_below(rng, 8));
        if (storm_one_in(rng, 3))
            n = (size_t)storm_below(rng, (int)n);
    }
    freeReplyObject(head);
    freeReplyObject(ask(c, "LPUSH %s %b", key, bytes, n));
}

static void change_key(redisContext *c, const struct kept *kept, struct rng *rng)
{
    int i = storm_below(rng, kept->n);
    const char *key = kept->key[i];

    switch (storm_below(rng, 8)) {
    case 0:
        freeReplyObject(ask(c, "DEL %s", key));
        return;
    case 1:
        freeReplyObject(ask(c, "SET %s text", key));
        return;
    case 2:
        freeReplyObject(ask(c, "DEL %s", key));
        freeReplyObject(ask(c, "HSET %s field value", key));
        return;
    case 3:
    case 4:
        push_garbage(c, key, rng);
        return;
    case 5:
        freeReplyObject(ask(c, "LPUSH %s %s", key, ""));
        return;
    default:
        restore(c, kept, i);
    }
}

/* Complete outages. Afterwards Redis is back, with its password. */
static redisContext *outage(struct storm *storm, redisContext *c, const struct kept *kept,
                            struct rng *rng)
{
    switch (storm_below(rng, 6)) {
    case 0:
        redis_pause(storm->redis);
        usleep(1000U * (unsigned)storm_below(rng, 300));
        redis_resume(storm->redis);
        return c;
    case 1:
        freeReplyObject(ask(c, "CLIENT KILL TYPE normal SKIPME yes"));
        return c;
    case 2:
        freeReplyObject(ask(c, "CLIENT PAUSE %d", storm_below(rng, 100)));
        return c;
    case 3: /* the daemon's password is wrong for a while */
        freeReplyObject(ask(c, "CONFIG SET requirepass other"));
        freeReplyObject(ask(c, "CLIENT KILL TYPE normal SKIPME yes"));
        usleep(1000U * (unsigned)storm_below(rng, 200));
        freeReplyObject(ask(c, "CONFIG SET requirepass %s", STORM_PASSWORD));
        return c;
    case 4:
        redisFree(c);
        redis_kill(storm->redis);
        usleep(1000U * (unsigned)storm_below(rng, 500));
        redis_restart(storm->redis);
        c = connect_to(storm);
        for (int i = 0; c && i < kept->n; i++)
            restore(c, kept, i);
        if (c)
            freeReplyObject(ask(c, "CONFIG SET requirepass %s", STORM_PASSWORD));
        return c;
    default:
        return c;
    }
}

void *around_redis(void *arg)
{
    struct storm *storm = arg;
    struct kept kept = {0};
    redisContext *c = connect_to(storm);
    struct rng rng;

    rng_init(&rng, storm->seed ^ 0x6564);
    if (c)
        keep(c, &kept);
    if (!kept.n)
        storm_fail(storm, "Redis holds no keys");
    while (storm_goes_on(storm) && c) {
        change_key(c, &kept, &rng);
        if (storm_one_in(&rng, 500))
            c = outage(storm, c, &kept, &rng);
        if (!c || c->err) {
            redisFree(c);
            c = connect_to(storm);
        }
        usleep(5000);
    }
    if (!c && !atomic_load(&storm->failed))
        storm_fail(storm, "Redis does not come back");
    for (int i = 0; c && i < kept.n; i++)
        restore(c, &kept, i);
    redisFree(c);
    for (int i = 0; i < kept.n; i++)
        buf_release(&kept.dump[i]);
    return NULL;
}
