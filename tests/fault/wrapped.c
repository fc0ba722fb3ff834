/* The linked variant: base/ fails where planned, also under sanitizers, and handles it as its
 * headers specify. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mailbox.h"
#include "base/problems.h"
#include "json/writer.h"
#include "tests/fault/fault.h"
#include "tests/test.h"

static struct fault fault;

static struct err err;

static void plan(enum fault_site site, const struct fault_plan *p)
{
    fault_here(&fault);
    fault_clear(&fault);
    fault_set(&fault, site, p);
}

TEST(fault__buf_out_of_memory_is_sticky)
{
    struct buf buf AT_END(buf_release) = BUF_INIT;

    buf_add_str(&buf, "abc");
    plan(FAULT_MALLOC, &(struct fault_plan){.from = 1});
    for (int i = 0; i < 1000; i++)
        buf_add_str(&buf, "0123456789");
    fault_clear(&fault);
    CHECK(buf_failed(&buf));
    CHECK(buf.len >= 3 && buf.len <= 256);
    CHECK_INT(memcmp(buf.ptr, "abc", 3), 0);
}

TEST(fault__arena_survives_every_failing_allocation)
{
    uint64_t n = 0, fired = 1;

    for (uint64_t from = 1; fired; from++) {
        struct arena arena;

        arena_init(&arena, 256, 0);
        plan(FAULT_MALLOC, &(struct fault_plan){.from = from, .count = 1});
        for (int i = 0; i < 50; i++) {
            char *p = arena_alloc(&arena, 100);

            if (p)
                memset(p, i, 100);
            else
                n++;
        }
        fired = fault_fired(&fault, FAULT_MALLOC);
        fault_clear(&fault);
        arena_release(&arena);
        CHECK_INT(arena.held_bytes, 0);
    }
    CHECK(n > 5);
}

TEST(fault__problems_count_what_memory_did_not_hold)
{
    struct arena arena AT_END(arena_release);
    struct problems problems;

    arena_init(&arena, 256, 0);
    problems_init(&problems, &arena, 100);
    plan(FAULT_MALLOC, &(struct fault_plan){.from = 2});
    for (int i = 0; i < 20; i++)
        problems_add(&problems, "/a", "detail %d", i);
    fault_clear(&fault);
    CHECK_INT(problems.n + problems.dropped, 20);
    CHECK(problems.dropped > 0 && problems.n > 0);
    CHECK_INT(problems_to_err(&problems, "f", ERR_DATA, &err), -1);
    CHECK(strstr(err.text, " more"));
}

TEST(fault__file_read)
{
    struct buf whole AT_END(buf_release) = BUF_INIT, got = BUF_INIT;

    CHECK_OK(file_read("LICENSE", 1 << 20, &whole, &err), err);
    test_row("fault__file_read survives short reads");
    plan(FAULT_READ, &(struct fault_plan){.from = 1, .short_bytes = 7});
    CHECK_OK(file_read("LICENSE", 1 << 20, &got, &err), err);
    CHECK(fault_fired(&fault, FAULT_READ) > 1000);
    CHECK(view_eq(buf_view(&got), buf_view(&whole)));
    test_row("fault__file_read continues after EINTR");
    plan(FAULT_READ, &(struct fault_plan){.from = 1, .count = 3, .error = EINTR});
    CHECK_OK(file_read("LICENSE", 1 << 20, &got, &err), err);
    CHECK_INT(fault_fired(&fault, FAULT_READ), 3);
    CHECK(view_eq(buf_view(&got), buf_view(&whole)));
    test_row("fault__file_read reports a bad disk");
    plan(FAULT_READ, &(struct fault_plan){.from = 1, .error = EIO});
    CHECK_ERR(file_read("LICENSE", 1 << 20, &got, &err), err, "Input/output error");
    CHECK_INT(err.code, ERR_NOINPUT);
    test_row("fault__file_read reports no descriptors");
    plan(FAULT_OPEN, &(struct fault_plan){.from = 1, .error = EMFILE});
    CHECK_ERR(file_read("LICENSE", 1 << 20, &got, &err), err, "Too many open files");
    test_row("fault__file_read reports no memory");
    buf_release(&got);
    plan(FAULT_MALLOC, &(struct fault_plan){.from = 1});
    CHECK_ERR(file_read("LICENSE", 1 << 20, &got, &err), err, "out of memory");
    CHECK_INT(err.code, ERR_NOMEM);
    fault_clear(&fault);
    buf_release(&got);
}

static void write_fails(const char *path, enum fault_site site, int error, const char *part)
{
    struct buf got AT_END(buf_release) = BUF_INIT;

    test_row("fault__file_write keeps the old file: %s", part);
    plan(site, &(struct fault_plan){.from = 1, .error = error});
    CHECK_ERR(file_write(path, VIEW_LIT("new"), &err), err, part);
    fault_clear(&fault);
    CHECK_OK(file_read(path, 100, &got, &err), err);
    CHECK_VIEW(buf_view(&got), "old");
}

TEST(fault__file_write)
{
    char dir[] = "/tmp/adrank-wrapped-XXXXXX", path[64];
    struct buf got = BUF_INIT;

    CHECK(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/f", dir);
    CHECK_OK(file_write(path, VIEW_LIT("old"), &err), err);
    write_fails(path, FAULT_WRITE, ENOSPC, "No space left");
    write_fails(path, FAULT_FSYNC, EIO, "Input/output");
    write_fails(path, FAULT_CLOSE, EDQUOT, "quota");
    write_fails(path, FAULT_RENAME, EACCES, "Permission denied");
    write_fails(path, FAULT_OPEN, EROFS, "Read-only");
    test_row("fault__file_write survives short writes and EINTR");
    plan(FAULT_WRITE, &(struct fault_plan){.from = 1, .short_bytes = 1});
    CHECK_OK(file_write(path, VIEW_LIT("0123456789"), &err), err);
    CHECK_INT(fault_fired(&fault, FAULT_WRITE), 10);
    plan(FAULT_WRITE, &(struct fault_plan){.from = 1, .count = 2, .error = EINTR});
    CHECK_OK(file_write(path, VIEW_LIT("abc"), &err), err);
    fault_clear(&fault);
    CHECK_OK(file_read(path, 100, &got, &err), err);
    CHECK_VIEW(buf_view(&got), "abc");
    buf_release(&got);
    CHECK(unlink(path) == 0);
    CHECK(rmdir(dir) == 0); /* no temporary file was left */
}

static void on_letter(struct letter *letter, void *n)
{
    (void)letter;
    (*(int *)n)++;
}

TEST(fault__mailbox_wakes_though_interrupted)
{
    struct mailbox box AT_END(mailbox_release);
    struct letter letter = {NULL, on_letter};
    int n = 0;

    CHECK_OK(mailbox_init(&box, &err), err);
    plan(FAULT_WRITE, &(struct fault_plan){.from = 1, .count = 2, .error = EINTR});
    mailbox_post(&box, &letter);
    CHECK_INT(fault_fired(&fault, FAULT_WRITE), 2);
    plan(FAULT_READ, &(struct fault_plan){.from = 1, .count = 2, .error = EINTR});
    CHECK_INT(mailbox_drain(&box, &n), 1);
    CHECK_INT(fault_fired(&fault, FAULT_READ), 2);
    CHECK_INT(n, 1);
    fault_clear(&fault);
}

TEST(fault__clock_is_what_the_test_says)
{
    int64_t monotonic_us = clock_now_us(), wall_ms = clock_wall_ms();

    fault_here(&fault);
    fault_shift_clocks(&fault, INT64_C(10000000000), -INT64_C(1500000));
    CHECK_NEAR((double)(clock_now_us() - monotonic_us), 1e10, 5e6);
    CHECK_NEAR((double)(clock_wall_ms() - wall_ms), -1500, 1000);
    fault_clear(&fault);
}
