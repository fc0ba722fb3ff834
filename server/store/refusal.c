/* Error replies as they may be logged. */
#include "server/store/refusal.h"

#include <stdio.h>

static bool holds(struct view text, struct view secret)
{
    return text.len && secret.len && memmem(text.ptr, text.len, secret.ptr, secret.len);
}

static size_t code_length(struct view error)
{
    size_t n = 0;

    while (n < error.len && error.ptr[n] >= 'A' && error.ptr[n] <= 'Z')
        n++;
    return n;
}

static size_t sentence_length(struct view error)
{
    size_t n = 0;

    while (n < error.len && !strchr("'\"`{", error.ptr[n])) /* a NUL ends it, too */
        n++;
    while (n && error.ptr[n - 1] == ' ')
        n--;
    return n;
}

void refusal_text(struct view error, struct view password, char out[REFUSAL_BYTES])
{
    size_t n = holds(error, password) ? code_length(error) : sentence_length(error);

    n = n < REFUSAL_BYTES ? n : REFUSAL_BYTES - 1;
    for (size_t i = 0; i < n; i++)
        out[i] = error.ptr[i] >= ' ' && error.ptr[i] <= '~' ? error.ptr[i] : '?';
    out[n] = '\0';
    if (n == 0 || holds((struct view){out, n}, password))
        snprintf(out, REFUSAL_BYTES, "an error");
}
