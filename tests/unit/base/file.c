/* Tests of base/file.c. */
#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/js.h"
#include "tests/test.h"

static char dir[] = "/tmp/adrank-file-XXXXXX";

static struct err err;

static const char *path_of(const char *name)
{
    if (strstr(dir, "XXXXXX"))
        CHECK(mkdtemp(dir));
    return js("%s/%s", dir, name);
}

TEST(file__reads_back_what_was_written)
{
    struct buf bytes = BUF_INIT, got = BUF_INIT;

    for (int i = 0; i < 50000; i++)
        buf_add(&bytes, &i, sizeof(i));
    CHECK_OK(file_write(path_of("a"), buf_view(&bytes), &err), err);
    CHECK_OK(file_read(path_of("a"), bytes.len, &got, &err), err);
    CHECK(view_eq(buf_view(&bytes), buf_view(&got)));
    CHECK_INT(got.ptr[got.len], 0);
    CHECK_OK(file_write(path_of("a"), VIEW_LIT("short"), &err), err);
    CHECK_OK(file_read(path_of("a"), 100, &got, &err), err);
    CHECK_VIEW(buf_view(&got), "short");
    buf_release(&bytes);
    buf_release(&got);
}

TEST(file__empty)
{
    struct buf got AT_END(buf_release) = BUF_INIT;

    CHECK_OK(file_write(path_of("e"), (struct view){NULL, 0}, &err), err);
    CHECK_OK(file_read(path_of("e"), 0, &got, &err), err);
    CHECK_STR(got.ptr, "");
    CHECK_INT(got.len, 0);
}

TEST(file__size_in_proc_is_not_believed)
{
    struct buf got AT_END(buf_release) = BUF_INIT;

    CHECK_OK(file_read("/proc/self/status", 1 << 20, &got, &err), err);
    CHECK(got.len > 100);
    CHECK(strstr(got.ptr, "VmRSS"));
    CHECK_ERR(file_read("/proc/self/status", 50, &got, &err), err, "more than 50 bytes");
}

TEST(file__read_refuses)
{
    struct buf got AT_END(buf_release) = BUF_INIT;

    test_row("a missing file");
    CHECK_ERR(file_read("/no/such/file", 10, &got, &err), err, "/no/such/file: No such file");
    CHECK_INT(err.code, ERR_NOINPUT);
    test_row("a folder");
    CHECK_ERR(file_read("/tmp", 10, &got, &err), err, "not a regular file");
    CHECK_INT(err.code, ERR_NOINPUT);
    test_row("a FIFO without waiting for its writer");
    CHECK(mkfifo(path_of("fifo"), 0600) == 0);
    CHECK_ERR(file_read(path_of("fifo"), 10, &got, &err), err, "not a regular file");
    test_row("more than the limit");
    CHECK_OK(file_write(path_of("b"), VIEW_LIT("12345678901"), &err), err);
    CHECK_ERR(file_read(path_of("b"), 10, &got, &err), err, "more than 10 bytes");
    CHECK_INT(err.code, ERR_DATA);
}

static int count_files(void)
{
    DIR *d = opendir(dir);
    int n = 0;

    CHECK(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n - 2;
}

TEST(file__write_leaves_nothing_behind_when_it_fails)
{
    int before;

    CHECK(mkdir(path_of("folder"), 0700) == 0);
    before = count_files();
    CHECK_ERR(file_write(path_of("folder"), VIEW_LIT("x"), &err), err, "folder");
    CHECK_ERR(file_write("/no/such/folder/x", VIEW_LIT("x"), &err), err, "No such file");
    CHECK_INT(count_files(), before);
}

/* Who may write to the folder can foresee no name: hard links to a victim under those of a process
 * and a counter. */
TEST(file__write_opens_nothing_that_was_there_before)
{
    enum { N = 48 };
    const char *victim = path_of("victim"), *target = path_of("target"), *planted[N];
    struct buf got AT_END(buf_release) = BUF_INIT;

    CHECK_OK(file_write(victim, VIEW_LIT("precious"), &err), err);
    for (int i = 0; i < N; i++) {
        planted[i] = js("%s.%ld-%d.tmp", target, (long)getpid(), i);
        CHECK(link(victim, planted[i]) == 0);
    }
    CHECK_OK(file_write(target, VIEW_LIT("new"), &err), err);
    CHECK_OK(file_read(victim, 100, &got, &err), err);
    CHECK_VIEW(buf_view(&got), "precious");
    for (int i = 0; i < N; i++)
        CHECK(unlink(planted[i]) == 0);
    CHECK(unlink(victim) == 0 && unlink(target) == 0);
}

TEST(file__write_keeps_the_mode)
{
    const mode_t before = umask(022);
    const char *path = path_of("mode");
    struct stat st;

    CHECK_OK(file_write(path, VIEW_LIT("1"), &err), err);
    CHECK(stat(path, &st) == 0 && (st.st_mode & 07777) == 0644);
    CHECK(chmod(path, 0600) == 0);
    CHECK_OK(file_write(path, VIEW_LIT("2"), &err), err);
    CHECK(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
    CHECK(unlink(path) == 0);
    umask(before);
}

/* Directly, and through a link as /dev/stdout is one. */
TEST(file__write_replaces_nothing_but_files)
{
    const char *fifo = path_of("pipe"), *pointer = path_of("pointer");
    struct stat st;
    char got[8];
    int fd;

    CHECK(mkfifo(fifo, 0600) == 0 && symlink(fifo, pointer) == 0);
    fd = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    CHECK_OK(file_write(fifo, VIEW_LIT("one"), &err), err);
    CHECK_OK(file_write(pointer, VIEW_LIT("two"), &err), err);
    CHECK_INT(read(fd, got, sizeof(got)), 6);
    CHECK(memcmp(got, "onetwo", 6) == 0);
    CHECK(lstat(fifo, &st) == 0 && S_ISFIFO(st.st_mode));
    CHECK(lstat(pointer, &st) == 0 && S_ISLNK(st.st_mode));
    CHECK(close(fd) == 0 && unlink(fifo) == 0 && unlink(pointer) == 0);
    /* Not /dev/full itself: a faulty file_write() of root would replace it. */
    pointer = path_of("full");
    CHECK(symlink("/dev/full", pointer) == 0);
    CHECK_ERR(file_write(pointer, VIEW_LIT("x"), &err), err, "No space left");
    CHECK(lstat(pointer, &st) == 0 && S_ISLNK(st.st_mode));
    CHECK(unlink(pointer) == 0);
}

TEST(file__clean_up)
{
    static const char *const names[] = {"a", "b", "e", "fifo"};

    for (int i = 0; i < COUNT(names); i++)
        CHECK(unlink(path_of(names[i])) == 0);
    CHECK(rmdir(path_of("folder")) == 0);
    CHECK(rmdir(dir) == 0);
}
