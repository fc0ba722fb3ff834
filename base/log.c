/* Formats a line on the stack and writes it once. */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "base/utf8.h"

/* PIPE_BUF, up to which writes to a pipe are atomic. */
#define LINE_BYTES 4096
#define CUT_MARK " cut=1\n"

/* The log destination is global: one per process, set before threads start. */
static struct {
    int fd;
    bool is_socket;
    atomic_int level;
    atomic_uint_fast64_t dropped;
    atomic_uint_fast64_t unreported; /* of dropped: since the last log_recovered */
    atomic_int error;                /* errno of the last lost line */
    atomic_bool torn;                /* the last line was written only in part */
} sink = {.fd = STDERR_FILENO, .level = LOG_INFO};

struct line {
    char text[LINE_BYTES]; /* a newline if the last line was torn, then the line */
    size_t len;
    bool cut;
};

/* Reopening a pipe or terminal gives it separate flags, so that O_NONBLOCK does not affect the
 * shell. */
void log_init(int fd, enum log_level level)
{
    char path[40];
    struct stat st;
    int own;

    sink.fd = fd;
    sink.is_socket = false;
    atomic_store(&sink.unreported, 0);
    atomic_store(&sink.torn, false);
    log_set_level(level);
    if (fstat(fd, &st) == -1)
        return;
    sink.is_socket = S_ISSOCK(st.st_mode);
    if (!S_ISFIFO(st.st_mode) && !isatty(fd))
        return;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (own != -1)
        sink.fd = own;
}

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&sink.level, (int)level, memory_order_relaxed);
}

uint64_t log_dropped(void)
{
    return atomic_load_explicit(&sink.dropped, memory_order_relaxed);
}

static void add(struct line *line, const char *bytes, size_t n)
{
    const size_t room = LINE_BYTES - sizeof(CUT_MARK);

    if (line->cut || n > room - line->len) {
        line->cut = true;
        return;
    }
    memcpy(line->text + line->len, bytes, n);
    line->len += n;
}

static void add_str(struct line *line, const char *s)
{
    add(line, s, strlen(s));
}

static bool is_bare(struct view v)
{
    for (size_t i = 0; i < v.len; i++) {
        unsigned char c = (unsigned char)v.ptr[i];

        if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c >= 0x7f)
            return false;
    }
    return v.len > 0;
}

/* One character of a quoted value; what could break the line or the terminal is escaped. */
static size_t add_quoted_char(struct line *line, const char *p, size_t len)
{
    char text[12];
    uint32_t c;
    size_t n = utf8_decode(p, len, &c);

    if (c == '"' || c == '\\')
        add(line, (char[]){'\\', (char)c}, 2);
    else if (c == '\n')
        add_str(line, "\\n");
    else if (c < 0x20 || (c >= 0x7f && c < 0xa0))
        add(line, text, (size_t)snprintf(text, sizeof(text), "\\u%04x", c));
    else
        add(line, text, utf8_encode(c, text));
    return n;
}

static void add_view(struct line *line, struct view v)
{
    if (is_bare(v)) {
        add(line, v.ptr, v.len);
        return;
    }
    add(line, "\"", 1);
    for (size_t at = 0; at < v.len && !line->cut;)
        at += add_quoted_char(line, v.ptr + at, v.len - at);
    add(line, "\"", 1);
}

static void add_number(struct line *line, double v)
{
    char text[DECIMAL_MAX_BYTES];

    if (isfinite(v))
        add(line, text, decimal_format(v, 9, text));
    else
        add_str(line, isnan(v) ? "nan" : v > 0 ? "inf" : "-inf");
}

/* A field is added whole or not at all, so a cut line is still valid logfmt. */
static void add_field(struct line *line, const struct log_field *field)
{
    size_t before = line->len;
    char text[24];

    add(line, " ", 1);
    add_str(line, field->key);
    add(line, "=", 1);
    switch (field->type) {
    case LOG_TYPE_VIEW:
        add_view(line, field->view);
        break;
    case LOG_TYPE_INT:
        add(line, text, (size_t)snprintf(text, sizeof(text), "%lld", (long long)field->integer));
        break;
    case LOG_TYPE_DOUBLE:
        add_number(line, field->number);
        break;
    }
    if (line->cut)
        line->len = before;
}

static void add_head(struct line *line, enum log_level level, const char *event)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    int64_t ms = clock_wall_ms();
    time_t seconds = (time_t)(ms / 1000);
    char text[96];
    struct tm tm;

    gmtime_r(&seconds, &tm);
    snprintf(text, sizeof(text), "ts=%04d-%02d-%02dT%02d:%02d:%02d.%03dZ level=%s",
             tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
             (int)(ms % 1000), names[level]);
    add_str(line, text);
    add_field(line, &(struct log_field){.key = "event", .view = view_of(event)});
}

/* Two threads that roll the window over at the same time may let an extra line pass, which is
 * harmless. */
bool log_site_take(struct log_site *site, uint32_t *held_back)
{
    int64_t now_us = clock_now_us();
    int64_t start_us = __atomic_load_n(&site->window_start_us, __ATOMIC_RELAXED);

    *held_back = 0;
    if (start_us == 0 || now_us - start_us >= 1000000) {
        __atomic_store_n(&site->window_start_us, now_us, __ATOMIC_RELAXED);
        __atomic_store_n(&site->in_window, 0, __ATOMIC_RELAXED);
        *held_back = __atomic_exchange_n(&site->held_back, 0, __ATOMIC_RELAXED);
    }
    return __atomic_add_fetch(&site->in_window, 1, __ATOMIC_RELAXED) <= LOG_BURST;
}

void log_site_hold(struct log_site *site)
{
    __atomic_add_fetch(&site->held_back, 1, __ATOMIC_RELAXED);
}

static ssize_t write_line(const char *text, size_t len)
{
    ssize_t n;

    do
        n = sink.is_socket ? send(sink.fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL)
                           : write(sink.fd, text, len);
    while (n == -1 && errno == EINTR);
    return n;
}

/* A full file system or a file size limit may cause a partial write: the next line must not
 * continue it. */
static bool emit(struct line *line)
{
    bool torn = atomic_exchange_explicit(&sink.torn, false, memory_order_relaxed);
    const char *text = torn ? line->text : line->text + 1;
    size_t len;
    ssize_t n;

    add(line, "\n", 1);
    if (line->cut) {
        memcpy(line->text + line->len, CUT_MARK, sizeof(CUT_MARK) - 1);
        line->len += sizeof(CUT_MARK) - 1;
    }
    len = line->len - (size_t)(text - line->text);
    n = write_line(text, len);
    if (n == (ssize_t)len)
        return true;
    if (n == -1 ? torn : n > 0)
        atomic_store_explicit(&sink.torn, true, memory_order_relaxed);
    atomic_store_explicit(&sink.error, n == -1 ? errno : ENOSPC, memory_order_relaxed);
    return false;
}

static void lose(uint64_t n_lines)
{
    atomic_fetch_add_explicit(&sink.unreported, n_lines, memory_order_relaxed);
}

static void begin(struct line *line, enum log_level level, const char *event)
{
    line->text[0] = '\n';
    line->len = 1;
    line->cut = false;
    add_head(line, level, event);
}

/* Reports lost lines as soon as one can be written again. */
static void report_lost(void)
{
    static struct log_site site;
    struct line line;
    uint32_t held_back;
    uint64_t n_lost;

    if (!atomic_load_explicit(&sink.unreported, memory_order_relaxed) ||
        !log_site_take(&site, &held_back))
        return;
    n_lost = atomic_exchange_explicit(&sink.unreported, 0, memory_order_relaxed);
    begin(&line, LOG_WARN, "log_recovered");
    add_field(&line, &LOG_INT("lost", n_lost));
    add_field(&line, &LOG_STR("error", strerror(atomic_load(&sink.error))));
    if (!emit(&line))
        lose(n_lost);
}

void log_write(struct log_site *site, enum log_level level, const char *event,
               const struct log_field *fields, int n_fields)
{
    struct line line; /* not cleared: 4 KiB a line */
    uint32_t held_back = 0;
    int saved = errno;

    if ((int)level < atomic_load_explicit(&sink.level, memory_order_relaxed))
        return;
    if (site && !log_site_take(site, &held_back)) {
        log_site_hold(site);
        return;
    }
    begin(&line, level, event);
    if (held_back)
        add_field(&line, &LOG_INT("held_back", held_back));
    for (int i = 0; i < n_fields; i++)
        add_field(&line, &fields[i]);
    if (emit(&line)) {
        report_lost();
    } else {
        atomic_fetch_add_explicit(&sink.dropped, 1, memory_order_relaxed);
        lose(1);
    }
    errno = saved;
}
