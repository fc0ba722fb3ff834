/* server/request/impression_log.c: lines reach the file complete, whatever kind of file it is. */
#include "server/request/impression_log.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/test.h"

#define THREADS 4
#define LINES 2000

static char folder[64];
static struct impression_log *log_;

static const char *path_of(const char *name)
{
    static char path[2][128];
    static int turn;
    char *out = path[turn++ % 2];

    snprintf(out, sizeof(path[0]), "%s/%s", folder, name);
    return out;
}

static void start(void)
{
    struct err err;

    strcpy(folder, "/tmp/adrank-log-XXXXXX");
    CHECK(mkdtemp(folder));
    CHECK_OK(impression_log_new(&log_, &err), err);
}

static void open_log(const char *name)
{
    struct err err;

    CHECK_OK(impression_log_open(log_, name ? path_of(name) : NULL, &err), err);
}

static void end(void)
{
    unlink(path_of("log"));
    unlink(path_of("other"));
    rmdir(folder);
}

/* NUL-terminated; valid until the next call. */
static const char *content(const char *name)
{
    static struct buf text;
    struct err err;

    CHECK_OK(file_read(path_of(name), 1 << 26, &text, &err), err);
    return buf_str(&text);
}

static void *add_lines(void *arg)
{
    char line[64];

    for (int i = 0; i < LINES; i++) {
        int n = snprintf(line, sizeof(line), "{\"from\":%d,\"n\":%d}\n", *(int *)arg, i);

        impression_log_add(log_, (struct view){line, (size_t)n});
    }
    return NULL;
}

TEST(impression_log__keeps_whole_lines_of_all_threads_in_order)
{
    pthread_t threads[THREADS];
    int names[THREADS], next[THREADS] = {0}, n_lines = 0;

    start();
    open_log("log");
    for (int i = 0; i < THREADS; i++) {
        names[i] = i;
        CHECK(pthread_create(&threads[i], NULL, add_lines, &names[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK_INT(impression_log_dropped(log_), 0); /* all of them fit into one half */
    impression_log_free(log_);
    for (const char *line = content("log"); *line; line = strchr(line, '\n') + 1) {
        int from, n;

        CHECK(sscanf(line, "{\"from\":%d,\"n\":%d}\n", &from, &n) == 2);
        CHECK_INT(n, next[from]++);
        n_lines++;
    }
    CHECK_INT(n_lines, THREADS * LINES);
    end();
}

TEST(impression_log__changes_files_between_lines)
{
    start();
    impression_log_add(log_, VIEW_LIT("nowhere\n"));
    open_log("log");
    impression_log_add(log_, VIEW_LIT("one\n"));
    open_log("other");
    impression_log_add(log_, VIEW_LIT("two\n"));
    open_log(NULL);
    impression_log_add(log_, VIEW_LIT("nowhere\n"));
    open_log("log"); /* existing content stays */
    impression_log_add(log_, VIEW_LIT("three\n"));
    impression_log_free(log_);
    CHECK_STR(content("log"), "one\nthree\n");
    CHECK_STR(content("other"), "two\n");
    end();
}

TEST(impression_log__a_line_that_does_not_fit_is_dropped_and_counted)
{
    size_t n = 2 << 20;
    char *huge = malloc(n);

    start();
    open_log("log");
    memset(huge, 'x', n);
    huge[n - 1] = '\n';
    impression_log_add(log_, (struct view){huge, n});
    impression_log_add(log_, VIEW_LIT("small\n"));
    CHECK_INT(impression_log_dropped(log_), 1);
    impression_log_free(log_);
    CHECK_STR(content("log"), "small\n");
    free(huge);
    end();
}

TEST(impression_log__a_file_that_cannot_be_opened_leaves_the_old_one)
{
    struct err err;

    start();
    open_log("log");
    CHECK_ERR(impression_log_open(log_, "/nonexistent/log", &err), err, "/nonexistent/log");
    CHECK_INT(err.code, ERR_UNAVAILABLE);
    impression_log_add(log_, VIEW_LIT("kept\n"));
    impression_log_free(log_);
    CHECK_STR(content("log"), "kept\n");
    end();
}

/* A FIFO: opening would block without a reader, writing until it reads. */
TEST(impression_log__waits_for_no_fifo)
{
    static char bytes[1 << 16];
    struct err err;
    int reader;

    start();
    CHECK(mkfifo(path_of("log"), 0600) == 0);
    CHECK(impression_log_open(log_, path_of("log"), &err) == -1);
    reader = open(path_of("log"), O_RDONLY | O_NONBLOCK);
    CHECK(reader != -1);
    open_log("log");
    memset(bytes, 'x', sizeof(bytes));
    bytes[sizeof(bytes) - 1] = '\n';
    for (int i = 0; i < 8; i++) /* more than the pipe holds */
        impression_log_add(log_, (struct view){bytes, sizeof(bytes)});
    impression_log_free(log_);
    close(reader);
    end();
}

static void wait_dropped(uint64_t n)
{
    for (int i = 0; impression_log_dropped(log_) < n; i++) {
        CHECK(i < 10000);
        poll(NULL, 0, 1);
    }
}

/* A file size limit acts like a disk that fills up in the middle of a line. */
TEST(impression_log__a_full_disk_spoils_one_line_only)
{
    struct rlimit before, small;

    start();
    CHECK(getrlimit(RLIMIT_FSIZE, &before) == 0);
    small = (struct rlimit){6, before.rlim_max};
    CHECK(signal(SIGXFSZ, SIG_IGN) != SIG_ERR && setrlimit(RLIMIT_FSIZE, &small) == 0);
    open_log("log");
    impression_log_add(log_, VIEW_LIT("one\ntwo\nlost\n"));
    wait_dropped(2);
    CHECK(setrlimit(RLIMIT_FSIZE, &before) == 0);
    impression_log_add(log_, VIEW_LIT("three\n"));
    impression_log_free(log_);
    CHECK_STR(content("log"), "one\ntw\nthree\n");
    end();
}
