/*
 * A real redis-server of one's own, on a free port of 127.0.0.1 and on a UNIX socket, in a folder
 * that goes with it. It ends with the test program, however that ends. Linux only.
 *
 *     struct redis redis;
 *     redis_start(&redis, NULL);
 *     ...
 *     redis_stop(&redis);
 */
#ifndef TESTS_REDIS_H
#define TESTS_REDIS_H

#include <sys/types.h>

struct redis {
    pid_t pid; /* 0: not running */
    int port;
    char url[32]; /* redis://127.0.0.1:PORT */
    char dir[64];
    char socket[96];
};

/* extra: further arguments ("--requirepass", "x", NULL) or NULL. Returns when it answers.
 * SKIPs the test without a redis-server to start; one that does not come up fails it. */
void redis_start(struct redis *redis, const char *const *extra);
/* Ends it (SIGTERM, waited for) and removes its folder; may be called again and after redis_kill.
 */
void redis_stop(struct redis *redis);
/* Runs commands, one a line ("SET a b\r\nGET a"), and returns the replies as they came; valid until
 * the next call. */
const char *redis_say(const struct redis *redis, const char *commands);
/* The only key that is stored; valid as long. FAILs when there is another number of them. */
const char *redis_only_key(const struct redis *redis);

/* Faults. */
void redis_pause(struct redis *redis);   /* SIGSTOP: accepts connections, answers nothing */
void redis_resume(struct redis *redis);  /* SIGCONT */
void redis_kill(struct redis *redis);    /* SIGKILL, waited for */
void redis_restart(struct redis *redis); /* after redis_kill: the same port and socket, empty */

#endif
