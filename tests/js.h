/* Texts of JSON without escapes. */
#ifndef TESTS_JS_H
#define TESTS_JS_H

#include <stdarg.h>

#include "base/buf.h"
#include "tests/test.h"

/* An empty buffer, valid for the next dozens of calls here. */
struct buf *js_buf(void);
/* printf with ' for ", as long valid. */
const char *js(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
const char *vjs(const char *fmt, va_list ap);
/* n times the item, commas between; # in it is 0, 1, ... */
const char *js_list(int n, const char *item);

#endif
