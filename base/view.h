/* struct view: bytes owned elsewhere. Not NUL-terminated; ptr may be NULL when len is 0. */
#ifndef BASE_VIEW_H
#define BASE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct view {
    const char *ptr;
    size_t len; /* bytes */
};

/* A list of them. */
struct views {
    const struct view *items;
    int n;
};

#define VIEW_LIT(s) ((struct view){(s), sizeof(s) - 1})
/* For printf's "%.*s". */
#define VIEW_ARG(v) (int)(v).len, (v).ptr

static inline struct view view_of(const char *s)
{
    return (struct view){s, s ? strlen(s) : 0};
}

static inline bool view_eq(struct view a, struct view b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool view_is(struct view a, const char *s)
{
    return view_eq(a, view_of(s));
}

static inline bool view_is_ascii(struct view v)
{
    unsigned char all = 0;

    for (size_t i = 0; i < v.len; i++)
        all |= (unsigned char)v.ptr[i];
    return all < 0x80;
}

/* Nothing but blanks, tabs and carriage returns: a line to skip. */
static inline bool view_is_blank(struct view v)
{
    for (size_t i = 0; i < v.len; i++)
        if (v.ptr[i] != ' ' && v.ptr[i] != '\t' && v.ptr[i] != '\r')
            return false;
    return true;
}

/* Without blanks and tabs at either end. */
static inline struct view view_trim(struct view v)
{
    while (v.len && (v.ptr[0] == ' ' || v.ptr[0] == '\t'))
        v = (struct view){v.ptr + 1, v.len - 1};
    while (v.len && (v.ptr[v.len - 1] == ' ' || v.ptr[v.len - 1] == '\t'))
        v.len--;
    return v;
}

/* The part before the first `mark`, what follows it in *after; without a mark all of it, and
 * after's ptr is NULL. */
static inline struct view view_cut(struct view v, char mark, struct view *after)
{
    const char *at = v.len ? (const char *)memchr(v.ptr, mark, v.len) : NULL;

    *after = (struct view){NULL, 0};
    if (!at)
        return v;
    *after = (struct view){at + 1, (size_t)(v.ptr + v.len - at) - 1};
    return (struct view){v.ptr, (size_t)(at - v.ptr)};
}

/* Equal, ignoring the case of ASCII letters, independent of the locale: for HTTP names and
 * currencies. */
static inline bool view_eq_nocase(struct view a, struct view b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        unsigned char x = (unsigned char)a.ptr[i], y = (unsigned char)b.ptr[i], lower = x | 0x20;

        if (x != y && ((x ^ y) != 0x20 || lower < 'a' || lower > 'z'))
            return false;
    }
    return true;
}

static inline bool view_is_nocase(struct view a, const char *s)
{
    return view_eq_nocase(a, view_of(s));
}

/* Byte order, shorter first on a common prefix; < 0, 0, > 0 as memcmp. */
static inline int view_cmp(struct view a, struct view b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.ptr, b.ptr, n) : 0;
    return c ? c : (a.len > b.len) - (a.len < b.len);
}

#endif
