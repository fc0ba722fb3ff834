/*
 * Texts that a test writes in passing: JSON with ' for ". Each is valid for the next dozens of
 * calls of all these.
 */
#ifndef TESTS_JS_H
#define TESTS_JS_H

#include <stdarg.h>

#include "base/buf.h"
#include "tests/test.h"

/* printf with ' for ". */
const char *js(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
const char *vjs(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));
/* n times the item, with ' for "; # in it is 0, 1, ... */
const char *js_repeat(int n, const char *item);
const char *js_list(int n, const char *item); /* commas between */
/* An empty one for any other text. */
struct buf *js_buf(void);

#endif
