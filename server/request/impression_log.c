/* A thread that writes lines to a file, and two halves of memory between it and the workers. */
#include "server/request/impression_log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

#define HALF_BYTES (1 << 20)

/* Two halves: workers fill one while the writer empties the other. */
struct impression_log {
    pthread_t thread;
    pthread_mutex_t lock; /* guards filling, used, next_fd, old_bytes, stop, wanted */
    pthread_cond_t wake;
    pthread_cond_t taken; /* the writer has taken next_fd */
    char halves[2][HALF_BYTES];
    char *filling, *writing;
    size_t used;
    int next_fd;      /* handed to the writer; -2: none */
    size_t old_bytes; /* with next_fd: what of filling came before it */
    bool stop, wanted;
    /* The writer's own. */
    int fd;
    bool torn;             /* the last line in fd has no end */
    uint64_t dropped_then; /* when the last half was written */

    atomic_ullong dropped;
    /* An outage, from the first line lost to the first that is written again. */
    atomic_bool failing;
    atomic_ullong dropped_before; /* what was lost when it began */
};

static void begin_outage(struct impression_log *log, const char *error)
{
    if (atomic_exchange(&log->failing, true))
        return;
    log_error("impressions_failed", LOG_STR("error", error));
}

static void end_outage(struct impression_log *log)
{
    uint64_t dropped;

    if (!atomic_exchange(&log->failing, false))
        return;
    dropped = atomic_load(&log->dropped);
    log_info("impressions_recovered",
             LOG_INT("lost", dropped - atomic_exchange(&log->dropped_before, dropped)));
}

/* Returns how many bytes were written; fewer than n: errno has the reason. */
static size_t write_some(struct impression_log *log, const char *bytes, size_t n)
{
    size_t done = 0;

    while (done < n) {
        ssize_t now = write(log->fd, bytes + done, n - done);

        if (now == -1 && errno != EINTR)
            break;
        done += now > 0 ? (size_t)now : 0;
    }
    return done;
}

static void lose_lines(struct impression_log *log, const char *bytes, size_t n, size_t done)
{
    for (size_t i = done; i < n; i++)
        if (bytes[i] == '\n')
            atomic_fetch_add(&log->dropped, 1);
}

/* Nobody can read a file without a name. */
static bool was_removed(const struct impression_log *log)
{
    struct stat st;

    return fstat(log->fd, &st) == 0 && st.st_nlink == 0;
}

/* A full disk must not stop anything: the rest of this half is counted as lost. A line that was cut
 * is ended before the next one, so that no other is spoilt. */
static size_t write_lines(struct impression_log *log, const char *bytes, size_t n)
{
    size_t done;

    if (was_removed(log)) {
        begin_outage(log, "the file was removed; a reload creates it");
        return 0;
    }
    if (log->torn && write_some(log, "\n", 1))
        log->torn = false;
    done = log->torn ? 0 : write_some(log, bytes, n);
    if (done < n)
        begin_outage(log, strerror(errno));
    if (done)
        log->torn = bytes[done - 1] != '\n';
    return done;
}

static void write_half(struct impression_log *log, const char *bytes, size_t n)
{
    uint64_t dropped;

    if (n == 0)
        return;
    lose_lines(log, bytes, n, write_lines(log, bytes, n));
    dropped = atomic_load(&log->dropped);
    if (dropped == log->dropped_then) /* nor have the workers dropped any */
        end_outage(log);
    log->dropped_then = dropped;
}

static void take_file(struct impression_log *log, int fd)
{
    if (fd == -2)
        return;
    /* Some file systems report a full disk only here. */
    if (log->fd != -1 && close(log->fd) == -1)
        begin_outage(log, strerror(errno));
    log->fd = fd;
    log->torn = false;
    if (fd == -1)
        end_outage(log);
}

static void *writer(void *arg)
{
    struct impression_log *log = arg;
    char *full;
    size_t n, n_old;
    int fd;
    bool stop = false;

    while (!stop) {
        pthread_mutex_lock(&log->lock);
        while (!log->used && !log->stop && log->next_fd == -2)
            pthread_cond_wait(&log->wake, &log->lock);
        full = log->filling;
        n = log->used;
        log->filling = log->writing;
        log->writing = full;
        log->used = 0;
        fd = log->next_fd;
        n_old = fd == -2 ? n : log->old_bytes;
        log->next_fd = -2;
        pthread_cond_broadcast(&log->taken);
        stop = log->stop && n == 0;
        pthread_mutex_unlock(&log->lock);
        write_half(log, full, n_old);
        take_file(log, fd);
        write_half(log, full + n_old, n - n_old);
    }
    return NULL;
}

int impression_log_new(struct impression_log **out, struct err *err)
{
    struct impression_log *log = calloc(1, sizeof(*log));
    int rc;

    if (!log)
        return err_set(err, ERR_NOMEM, "impression log: out of memory");
    log->fd = -1;
    log->next_fd = -2;
    log->filling = log->halves[0];
    log->writing = log->halves[1];
    pthread_mutex_init(&log->lock, NULL);
    pthread_cond_init(&log->wake, NULL);
    pthread_cond_init(&log->taken, NULL);
    rc = pthread_create(&log->thread, NULL, writer, log);
    if (rc) {
        free(log);
        return err_set_no_thread(err, rc, "impression log");
    }
    *out = log;
    return 0;
}

void impression_log_free(struct impression_log *log)
{
    if (!log)
        return;
    pthread_mutex_lock(&log->lock);
    log->stop = true;
    pthread_cond_signal(&log->wake);
    pthread_mutex_unlock(&log->lock);
    pthread_join(log->thread, NULL);
    if (log->fd != -1)
        close(log->fd);
    if (log->next_fd >= 0)
        close(log->next_fd);
    pthread_cond_destroy(&log->wake);
    pthread_cond_destroy(&log->taken);
    pthread_mutex_destroy(&log->lock);
    free(log);
}

int impression_log_open(struct impression_log *log, const char *path, struct err *err)
{
    int fd = -1;

    if (path) {
        /* Not blocking: a FIFO without a reader is refused, and a full one loses lines; a file is
         * not affected. */
        fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
        if (fd == -1)
            return err_set_errno(err, ERR_UNAVAILABLE, "%s", path);
    }
    pthread_mutex_lock(&log->lock);
    /* One change at a time: lines between two belong to a file of their own. */
    while (log->next_fd != -2)
        pthread_cond_wait(&log->taken, &log->lock);
    log->old_bytes = log->used;
    log->next_fd = fd;
    log->wanted = path != NULL;
    pthread_cond_signal(&log->wake);
    pthread_mutex_unlock(&log->lock);
    return 0;
}

void impression_log_add(struct impression_log *log, struct view line)
{
    bool lost = false;

    pthread_mutex_lock(&log->lock);
    if (!log->wanted) {
        pthread_mutex_unlock(&log->lock);
        return;
    }
    if (line.len > HALF_BYTES - log->used) {
        lost = true;
    } else {
        memcpy(log->filling + log->used, line.ptr, line.len);
        if (!log->used)
            pthread_cond_signal(&log->wake);
        log->used += line.len;
    }
    pthread_mutex_unlock(&log->lock);
    if (lost) {
        atomic_fetch_add(&log->dropped, 1);
        begin_outage(log, "lines are added faster than they can be written");
    }
}

uint64_t impression_log_dropped(const struct impression_log *log)
{
    return atomic_load(&log->dropped);
}
