/*
 * struct err: what went wrong, reported once, where it happened.
 *
 * A function that can fail returns int, 0 or -1, takes a struct err * last, and fills it when it
 * returns -1; on success it leaves it untouched. Calls chain:
 *
 *     if (step_one(self, err) || step_two(self, err))
 *         goto out;
 *
 * The text names the place first ("model.safetensors: tensor x: offsets overlap"). It never holds
 * user ids, bodies or secrets. Owned by the caller, holds no heap memory, may be copied.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>

#define MUST_CHECK __attribute__((warn_unused_result))

/* Values are the exit statuses of CONTRACT 2 where one exists (see err_exit_status). */
enum err_code {
    ERR_NONE = 0,
    ERR_USAGE = 64,       /* the command line */
    ERR_DATA = 65,        /* a model, catalog or input file with bad content */
    ERR_NOINPUT = 66,     /* a file that is missing or unreadable */
    ERR_UNAVAILABLE = 69, /* something needed is unavailable: port, device */
    ERR_INTERNAL = 70,    /* a bug, or an unexpected failure of a library */
    ERR_NOMEM = 71,       /* out of memory, or over a memory limit */
    ERR_CONFIG = 78,      /* the configuration */
};

struct err {
    enum err_code code;
    char text[1024]; /* one line, no newline, NUL-terminated, truncated if need be */
};

/* Fills err and returns -1, so that "return err_set(...)" reads well. */
int err_set(struct err *err, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4), cold));

/* Same, with ": strerror(errno)" appended. Preserves errno. */
int err_set_errno(struct err *err, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4), cold));

/* "who: no thread: ..." for what pthread_create returned. EAGAIN means no memory for its stack, or
 * a limit on threads; the system does not report which. */
int err_set_no_thread(struct err *err, int rc, const char *who) __attribute__((cold));

/* Prepends "prefix: " to the text; returns -1. */
int err_prefix(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3), cold));

/* Exit status of a program that ends with err: the code; ERR_NOMEM ends with 70. */
int err_exit_status(const struct err *err);

#endif
