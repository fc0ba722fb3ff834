#include "adrank/behaviour.h"

#include <stdio.h>

#include "base/utf8.h"
#include "impression/behaviour_order.h"

/* ---- the stored form ---- */

static void put_le(char *out, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        out[i] = (char)(v >> (8 * i) & 0xff);
}

static uint64_t get_le(const char *p, int bytes)
{
    uint64_t v = 0;

    for (int i = 0; i < bytes; i++)
        v |= (uint64_t)(unsigned char)p[i] << (8 * i);
    return v;
}

static int check_string(const char *name, struct view s, struct err *err)
{
    if (s.len > BEHAVIOUR_MAX_STRING)
        return err_set(err, ERR_DATA, "%s is longer than %d bytes", name, BEHAVIOUR_MAX_STRING);
    if (s.len && memchr(s.ptr, 0, s.len))
        return err_set(err, ERR_DATA, "%s holds U+0000", name);
    if (!utf8_valid(s))
        return err_set(err, ERR_DATA, "%s is not UTF-8", name);
    return 0;
}

static int check_event(const struct behaviour *event, struct err *err)
{
    if (event->t_ms < 0)
        return err_set(err, ERR_DATA, "t is negative");
    if ((unsigned)event->type >= BEHAVIOUR_TYPES)
        return err_set(err, ERR_DATA, "type is unknown");
    if (event->item.len == 0 && event->text.len == 0)
        return err_set(err, ERR_DATA, "neither item nor text");
    if (check_string("item", event->item, err))
        return -1;
    return check_string("text", event->text, err);
}

int behaviour_pack(const struct behaviour *event, struct buf *out, struct err *err)
{
    char *p;

    if (check_event(event, err))
        return -1;
    p = buf_reserve(out, BEHAVIOUR_HEADER_BYTES + event->item.len + event->text.len);
    if (!p)
        return err_set(err, ERR_NOMEM, "out of memory");
    p[0] = BEHAVIOUR_VERSION;
    p[1] = (char)event->type;
    put_le(p + 2, (uint64_t)event->t_ms, 8);
    put_le(p + 10, event->item.len, 2);
    put_le(p + 12, event->text.len, 2);
    out->len += BEHAVIOUR_HEADER_BYTES;
    buf_add_view(out, event->item);
    buf_add_view(out, event->text);
    return 0;
}

int behaviour_unpack(struct view bytes, struct behaviour *out, struct err *err)
{
    size_t item, text;

    if (bytes.len < BEHAVIOUR_HEADER_BYTES)
        return err_set(err, ERR_DATA, "a stored event is truncated");
    if (bytes.ptr[0] != BEHAVIOUR_VERSION)
        return err_set(err, ERR_DATA, "a stored event is of version %u, not %d",
                       (unsigned char)bytes.ptr[0], BEHAVIOUR_VERSION);
    item = (size_t)get_le(bytes.ptr + 10, 2);
    text = (size_t)get_le(bytes.ptr + 12, 2);
    if (bytes.len != BEHAVIOUR_HEADER_BYTES + item + text)
        return err_set(err, ERR_DATA, "a stored event's length does not fit its strings");
    *out = (struct behaviour){
        .t_ms = (int64_t)get_le(bytes.ptr + 2, 8),
        .type = (enum behaviour_type)(unsigned char)bytes.ptr[1],
        .item = {bytes.ptr + BEHAVIOUR_HEADER_BYTES, item},
        .text = {bytes.ptr + BEHAVIOUR_HEADER_BYTES + item, text},
    };
    return check_event(out, err) ? err_prefix(err, "a stored event") : 0;
}

void behaviour_redis_key(const char pid[BEHAVIOUR_PID_HEX + 1], char key[BEHAVIOUR_KEY_BYTES])
{
    snprintf(key, BEHAVIOUR_KEY_BYTES, "adrank:{u:%.*s}:h", BEHAVIOUR_PID_HEX, pid);
}

/* ---- merge ---- */

static bool same_event(const struct behaviour *a, const struct behaviour *b)
{
    if (a->type != b->type || !view_eq(a->item, b->item))
        return false;
    return a->item.len || view_eq(a->text, b->text);
}

/* Where an event of the same time in out (n) is the same one; -1: nowhere. */
static int find_twin(const struct behaviour *out, int n, const struct behaviour *event)
{
    for (int i = n - 1; i >= 0 && out[i].t_ms == event->t_ms; i--)
        if (same_event(&out[i], event))
            return i;
    return -1;
}

const struct behaviour *behaviour_merge(const struct behaviour *stored, int n_stored,
                                        const struct behaviour *sent, int n_sent, int max_events,
                                        struct arena *arena, int *n_out, bool *truncated)
{
    const struct behaviour **order = behaviour_order(stored, n_stored, sent, n_sent, arena);
    struct behaviour *out = arena_array(arena, (size_t)n_stored + (size_t)n_sent, sizeof(*out));
    int n = 0, cut;

    if (!order || !out)
        return NULL;
    for (int i = 0; i < n_stored + n_sent; i++) {
        int twin = find_twin(out, n, order[i]);

        if (twin < 0)
            out[n++] = *order[i];
        else if (out[twin].text.len == 0)
            out[twin] = *order[i];
    }
    *truncated = n > max_events;
    cut = *truncated ? n - max_events : 0;
    *n_out = n - cut;
    return out + cut;
}
