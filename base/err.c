/* Fills, prefixes and truncates error texts. */
#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/printable.h"

__attribute__((format(printf, 2, 0))) static void format(struct err *err, const char *fmt,
                                                         va_list ap)
{
    if (vsnprintf(err->text, sizeof(err->text), fmt, ap) < 0)
        err->text[0] = 0;
    /* Texts end up in log lines and terminals, and parts of them come from files. */
    printable_blank(err->text);
}

static void append(struct err *err, const char *sep, const char *s)
{
    size_t len = strlen(err->text);

    snprintf(err->text + len, sizeof(err->text) - len, "%s%s", sep, s);
    printable_blank(err->text); /* a character may have been cut */
}

int err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    format(err, fmt, ap);
    va_end(ap);
    err->code = code;
    return -1;
}

int err_set_errno(struct err *err, enum err_code code, const char *fmt, ...)
{
    int saved = errno;
    char reason[128];
    va_list ap;

    va_start(ap, fmt);
    format(err, fmt, ap);
    va_end(ap);
    err->code = code;
    append(err, ": ", strerror_r(saved, reason, sizeof(reason)));
    errno = saved;
    return -1;
}

int err_set_no_thread(struct err *err, int rc, const char *who)
{
    char reason[128];

    if (rc == EAGAIN || rc == ENOMEM)
        return err_set(err, ERR_UNAVAILABLE,
                       "%s: no thread: out of memory for its stack, or over a limit on threads",
                       who);
    return err_set(err, ERR_UNAVAILABLE, "%s: no thread: %s", who,
                   strerror_r(rc, reason, sizeof(reason)));
}

int err_prefix(struct err *err, const char *fmt, ...)
{
    struct err old = *err;
    va_list ap;

    va_start(ap, fmt);
    format(err, fmt, ap);
    va_end(ap);
    append(err, ": ", old.text);
    return -1;
}

int err_exit_status(const struct err *err)
{
    return err->code == ERR_NOMEM ? ERR_INTERNAL : (int)err->code;
}
