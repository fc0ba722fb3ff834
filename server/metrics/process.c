/* process_*: what Prometheus' client libraries tell of a process, from /proc. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "server/metrics/metrics.h"

/* /proc/self/stat behind the command's closing bracket: fields 3 to 24 of proc(5). */
struct proc_stat {
    double cpu_s, start_s, virtual_bytes, resident_bytes, threads;
};

static bool read_text(const char *path, char *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd == -1 ? -1 : read(fd, out, size - 1);

    if (fd != -1)
        close(fd);
    out[n > 0 ? n : 0] = 0;
    return n > 0;
}

static bool read_stat(struct proc_stat *out)
{
    double ticks = (double)sysconf(_SC_CLK_TCK), page = (double)sysconf(_SC_PAGESIZE);
    unsigned long long utime, stime, start;
    unsigned long vsize;
    long threads, rss;
    char text[1024];
    const char *at;

    if (!read_text("/proc/self/stat", text, sizeof(text)) || !(at = strrchr(text, ')')))
        return false;
    if (sscanf(at + 1,
               " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %ld %*d "
               "%llu %lu %ld",
               &utime, &stime, &threads, &start, &vsize, &rss) != 6)
        return false;
    *out = (struct proc_stat){.cpu_s = (double)(utime + stime) / ticks,
                              .start_s = (double)start / ticks,
                              .virtual_bytes = (double)vsize,
                              .resident_bytes = (double)rss * page,
                              .threads = (double)threads};
    return true;
}

#define COLLECT_STAT(field)                                                                        \
    static void collect_##field(struct metrics_out *out, void *arg)                                \
    {                                                                                              \
        struct proc_stat stat;                                                                     \
                                                                                                   \
        (void)arg;                                                                                 \
        if (read_stat(&stat))                                                                      \
            metrics_emit(out, NULL, 0, stat.field);                                                \
    }
COLLECT_STAT(cpu_s)
COLLECT_STAT(virtual_bytes)
COLLECT_STAT(resident_bytes)
COLLECT_STAT(threads)

static void collect_fds(struct metrics_out *out, void *arg)
{
    DIR *dir = opendir("/proc/self/fd");
    int n = 0;

    (void)arg;
    if (!dir)
        return;
    for (const struct dirent *entry; (entry = readdir(dir));)
        n += entry->d_name[0] != '.';
    closedir(dir);
    metrics_emit(out, NULL, 0, n - 1); /* the directory itself is one */
}

static void collect_max_fds(struct metrics_out *out, void *arg)
{
    struct rlimit limit;

    (void)arg;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        metrics_emit(out, NULL, 0, (double)limit.rlim_cur);
}

/* The start is given as time since boot: the wall clock of now less what has gone by since. */
static void set_start(struct metrics *metrics)
{
    struct timespec wall, boot;
    struct proc_stat stat;

    if (!read_stat(&stat) || clock_gettime(CLOCK_REALTIME, &wall) == -1 ||
        clock_gettime(CLOCK_BOOTTIME, &boot) == -1)
        return;
    metrics_set(metrics, METRIC_PROCESS_START,
                (double)wall.tv_sec + (double)wall.tv_nsec * 1e-9 - (double)boot.tv_sec -
                    (double)boot.tv_nsec * 1e-9 + stat.start_s);
}

void metrics_collect_process(struct metrics *metrics)
{
    metrics_collect(metrics, METRIC_PROCESS_CPU, collect_cpu_s, NULL);
    metrics_collect(metrics, METRIC_PROCESS_RESIDENT, collect_resident_bytes, NULL);
    metrics_collect(metrics, METRIC_PROCESS_VIRTUAL, collect_virtual_bytes, NULL);
    metrics_collect(metrics, METRIC_PROCESS_THREADS, collect_threads, NULL);
    metrics_collect(metrics, METRIC_PROCESS_FDS, collect_fds, NULL);
    metrics_collect(metrics, METRIC_PROCESS_MAX_FDS, collect_max_fds, NULL);
    set_start(metrics);
}
