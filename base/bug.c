/* Reports the place on stderr and aborts. */
#include "base/bug.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void bug_at(const char *file, int line, const char *fmt, ...)
{
    char text[512];
    int len = snprintf(text, sizeof(text), "BUG %s:%d: ", file, line);
    size_t at = len < 0 ? 0 : (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1;
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text + at, sizeof(text) - at, fmt, ap);
    va_end(ap);
    dprintf(STDERR_FILENO, "%s\n", text);
    abort();
}
