/* Tests of base/log.c. */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/test.h"

static int fds[2] = {-1, -1};

static void to_pipe(enum log_level level)
{
    if (fds[0] != -1) {
        close(fds[0]);
        close(fds[1]);
    }
    CHECK(pipe2(fds, O_CLOEXEC) == 0);
    CHECK(fcntl(fds[0], F_SETFL, O_NONBLOCK) == 0);
    log_init(fds[1], level);
}

static const char *text(void)
{
    static char all[1 << 20];
    size_t len = 0;
    ssize_t n;

    while ((n = read(fds[0], all + len, sizeof(all) - 1 - len)) > 0)
        len += (size_t)n;
    all[len] = 0;
    return all;
}

/* What follows "event=e". */
static const char *fields(void)
{
    const char *p = strstr(text(), "event=e");

    CHECK(p);
    return p + strlen("event=e");
}

static int count_lines(void)
{
    int lines = 0;

    for (const char *p = text(); (p = strchr(p, '\n')); p++)
        lines++;
    return lines;
}

TEST(log__line_is_logfmt)
{
    const char *line;

    to_pipe(LOG_INFO);
    log_warn("ready", LOG_STR("addr", "127.0.0.1:80"), LOG_INT("n", -5), LOG_NUM("x", 0.25));
    line = text();
    CHECK(strncmp(line, "ts=20", 5) == 0);
    CHECK(line[13] == 'T' && line[22] == '.' && line[26] == 'Z' && line[27] == ' ');
    CHECK_STR(line + 28, "level=warn event=ready addr=127.0.0.1:80 n=-5 x=0.25\n");
}

TEST(log__values_are_quoted_as_needed)
{
    static const struct {
        const char *in, *want;
    } rows[] = {{"plain", "plain"},
                {"", "\"\""},
                {"two words", "\"two words\""},
                {"a=b", "\"a=b\""},
                {"say \"x\" \\", "\"say \\\"x\\\" \\\\\""},
                {"a\nlevel=error", "\"a\\nlevel=error\""},
                {"esc\x1b[0m\r", "\"esc\\u001b[0m\\u000d\""},
                {"\xe4\xb8\xad", "\"\xe4\xb8\xad\""},
                {"\xc2\x85", "\"\\u0085\""},
                {"\xff", "\"\xef\xbf\xbd\""}};

    to_pipe(LOG_INFO);
    for (int i = 0; i < COUNT(rows); i++) {
        char want[128];

        test_row("%s", rows[i].want);
        log_write(NULL, LOG_INFO, "e", &LOG_STR("v", rows[i].in), 1);
        snprintf(want, sizeof(want), " v=%s\n", rows[i].want);
        CHECK_STR(fields(), want);
    }
}

TEST(log__not_finite)
{
    to_pipe(LOG_INFO);
    log_info("e", LOG_NUM("a", NAN), LOG_NUM("b", INFINITY), LOG_NUM("c", -INFINITY));
    CHECK_STR(fields(), " a=nan b=inf c=-inf\n");
}

TEST(log__level_filters_and_changes)
{
    to_pipe(LOG_WARN);
    log_info("e");
    CHECK_STR(text(), "");
    log_set_level(LOG_DEBUG);
    log_debug("e");
    CHECK_STR(fields(), "\n");
}

TEST(log__long_line_is_cut_at_a_field)
{
    char value[3000];
    const char *line;

    memset(value, 'x', sizeof(value) - 1);
    value[sizeof(value) - 1] = 0;
    to_pipe(LOG_INFO);
    log_info("e", LOG_STR("a", value), LOG_STR("b", value), LOG_INT("c", 1));
    line = text();
    CHECK(strlen(line) <= 4096);
    CHECK(strstr(line, " a=xxx"));
    CHECK(!strstr(line, " b="));
    CHECK_STR(line + strlen(line) - 8, "x cut=1\n");
}

/* One site. */
static void log_limited(void)
{
    log_info("e");
}

TEST(log__a_site_is_limited_and_reports_what_it_held_back)
{
    char want[32];

    to_pipe(LOG_INFO);
    for (int i = 0; i < LOG_BURST + 7; i++)
        log_limited();
    CHECK_INT(count_lines(), LOG_BURST);
    usleep(1100000);
    log_limited();
    snprintf(want, sizeof(want), " held_back=%d\n", 7);
    CHECK_STR(fields(), want);
    for (int i = 0; i < 3 * LOG_BURST; i++)
        log_write(NULL, LOG_INFO, "e", NULL, 0);
    CHECK_INT(count_lines(), 3 * LOG_BURST);
}

TEST(log__full_pipe_drops_and_counts)
{
    uint64_t before;
    const char *line;
    int flags;

    to_pipe(LOG_INFO);
    before = log_dropped();
    flags = fcntl(fds[1], F_GETFL);
    CHECK((flags & O_NONBLOCK) == 0);
    for (int i = 0; i < 20000; i++)
        log_write(NULL, LOG_INFO, "e", &LOG_STR("k", "some value to fill the pipe with"), 1);
    CHECK(log_dropped() > before);
    text();
    before = log_dropped();
    log_write(NULL, LOG_INFO, "e", NULL, 0);
    line = fields();
    CHECK(line[0] == '\n' && strstr(line, " level=warn event=log_recovered lost="));
    CHECK(strstr(line, " error=\"Resource temporarily unavailable\"\n"));
    log_write(NULL, LOG_INFO, "e", NULL, 0);
    CHECK_STR(fields(), "\n"); /* reported once */
    CHECK_INT(log_dropped(), before);
}

TEST(log__full_or_dead_socket_drops)
{
    int pair[2];
    uint64_t before = log_dropped();

    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    log_init(pair[1], LOG_INFO);
    for (int i = 0; i < 20000; i++)
        log_write(NULL, LOG_INFO, "e", &LOG_STR("k", "some value to fill the socket with"), 1);
    CHECK(log_dropped() > before);
    close(pair[0]);
    before = log_dropped();
    log_write(NULL, LOG_INFO, "e", NULL, 0);
    CHECK_INT(log_dropped(), before + 1);
    close(pair[1]);
}

static const char *file_text(int fd)
{
    static char all[16384];
    ssize_t n = pread(fd, all, sizeof(all) - 1, 0);

    CHECK(n >= 0);
    all[n] = 0;
    return all;
}

/* A file that may not grow is a disk that is full in the middle of a line. */
TEST(log__a_full_disk_spoils_one_line_and_is_reported_after)
{
    char path[] = "/tmp/adrank-log-XXXXXX";
    int fd = mkostemp(path, O_APPEND);
    uint64_t before = log_dropped();
    struct rlimit unlimited, small;
    const char *last;

    CHECK(fd != -1 && unlink(path) == 0);
    CHECK(getrlimit(RLIMIT_FSIZE, &unlimited) == 0);
    small = (struct rlimit){100, unlimited.rlim_max};
    CHECK(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    log_init(fd, LOG_INFO);
    CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
    for (int i = 0; i < 4; i++)
        log_write(NULL, LOG_INFO, "lost", &LOG_STR("k", "a value"), 1);
    CHECK_INT(strlen(file_text(fd)), 100);
    CHECK_INT(log_dropped(), before + 3);
    CHECK(setrlimit(RLIMIT_FSIZE, &unlimited) == 0);
    log_write(NULL, LOG_INFO, "after", NULL, 0);
    log_write(NULL, LOG_INFO, "later", NULL, 0);
    last = file_text(fd) + 100;
    CHECK(strncmp(last, "\nts=", 4) == 0 && strstr(last, " event=after\nts="));
    CHECK(strstr(last, " event=log_recovered lost=3 error=\"File too large\"\nts="));
    CHECK(strstr(last, " event=later\n") && strchr(strstr(last, " event=later\n"), '\n')[1] == 0);
    close(fd);
}

TEST(log__budgets_are_taken_from_or_held)
{
    struct log_site one = {0}, two = {0};
    uint32_t held_back = 7;

    for (int i = 0; i < LOG_BURST; i++)
        CHECK(log_site_take(&one, &held_back) && held_back == 0);
    CHECK(!log_site_take(&one, &held_back));
    CHECK(log_site_take(&two, &held_back) && held_back == 0);
    log_site_hold(&one);
    log_site_hold(&one);
    one.window_start_us -= 1000000;
    CHECK(log_site_take(&one, &held_back) && held_back == 2);
    CHECK(log_site_take(&one, &held_back) && held_back == 0);
}

TEST(log__keeps_errno)
{
    to_pipe(LOG_INFO);
    errno = ENOTTY;
    log_info("e");
    CHECK_INT(errno, ENOTTY);
}
