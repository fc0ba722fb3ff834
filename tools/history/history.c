/* Runs put, get and erase line by line. */
#include "tools/history/history.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdlib.h>

#include "adrank/decode.h"
#include "base/lines.h"
#include "impression/request_json.h"
#include "impression/time_unit.h"
#include "tools/history/lines.h"
#include "tools/history/link.h"

#define DOUBTS_SHOWN 10 /* lines; the rest are counted */
#define ARENA_BYTES (64 << 10)
#define MAX_LINE_BYTES ((size_t)1 << 20) /* an event is a few kilobytes at most */

struct history {
    const struct options *options;
    FILE *out, *errors;
    struct history_link *link;
    struct arena arena; /* of one line */
    struct buf bytes;   /* of one event or output line */
    struct buf users;   /* of get: ids that await a reply, NUL-terminated, in order */
    size_t users_at;    /* of the next reply */
    uint64_t unknown;   /* keys */
    size_t bad;         /* lines, and stored events */
    size_t doubtful;    /* times that look as if they were not in milliseconds */
};

static void report(struct history *h, const char *text)
{
    fprintf(h->errors, "adrank-history: %s\n", text);
    h->bad++;
}

/* The event is stored anyway: it may be intended. */
static void report_doubt(struct history *h, size_t line, int64_t t_ms)
{
    const char *unit = time_wrong_unit(t_ms);

    if (unit && h->doubtful++ < DOUBTS_SHOWN)
        fprintf(h->errors,
                "adrank-history: line %zu: /t: %" PRId64
                " looks like %s; unix milliseconds are expected\n",
                line, t_ms, unit);
}

/* ---- commands -------------------------------------------------------------------------------- */

static int send_put(struct history *h, size_t line, struct view key, const struct behaviour *event,
                    struct err *err)
{
    char last[24], ttl[24];

    buf_clear(&h->bytes);
    if (behaviour_pack(event, &h->bytes, err))
        return err_prefix(err, "line %zu", line);
    snprintf(last, sizeof(last), "%d", h->options->max_events - 1);
    snprintf(ttl, sizeof(ttl), "%d", h->options->ttl_days * 86400);
    if (history_link_send(h->link, line,
                          (struct view[]){VIEW_LIT("LPUSH"), key, buf_view(&h->bytes)}, 3, err) ||
        history_link_send(h->link, line,
                          (struct view[]){VIEW_LIT("LTRIM"), key, VIEW_LIT("0"), view_of(last)}, 4,
                          err))
        return -1;
    return history_link_send(h->link, line, (struct view[]){VIEW_LIT("EXPIRE"), key, view_of(ttl)},
                             3, err);
}

static int send_get(struct history *h, size_t line, struct view key, struct view user,
                    struct err *err)
{
    const struct view args[] = {VIEW_LIT("LRANGE"), key, VIEW_LIT("0"), VIEW_LIT("-1")};

    if (history_link_send(h->link, line, args, 4, err))
        return -1;
    buf_add(&h->users, user.ptr, user.len);
    buf_add(&h->users, "", 1);
    return buf_failed(&h->users) ? err_set(err, ERR_NOMEM, "out of memory") : 0;
}

/* The profile's key is reserved next to the history's: erasing a user covers both. */
static int send_erase(struct history *h, size_t line, struct view key, struct err *err)
{
    char profile[BEHAVIOUR_KEY_BYTES];
    const struct view args[] = {VIEW_LIT("DEL"), key, {profile, key.len}};

    memcpy(profile, key.ptr, key.len);
    profile[key.len - 1] = 'p';
    return history_link_send(h->link, line, args, 3, err);
}

static int send_line(struct history *h, size_t number, const struct history_line *line,
                     struct err *err)
{
    char pid[BEHAVIOUR_PID_HEX + 1], name[BEHAVIOUR_KEY_BYTES];
    struct view key;

    behaviour_pid(h->options->key, line->user, pid);
    behaviour_redis_key(pid, name);
    key = view_of(name);
    switch (h->options->verb) {
    case HISTORY_PUT:
        report_doubt(h, number, line->event.t_ms);
        return send_put(h, number, key, &line->event, err);
    case HISTORY_GET:
        return send_get(h, number, key, line->user, err);
    default:
        return send_erase(h, number, key, err);
    }
}

/* ---- replies --------------------------------------------------------------------------------- */

static struct view next_user(struct history *h)
{
    struct view user = view_of(h->users.ptr + h->users_at);

    h->users_at += user.len + 1;
    /* The last one; its bytes stay until more are added. */
    if (h->users_at == h->users.len) {
        h->users_at = 0;
        h->users.len = 0;
    }
    return user;
}

/* Oldest first, the order in which put takes them. */
static int print_events(struct history *h, size_t line, struct view user, const redisReply *reply,
                        struct err *err)
{
    if (reply->type != REDIS_REPLY_ARRAY)
        return err_set(err, ERR_UNAVAILABLE, "line %zu: redis: not a list", line);
    buf_clear(&h->bytes);
    for (size_t i = reply->elements; i-- > 0;) {
        const redisReply *item = reply->element[i];
        struct behaviour event;
        struct err bad;

        if (behaviour_unpack((struct view){item->str, item->str ? (size_t)item->len : 0}, &event,
                             &bad)) {
            err_prefix(&bad, "line %zu: event %zu", line, i);
            report(h, bad.text);
            continue;
        }
        behaviour_write_line(&h->bytes, user, &event);
    }
    if (buf_failed(&h->bytes))
        return err_set(err, ERR_NOMEM, "out of memory");
    if (fwrite(buf_str(&h->bytes), 1, h->bytes.len, h->out) != h->bytes.len)
        return err_set_errno(err, ERR_UNAVAILABLE, "output");
    return 0;
}

static int on_reply(void *arg, size_t line, const struct redisReply *reply, struct err *err)
{
    struct history *h = arg;

    if (h->options->verb != HISTORY_GET)
        return 0;
    return print_events(h, line, next_user(h), reply, err);
}

/* ---- lines ----------------------------------------------------------------------------------- */

/* DECODE_PADDING bytes after text are readable. */
static int do_line(struct history *h, size_t number, struct view text, struct err *err)
{
    struct history_line line;
    struct err bad;

    if (view_is_blank(text))
        return 0;
    if (history_line_read(text, number, h->options->verb == HISTORY_PUT, &h->arena, &line,
                          &h->unknown, &bad)) {
        report(h, bad.text);
        return 0;
    }
    return send_line(h, number, &line, err);
}

static int do_lines(struct history *h, FILE *in, struct err *err)
{
    struct buf line = BUF_INIT;
    int rc = 1;

    for (size_t number = 1; rc > 0 && (rc = line_read(in, MAX_LINE_BYTES, &line, err)) != 0;
         number++) {
        if (rc < 0) {
            err_prefix(err, "line %zu", number);
        } else if (!buf_reserve(&line, DECODE_PADDING)) {
            rc = err_set(err, ERR_NOMEM, "out of memory");
        } else {
            memset(line.ptr + line.len, 0, DECODE_PADDING);
            if (do_line(h, number, buf_view(&line), err))
                rc = -1;
            arena_reset(&h->arena, ARENA_BYTES);
        }
    }
    buf_release(&line);
    return rc;
}

int history_run(const struct options *options, FILE *in, FILE *out, FILE *errors, struct err *err)
{
    struct history h = {.options = options, .out = out, .errors = errors};
    int rc = -1;

    if (options->key_warning[0])
        fprintf(errors, "adrank-history: %s\n", options->key_warning);
    arena_init(&h.arena, ARENA_BYTES, 0);
    if (history_link_open(&options->redis, on_reply, &h, &h.link, err) || do_lines(&h, in, err) ||
        history_link_flush(h.link, err))
        goto out;
    if (fflush(out) != 0 || ferror(out)) {
        err_set_errno(err, ERR_UNAVAILABLE, "output");
        goto out;
    }
    if (h.unknown)
        fprintf(errors, "adrank-history: %" PRIu64 " unknown keys ignored\n", h.unknown);
    if (h.doubtful > DOUBTS_SHOWN)
        fprintf(errors, "adrank-history: /t: %zu more lines like these\n",
                h.doubtful - DOUBTS_SHOWN);
    rc = h.bad ? err_set(err, ERR_DATA, "%zu bad lines or events left out", h.bad) : 0;
out:
    history_link_close(h.link);
    buf_release(&h.users);
    buf_release(&h.bytes);
    arena_release(&h.arena);
    return rc;
}
