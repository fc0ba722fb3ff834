/* Runs grids on fibers: the order of threads, the places where they meet, shared memory, copies. */
#include "kernels/cuda/simt.cuh"

#include <algorithm>
#include <mutex>
#include <vector>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/simt/fiber.h"

#define LANES 32
#define MAX_THREADS 1024
#define MAX_SHARED_BYTES (48 * 1024)
#define UNDEFINED_BYTE 0xff /* NaN in f32, f16 and bf16, -1 in integers */

enum meeting { MEET_NONE, MEET_SYNC, MEET_EXCHANGE, MEET_BALLOT, MEET_MMA };
static const char *const meeting_names[] = {"", "sync", "shuffle", "ballot", "mma"};

struct async_copy {
    void *to;
    unsigned char bytes[16];
};

enum state { RUNNING, WAITS_FOR_WARP, WAITS_FOR_BLOCK, RETURNED };

struct emulated { /* a thread of the block; simt_self points to its first member */
    struct simt_thread ids;
    struct fiber *fiber;
    enum state state;
    int index;
    std::vector<struct async_copy> copies; /* issued, not landed, oldest first */
    std::vector<size_t> groups;            /* number of copies in each committed group */
    size_t open_copies;                    /* issued since the last commit */
    float *d;                              /* operands of an mma */
    const uint32_t *a, *b;
};

struct rendezvous {
    int arrived;
    enum meeting kind;
    struct simt_place here;
};

struct warp {
    struct rendezvous meeting;
    int phase;
    uint32_t values[2][LANES]; /* two: a lane may be at its next meeting while others read */
};

struct shared_range {
    unsigned char *start;
    size_t bytes;
};

struct block {
    int n_threads, n_returned;
    const std::function<void()> *thread;
    struct rendezvous meeting;
    struct warp warps[MAX_THREADS / LANES];
    std::vector<struct shared_range> shared;
    size_t shared_bytes;
    unsigned char *dynamic;
    size_t dynamic_bytes;
};

struct simt_thread *simt_self;

static std::mutex one_grid;
/* Created once, used by every block, never freed. */
static std::vector<struct emulated *> &threads = *new std::vector<struct emulated *>();
static int ready[MAX_THREADS]; /* indices of threads that can go on */
static unsigned n_ready;
static struct block block;
static struct fiber *launcher;
static uint64_t random_state;

static uint32_t random_below(uint32_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)((random_state >> 32) * n >> 32);
}

static struct emulated *self()
{
    return (struct emulated *)(void *)simt_self;
}

__attribute__((format(printf, 1, 2), noreturn)) static void die(const char *format, ...)
{
    va_list list;

    fprintf(stderr, "simt: ");
    if (simt_self)
        fprintf(stderr, "block (%u, %u, %u), thread %d: ", blockIdx.x, blockIdx.y, blockIdx.z,
                self()->index);
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fprintf(stderr, "\n");
    abort();
}

/* ---- order ----------------------------------------------------------------------------------- */

/* Nothing can go on and not all threads have returned. */
__attribute__((noreturn)) static void report_divergence()
{
    for (int w = 0; w * LANES < block.n_threads; w++) {
        struct rendezvous *meeting = &block.warps[w].meeting;
        if (meeting->arrived)
            die("divergence: only %d of warp %d's lanes reached the %s at %s:%d", meeting->arrived,
                w, meeting_names[meeting->kind], meeting->here.file, meeting->here.line);
    }
    die("divergence: %d of %d threads reached the barrier at %s:%d, %d returned",
        block.meeting.arrived, block.n_threads, block.meeting.here.file, block.meeting.here.line,
        block.n_returned);
}

/* Suspends the caller and goes on with a thread drawn from the ready ones, or with the launcher
 * when all have returned. */
static void run_another()
{
    struct emulated *next;
    uint32_t drawn;

    if (n_ready == 0) {
        if (block.n_returned != block.n_threads)
            report_divergence();
        simt_self = NULL;
        fiber_switch(launcher);
        return;
    }
    drawn = random_below(n_ready);
    next = threads[(size_t)ready[drawn]];
    ready[drawn] = ready[--n_ready];
    simt_self = &next->ids;
    fiber_switch(next->fiber);
}

static void wake(int first, int n, enum state waiting)
{
    for (int i = first; i < first + n; i++)
        if (threads[(size_t)i]->state == waiting) {
            threads[(size_t)i]->state = RUNNING;
            ready[n_ready++] = i;
        }
}

/* Whether the caller is the last to arrive. */
static bool arrive(struct rendezvous *meeting, int expected, enum meeting kind,
                   struct simt_place here)
{
    if (meeting->arrived == 0) {
        meeting->kind = kind;
        meeting->here = here;
    } else if (meeting->kind != kind || meeting->here.line != here.line ||
               (meeting->here.file != here.file && strcmp(meeting->here.file, here.file) != 0)) {
        die("divergence: at the %s of %s:%d while others are at the %s of %s:%d",
            meeting_names[kind], here.file, here.line, meeting_names[meeting->kind],
            meeting->here.file, meeting->here.line);
    }
    return ++meeting->arrived == expected;
}

void simt_block_sync(struct simt_place here)
{
    struct emulated *me = self();

    fiber_release(&block);
    me->state = WAITS_FOR_BLOCK;
    if (arrive(&block.meeting, block.n_threads, MEET_SYNC, here)) {
        block.meeting.arrived = 0;
        wake(0, block.n_threads, WAITS_FOR_BLOCK);
    }
    run_another();
    fiber_acquire(&block);
}

static struct warp *own_warp()
{
    return &block.warps[self()->index / LANES];
}

/* at_last runs once, when all lanes have arrived and before any goes on. */
static void meet_warp(enum meeting kind, struct simt_place here, void (*at_last)(int first))
{
    struct emulated *me = self();
    struct warp *warp = own_warp();
    int first = me->index / LANES * LANES;

    if (first + LANES > block.n_threads)
        die("a %s at %s:%d in a warp of less than %d threads", meeting_names[kind], here.file,
            here.line, LANES);
    fiber_release(warp);
    me->state = WAITS_FOR_WARP;
    if (arrive(&warp->meeting, LANES, kind, here)) {
        warp->meeting.arrived = 0;
        warp->phase ^= 1;
        if (at_last)
            at_last(first);
        wake(first, LANES, WAITS_FOR_WARP);
    }
    run_another();
    fiber_acquire(warp);
}

void simt_warp_sync(struct simt_place here)
{
    meet_warp(MEET_SYNC, here, NULL);
}

uint32_t simt_exchange(uint32_t value, int from, struct simt_place here)
{
    struct warp *warp = own_warp();
    uint32_t *values = warp->values[warp->phase];

    values[simt_lane()] = value;
    meet_warp(MEET_EXCHANGE, here, NULL);
    return values[from];
}

uint32_t simt_ballot(bool vote, struct simt_place here)
{
    struct warp *warp = own_warp();
    uint32_t *values = warp->values[warp->phase], votes = 0;

    values[simt_lane()] = vote;
    meet_warp(MEET_BALLOT, here, NULL);
    for (int i = 0; i < LANES; i++)
        votes |= values[i] << i;
    return votes;
}

/* ---- matrix products ------------------------------------------------------------------------- */

static float f16_value(uint32_t bits)
{
    return __half2float(__half{(uint16_t)bits});
}

static float bf16_value(uint32_t bits)
{
    return __bfloat162float(__nv_bfloat16{(uint16_t)bits});
}

/* d += a b for the 32 lanes from `first` on, as the tables of the PTX manual lay them out. Products
 * of 16-bit elements are exact and are added up in f64. */
template <float (*value)(uint32_t)> static void multiply(int first)
{
    float a[16][16], b[8][16]; /* b is transposed */

    for (int lane = 0; lane < LANES; lane++) {
        const struct emulated *thread = threads[(size_t)(first + lane)];
        int g = lane / 4, c = lane % 4;
        for (int half = 0; half < 2; half++) {
            for (int i = 0; i < 4; i++)
                a[g + 8 * (i & 1)][2 * c + 8 * (i >> 1) + half] = value(thread->a[i] >> 16 * half);
            for (int i = 0; i < 2; i++)
                b[g][2 * c + 8 * i + half] = value(thread->b[i] >> 16 * half);
        }
    }
    for (int lane = 0; lane < LANES; lane++) {
        struct emulated *thread = threads[(size_t)(first + lane)];
        for (int i = 0; i < 4; i++) {
            const float *row = a[lane / 4 + 8 * (i >> 1)], *column = b[2 * (lane % 4) + (i & 1)];
            double sum = thread->d[i];
            for (int k = 0; k < 16; k++)
                sum += (double)row[k] * (double)column[k];
            thread->d[i] = (float)sum;
        }
    }
}

void simt_mma_16bit(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], bool bf16,
                    struct simt_place here)
{
    struct emulated *me = self();

    me->d = d;
    me->a = a;
    me->b = b;
    meet_warp(MEET_MMA, here, bf16 ? multiply<bf16_value> : multiply<f16_value>);
}

/* ---- shared memory and copies ---------------------------------------------------------------- */

void simt_shared_begin(void *memory, size_t bytes)
{
    for (const struct shared_range &range : block.shared)
        if (range.start == memory) {
            fiber_acquire(memory);
            return;
        }
    block.shared_bytes += bytes;
    if (block.shared_bytes > MAX_SHARED_BYTES)
        die("%zu bytes of shared memory, at most %d", block.shared_bytes, MAX_SHARED_BYTES);
    block.shared.push_back({(unsigned char *)memory, bytes});
    memset(memory, UNDEFINED_BYTE, bytes);
    fiber_release(memory);
}

unsigned char *simt_dynamic_shared()
{
    return block.dynamic;
}

void simt_not_aligned(const void *address, size_t bytes, struct simt_place here)
{
    die("%p is not aligned to %zu bytes at %s:%d", address, bytes, here.file, here.line);
}

static bool is_shared(const void *address, size_t bytes)
{
    const unsigned char *start = (const unsigned char *)address;

    for (const struct shared_range &range : block.shared)
        if (start >= range.start && start + bytes <= range.start + range.bytes)
            return true;
    return false;
}

void simt_copy_async16(void *shared, const void *from, bool valid, struct simt_place here)
{
    struct emulated *me = self();
    struct async_copy copy = {shared, {0}};

    simt_check_aligned(shared, sizeof(copy.bytes), here);
    simt_check_aligned(from, sizeof(copy.bytes), here);
    if (!is_shared(shared, sizeof(copy.bytes)))
        die("an asynchronous copy to %p, not in shared memory, at %s:%d", shared, here.file,
            here.line);
    if (valid) {
        fiber_note_read(from, sizeof(copy.bytes));
        memcpy(copy.bytes, from, sizeof(copy.bytes));
    }
    fiber_note_write(shared, sizeof(copy.bytes));
    memset(shared, UNDEFINED_BYTE, sizeof(copy.bytes));
    me->copies.push_back(copy);
    me->open_copies++;
}

void simt_copy_commit()
{
    struct emulated *me = self();

    me->groups.push_back(me->open_copies);
    me->open_copies = 0;
}

void simt_copy_wait_groups(int n)
{
    struct emulated *me = self();
    size_t n_landing = 0;

    while (me->groups.size() > (size_t)n) {
        n_landing += me->groups.front();
        me->groups.erase(me->groups.begin());
    }
    for (size_t i = 0; i < n_landing; i++) {
        fiber_note_write(me->copies[i].to, sizeof(me->copies[i].bytes));
        memcpy(me->copies[i].to, me->copies[i].bytes, sizeof(me->copies[i].bytes));
    }
    me->copies.erase(me->copies.begin(), me->copies.begin() + (ptrdiff_t)n_landing);
}

/* ---- grids ----------------------------------------------------------------------------------- */

/* A fiber's life: one thread of each block, without an end. */
static void run_threads(void *argument)
{
    struct emulated *me = (struct emulated *)argument;

    for (;;) {
        fiber_acquire(&launcher);
        (*block.thread)();
        if (!me->copies.empty())
            die("returned with %zu asynchronous copies not waited for", me->copies.size());
        me->groups.clear();
        me->state = RETURNED;
        block.n_returned++;
        fiber_release(&launcher);
        run_another();
    }
}

static void ensure_threads(int n)
{
    while (threads.size() < (size_t)n) {
        struct emulated *thread = new struct emulated();
        thread->index = (int)threads.size();
        thread->fiber = fiber_new(run_threads, thread);
        threads.push_back(thread);
    }
}

static void run_block(const struct simt_where &where, dim3 index)
{
    block.n_returned = 0;
    block.shared.clear();
    block.shared_bytes = block.dynamic_bytes;
    if (block.dynamic) {
        block.shared.push_back({block.dynamic, block.dynamic_bytes});
        memset(block.dynamic, UNDEFINED_BYTE, block.dynamic_bytes);
    }
    for (int i = 0; i < block.n_threads; i++) {
        unsigned thread = (unsigned)i;
        struct emulated *me = threads[thread];
        me->ids.thread = dim3(thread % where.block.x, thread / where.block.x % where.block.y,
                              thread / where.block.x / where.block.y);
        me->ids.threads = where.block;
        me->ids.block = index;
        me->ids.blocks = where.grid;
        me->ids.lane = i % LANES;
        me->state = RUNNING;
        me->open_copies = 0;
        ready[n_ready++] = i;
    }
    fiber_release(&launcher);
    run_another(); /* comes back when all have returned */
    fiber_acquire(&launcher);
}

static uint64_t seed()
{
    const char *text = getenv("ADRANK_SIMT_SEED");
    return (text ? strtoull(text, NULL, 10) : 0) * 2654435761u + 88172645463325252u;
}

void simt_run(const struct simt_where &where, const std::function<void()> &thread)
{
    std::lock_guard<std::mutex> lock(one_grid);
    size_t n_blocks = (size_t)where.grid.x * where.grid.y * where.grid.z;
    std::vector<size_t> order(n_blocks);

    if (random_state == 0)
        random_state = seed();
    launcher = fiber_of_thread();
    block.n_threads = (int)(where.block.x * where.block.y * where.block.z);
    ensure_threads(block.n_threads);
    block.thread = &thread;
    block.dynamic_bytes = where.shared_bytes;
    block.dynamic = where.shared_bytes
                        ? (unsigned char *)aligned_alloc(16, (where.shared_bytes + 15) & ~15ull)
                        : NULL;
    for (size_t i = 0; i < n_blocks; i++)
        order[i] = i;
    for (size_t i = n_blocks; i > 1; i--)
        std::swap(order[i - 1], order[random_below((uint32_t)i)]);
    for (size_t i : order)
        run_block(where,
                  dim3((unsigned)(i % where.grid.x), (unsigned)(i / where.grid.x % where.grid.y),
                       (unsigned)(i / where.grid.x / where.grid.y)));
    free(block.dynamic);
    block.dynamic = NULL;
}
