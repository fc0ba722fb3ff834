/* A broken invariant of our own: never input, never the environment. */
#ifndef BASE_BUG_H
#define BASE_BUG_H

/* Reports where and why on stderr and aborts; outside main.c, the only way to end the process. */
#define BUG(...) bug_at(__FILE__, __LINE__, __VA_ARGS__)
#define BUG_ON(cond)                                                                               \
    do {                                                                                           \
        if (__builtin_expect(!!(cond), 0))                                                         \
            BUG("%s", #cond);                                                                      \
    } while (0)

_Noreturn void bug_at(const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4), cold));

#endif
