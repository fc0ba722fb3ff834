/* Packs, unpacks and merges behaviour. */
#include "adrank/behaviour.h"

#include <stdio.h>

#include "base/utf8.h"
#include "impression/behaviour_order.h"
#include "impression/behaviour_twins.h"

/* ---- the stored form ------------------------------------------------------------------------- */

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
        return err_set(err, ERR_DATA, "%s contains U+0000", name);
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
        return err_set(err, ERR_DATA, "a stored event has version %u, not %d",
                       (unsigned char)bytes.ptr[0], BEHAVIOUR_VERSION);
    item = (size_t)get_le(bytes.ptr + 10, 2);
    text = (size_t)get_le(bytes.ptr + 12, 2);
    if (bytes.len != BEHAVIOUR_HEADER_BYTES + item + text)
        return err_set(err, ERR_DATA, "a stored event's length does not match its strings");
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

/* ---- merge ----------------------------------------------------------------------------------- */

/* order (n), oldest first, without duplicates. Returns how many are left, -1 when out of memory. */
static int drop_twins(const struct behaviour **order, int n, struct arena *arena)
{
    int kept = 0;

    for (int at = 0, end; at < n; at = end) {
        int group = 1;

        for (end = at + 1; end < n && order[end]->t_ms == order[at]->t_ms; end++)
            ;
        if (end - at > 1)
            group = behaviour_drop_twins(order + at, end - at, arena);
        if (group < 0)
            return -1;
        for (int i = 0; i < group; i++)
            order[kept++] = order[at + i];
    }
    return kept;
}

const struct behaviour *behaviour_merge(const struct behaviour *stored, int n_stored,
                                        const struct behaviour *sent, int n_sent, int max_events,
                                        struct arena *arena, int *n_out, bool *truncated)
{
    const struct behaviour **order = behaviour_order(stored, n_stored, sent, n_sent, arena);
    int n = order ? drop_twins(order, n_stored + n_sent, arena) : -1;
    struct behaviour *out;
    int cut;

    if (n < 0)
        return NULL;
    *truncated = n > max_events;
    cut = *truncated ? n - max_events : 0;
    *n_out = n - cut;
    out = arena_array(arena, (size_t)*n_out, sizeof(*out));
    for (int i = 0; out && i < *n_out; i++)
        out[i] = *order[cut + i];
    return out;
}
