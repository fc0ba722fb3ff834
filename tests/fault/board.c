/* The shared memory in which a test plans faults for another process. */
#include "tests/fault/board.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Nothing in this file may allocate, or go through a function that this library replaces. */

static struct fault_board own_board = {.magic = FAULT_MAGIC};
static struct fault_board *_Atomic board;
static uintptr_t program_start, program_end;

static struct fault_board *map_shared(const char *path)
{
    long fd = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
    struct fault_board *shared;

    if (fd == -1)
        return NULL;
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, (int)fd, 0);
    syscall(SYS_close, fd);
    if (shared == MAP_FAILED || shared->magic != FAULT_MAGIC)
        return NULL;
    return shared;
}

struct fault_board *fault_board_here(void)
{
    struct fault_board *found = atomic_load_explicit(&board, memory_order_acquire);
    const char *path;

    if (found)
        return found;
    path = getenv("ADRANK_FAULT");
    found = path ? map_shared(path) : NULL;
    if (!found)
        found = &own_board;
    atomic_store_explicit(&board, found, memory_order_release);
    return found;
}

/* The first object of the list is the program itself. */
static int note_program(struct dl_phdr_info *object, size_t size, void *arg)
{
    (void)size;
    (void)arg;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        uintptr_t start = object->dlpi_addr + segment->p_vaddr;

        if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X))
            continue;
        program_start = start;
        program_end = start + segment->p_memsz;
    }
    return 1;
}

__attribute__((constructor)) static void start(void)
{
    const char *text = getenv("ADRANK_FAULT_PLAN");
    struct fault fault = {.board = fault_board_here()};

    dl_iterate_phdr(note_program, NULL);
    if (text && fault_parse(&fault, text)) {
        dprintf(STDERR_FILENO, "ADRANK_FAULT_PLAN: cannot be read: %s\n", text);
        _exit(64);
    }
}

static bool is_about(const struct fault_line *line, int fd, const void *caller)
{
    unsigned on = atomic_load_explicit(&line->on, memory_order_relaxed);
    struct stat st;

    if ((on & FAULT_OURS) &&
        ((uintptr_t)caller < program_start || (uintptr_t)caller >= program_end))
        return false;
    if (!(on & (FAULT_ON_SOCKET | FAULT_ON_FILE)))
        return true;
    if (fd == -1 || fstat(fd, &st) == -1)
        return false;
    return ((on & FAULT_ON_SOCKET) && S_ISSOCK(st.st_mode)) ||
           ((on & FAULT_ON_FILE) && S_ISREG(st.st_mode));
}

/* splitmix64's finaliser: the same calls of a run are hit every time. */
static uint64_t scatter(uint64_t n)
{
    n = (n ^ (n >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    n = (n ^ (n >> 27)) * UINT64_C(0x94d049bb133111eb);
    return n ^ (n >> 31);
}

static bool is_hit(const struct fault_line *line, uint64_t number)
{
    uint64_t from = atomic_load_explicit(&line->from, memory_order_relaxed);
    uint64_t count = atomic_load_explicit(&line->count, memory_order_relaxed);
    uint32_t one_in = atomic_load_explicit(&line->one_in, memory_order_relaxed);

    if (from == 0 || number < from || (count && number - from >= count))
        return false;
    return one_in < 2 || scatter(number + 1) % one_in == 0;
}

static void sleep_us(uint32_t us)
{
    struct timespec t = {us / 1000000, (long)(us % 1000000) * 1000};

    syscall(SYS_nanosleep, &t, NULL);
}

struct fault_verdict fault_decide(enum fault_site site, int fd, const void *caller)
{
    struct fault_line *line = &fault_board_here()->lines[site];
    struct fault_verdict verdict = {0, SIZE_MAX};
    uint32_t delay_us, short_bytes;
    int saved = errno;

    if (!atomic_load_explicit(&line->active, memory_order_acquire) || !is_about(line, fd, caller))
        goto out;
    if (!is_hit(line, atomic_fetch_add(&line->seen, 1) + 1))
        goto out;
    atomic_fetch_add(&line->fired, 1);
    delay_us = atomic_load_explicit(&line->delay_us, memory_order_relaxed);
    short_bytes = atomic_load_explicit(&line->short_bytes, memory_order_relaxed);
    if (delay_us)
        sleep_us(delay_us);
    if (short_bytes)
        verdict.max_bytes = short_bytes;
    else
        verdict.error = atomic_load_explicit(&line->error, memory_order_relaxed);
out:
    errno = saved;
    return verdict;
}
