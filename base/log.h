/*
 * One line per event, logfmt:
 *
 *     ts=2026-01-31T12:00:00.123Z level=info event=ready addr=127.0.0.1:8080 ...
 *
 * Any thread. A line is formatted on the stack (at most 4 KiB, then cut, with "cut=1") and written
 * immediately. A full pipe, terminal or socket is never waited for: the line is dropped and
 * counted; the caller's descriptor keeps its own flags, since others may share it. Values are
 * quoted and escaped as needed; a newline cannot get into a line. User ids are never logged.
 *
 *     log_info("listening", LOG_STR("addr", text), LOG_INT("backlog", n));
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

enum log_type { LOG_TYPE_VIEW, LOG_TYPE_INT, LOG_TYPE_DOUBLE };

struct log_field {
    const char *key;
    enum log_type type;
    struct view view;
    int64_t integer;
    double number;
};

#define LOG_STR(k, s) ((struct log_field){.key = (k), .type = LOG_TYPE_VIEW, .view = view_of(s)})
#define LOG_VIEW(k, v) ((struct log_field){.key = (k), .type = LOG_TYPE_VIEW, .view = (v)})
#define LOG_INT(k, i)                                                                              \
    ((struct log_field){.key = (k), .type = LOG_TYPE_INT, .integer = (int64_t)(i)})
#define LOG_NUM(k, d) ((struct log_field){.key = (k), .type = LOG_TYPE_DOUBLE, .number = (d)})

/* The budget of a call site: at most LOG_BURST lines a second; the first line in a later second
 * reports the number suppressed as held_back=N. */
#define LOG_BURST 20
struct log_site {
    int64_t window_start_us;
    uint32_t in_window;
    uint32_t held_back;
};

/* fd stays the caller's. Called once from main, before threads; the level may be changed later from
 * any thread. */
void log_init(int fd, enum log_level level);
void log_set_level(enum log_level level);
/* Lines lost since the start: the reader was too slow, or the descriptor failed. The first line
 * that can be written again is followed by a log_recovered event with the number lost and the
 * error. */
uint64_t log_dropped(void);

/* For a line with several causes, each with its own budget: take from one of them, or count the
 * line as held back by one. After a take, *held_back is the number of lines that budget has held
 * back. */
bool log_site_take(struct log_site *site, uint32_t *held_back);
void log_site_hold(struct log_site *site);

/* site NULL: no rate limit, for lines whose rate is bounded elsewhere (sampled requests, budgets
 * taken from). */
void log_write(struct log_site *site, enum log_level level, const char *event,
               const struct log_field *fields, int n_fields);

#define LOG_AT(level, event, ...)                                                                  \
    do {                                                                                           \
        static struct log_site log_site_;                                                          \
        const struct log_field log_fields_[] = {{.key = 0}, ##__VA_ARGS__};                        \
        log_write(&log_site_, (level), (event), log_fields_ + 1,                                   \
                  (int)(sizeof(log_fields_) / sizeof(log_fields_[0])) - 1);                        \
    } while (0)
#define log_debug(event, ...) LOG_AT(LOG_DEBUG, event, ##__VA_ARGS__)
#define log_info(event, ...) LOG_AT(LOG_INFO, event, ##__VA_ARGS__)
#define log_warn(event, ...) LOG_AT(LOG_WARN, event, ##__VA_ARGS__)
#define log_error(event, ...) LOG_AT(LOG_ERROR, event, ##__VA_ARGS__)

#endif
