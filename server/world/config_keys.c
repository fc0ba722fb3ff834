#include "server/world/config_keys.h"

#include <stdbool.h>
#include <string.h>

#define MAX_DEPTH 32

struct key {
    struct view text;
    struct key *next;
};

struct level {
    bool object;
    struct key *keys;
    size_t pointer_len; /* of this level's own pointer */
};

struct scan {
    const char *at, *end;
    struct level levels[MAX_DEPTH];
    int depth;
    char pointer[512];
    struct arena *scratch;
    struct problems *problems;
    bool bad;
};

static struct view scan_string(struct scan *s)
{
    const char *start = ++s->at;

    while (s->at < s->end && *s->at != '"')
        s->at += *s->at == '\\' ? 2 : 1;
    return (struct view){start, (size_t)(s->at++ - start)};
}

static void set_pointer(struct scan *s, struct level *level, struct view name)
{
    size_t room = sizeof(s->pointer) - 1 - level->pointer_len;

    s->pointer[level->pointer_len] = '\0';
    if (name.len + 1 > room)
        return;
    s->pointer[level->pointer_len] = '/';
    memcpy(s->pointer + level->pointer_len + 1, name.ptr, name.len);
    s->pointer[level->pointer_len + 1 + name.len] = '\0';
}

static int take_key(struct scan *s, struct level *level, struct view name)
{
    struct key *key;

    set_pointer(s, level, name);
    for (key = level->keys; key; key = key->next) {
        if (view_eq(key->text, name)) {
            s->bad = true;
            problems_add(s->problems, s->pointer, "key stands twice");
            return 0;
        }
    }
    key = arena_alloc(s->scratch, sizeof(*key));
    if (!key)
        return -1;
    *key = (struct key){name, level->keys};
    level->keys = key;
    return 0;
}

static bool is_key(const struct scan *s)
{
    const char *at = s->at;

    while (at < s->end && strchr(" \t\r\n", *at))
        at++;
    return at < s->end && *at == ':';
}

static int open_level(struct scan *s, bool object)
{
    if (s->depth == MAX_DEPTH)
        return problems_add(s->problems, "", "nested deeper than %d", MAX_DEPTH);
    s->levels[s->depth++] = (struct level){.object = object, .pointer_len = strlen(s->pointer)};
    return 0;
}

int config_check_keys(struct view text, struct arena *scratch, struct problems *problems)
{
    struct scan s = {
        .at = text.ptr, .end = text.ptr + text.len, .scratch = scratch, .problems = problems};

    while (s.at < s.end) {
        struct level *level = s.depth ? &s.levels[s.depth - 1] : NULL;
        struct view string;

        switch (*s.at) {
        case '"':
            string = scan_string(&s);
            if (level && level->object && is_key(&s) && take_key(&s, level, string))
                return -1;
            continue;
        case '{':
        case '[':
            if (open_level(&s, *s.at == '{'))
                return -1;
            break;
        case '}':
        case ']':
            s.pointer[s.levels[--s.depth].pointer_len] = '\0';
            break;
        default:
            break;
        }
        s.at++;
    }
    return s.bad ? -1 : 0;
}
