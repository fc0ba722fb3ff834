/* process_*: what Prometheus' client libraries report of a process, from /proc. */
#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "server/metrics/metrics.h"

/* /proc/self/stat after the command's closing bracket: fields 3 to 24 of proc(5). */
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

static double count_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int n = 0;

    if (!dir)
        return NAN;
    for (const struct dirent *entry; (entry = readdir(dir));)
        n += entry->d_name[0] != '.';
    closedir(dir);
    return n - 1; /* the directory itself is one */
}

static double max_fds(void)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (double)limit.rlim_cur : NAN;
}

/* The start is given as time since boot: the wall clock's time now less the time since then. */
static double start_time(double start_s)
{
    struct timespec wall, boot;

    if (clock_gettime(CLOCK_REALTIME, &wall) == -1 || clock_gettime(CLOCK_BOOTTIME, &boot) == -1)
        return NAN;
    return (double)wall.tv_sec + (double)wall.tv_nsec * 1e-9 - (double)boot.tv_sec -
           (double)boot.tv_nsec * 1e-9 + start_s;
}

void metrics_set_process(struct metrics *metrics)
{
    struct proc_stat stat;

    if (!read_stat(&stat))
        stat = (struct proc_stat){NAN, NAN, NAN, NAN, NAN};
    metrics_set(metrics, METRIC_PROCESS_CPU, stat.cpu_s);
    metrics_set(metrics, METRIC_PROCESS_RESIDENT, stat.resident_bytes);
    metrics_set(metrics, METRIC_PROCESS_VIRTUAL, stat.virtual_bytes);
    metrics_set(metrics, METRIC_PROCESS_THREADS, stat.threads);
    metrics_set(metrics, METRIC_PROCESS_FDS, count_fds());
    metrics_set(metrics, METRIC_PROCESS_MAX_FDS, max_fds());
    if (isnan(metrics->values[METRIC_PROCESS_START])) /* once: it must not follow the wall clock */
        metrics_set(metrics, METRIC_PROCESS_START, start_time(stat.start_s));
}
