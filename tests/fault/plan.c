/* Decides whether an interposed call fails. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/view.h"
#include "tests/fault/board.h"

static const char *const site_names[FAULT_SITES] = {
    [FAULT_MALLOC] = "malloc", [FAULT_READ] = "read",    [FAULT_WRITE] = "write",
    [FAULT_SEND] = "send",     [FAULT_OPEN] = "open",    [FAULT_CLOSE] = "close",
    [FAULT_FSYNC] = "fsync",   [FAULT_RENAME] = "rename"};

void fault_here(struct fault *fault)
{
    *fault = (struct fault){.board = fault_board_here()};
}

void fault_set(struct fault *fault, enum fault_site site, const struct fault_plan *plan)
{
    struct fault_line *line = &fault->board->lines[site];

    atomic_store(&line->active, 0);
    atomic_store(&line->seen, 0);
    atomic_store(&line->fired, 0);
    if (!plan)
        return;
    atomic_store(&line->from, plan->from);
    atomic_store(&line->count, plan->count);
    atomic_store(&line->one_in, plan->one_in);
    atomic_store(&line->error, site == FAULT_MALLOC && plan->from ? ENOMEM : plan->error);
    atomic_store(&line->short_bytes, plan->short_bytes);
    atomic_store(&line->delay_us, plan->delay_us);
    atomic_store(&line->on, plan->on);
    atomic_store(&line->active, 1);
}

void fault_clear(struct fault *fault)
{
    for (int site = 0; site < FAULT_SITES; site++)
        fault_set(fault, (enum fault_site)site, NULL);
    fault_shift_clocks(fault, 0, 0);
    fault_set_euid(fault, -1);
}

uint64_t fault_seen(const struct fault *fault, enum fault_site site)
{
    return atomic_load(&fault->board->lines[site].seen);
}

uint64_t fault_fired(const struct fault *fault, enum fault_site site)
{
    return atomic_load(&fault->board->lines[site].fired);
}

void fault_shift_clocks(struct fault *fault, int64_t monotonic_us, int64_t wall_us)
{
    atomic_store(&fault->board->monotonic_us, monotonic_us);
    atomic_store(&fault->board->wall_us, wall_us);
}

void fault_set_euid(struct fault *fault, int64_t euid)
{
    atomic_store(&fault->board->euid_plus_1, euid + 1);
}

/* The word from *text up to one of the ends, which is skipped; *end is that end, or NUL. */
static struct view next_word(const char **text, const char *ends, char *end)
{
    size_t len = strcspn(*text, ends);
    struct view word = {*text, len};

    *end = (*text)[len];
    *text += len + (*end != 0);
    return word;
}

static int to_number(struct view text, int64_t *out)
{
    char copy[24];
    char *end;

    if (text.len == 0 || text.len >= sizeof(copy))
        return -1;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = 0;
    *out = strtoll(copy, &end, 10);
    return *end ? -1 : 0;
}

static int to_error(struct view text, int64_t *out)
{
    for (int error = 1; error < 134; error++) {
        const char *name = strerrorname_np(error);

        if (name && view_is(text, name)) {
            *out = error;
            return 0;
        }
    }
    return to_number(text, out);
}

static int to_on(struct view text, unsigned *out)
{
    static const char *const names[] = {"socket", "file", "ours"};
    const char *p = text.ptr;

    while (p < text.ptr + text.len) {
        size_t len = strcspn(p, "+,;");
        unsigned bit = 0;

        for (unsigned i = 0; i < 3; i++)
            if (view_is((struct view){p, len}, names[i]))
                bit = 1u << i;
        if (!bit)
            return -1;
        *out |= bit;
        p += len + 1;
    }
    return 0;
}

static int set_key(struct fault_plan *plan, struct view key, struct view value)
{
    int64_t n = 0;

    if (view_is(key, "on"))
        return to_on(value, &plan->on);
    if (view_is(key, "error") ? to_error(value, &n) : to_number(value, &n))
        return -1;
    if (view_is(key, "from"))
        plan->from = (uint64_t)n;
    else if (view_is(key, "count"))
        plan->count = (uint64_t)n;
    else if (view_is(key, "one_in"))
        plan->one_in = (uint32_t)n;
    else if (view_is(key, "error"))
        plan->error = (int)n;
    else if (view_is(key, "short_bytes"))
        plan->short_bytes = (uint32_t)n;
    else if (view_is(key, "delay_us"))
        plan->delay_us = (uint32_t)n;
    else
        return -1;
    return 0;
}

/* Settings of the whole program: "clock" and "user". */
static int set_whole(struct fault *fault, bool is_clock, struct view key, struct view value)
{
    int64_t n;

    if (to_number(value, &n))
        return -1;
    if (is_clock && view_is(key, "monotonic_us"))
        atomic_store(&fault->board->monotonic_us, n);
    else if (is_clock && view_is(key, "wall_us"))
        atomic_store(&fault->board->wall_us, n);
    else if (!is_clock && view_is(key, "euid"))
        fault_set_euid(fault, n);
    else
        return -1;
    return 0;
}

static int find_site(struct view name)
{
    for (int site = 0; site < FAULT_SITES; site++)
        if (view_is(name, site_names[site]))
            return site;
    return -1;
}

int fault_parse(struct fault *fault, const char *text)
{
    while (*text) {
        struct fault_plan plan = {.from = 1};
        char end;
        struct view name = next_word(&text, ":", &end);
        bool is_clock = view_is(name, "clock"), is_whole = is_clock || view_is(name, "user");
        int site = find_site(name);

        if (end != ':' || (site == -1 && !is_whole))
            return -1;
        do {
            struct view key = next_word(&text, "=,;", &end), value;

            if (end != '=')
                return -1;
            value = next_word(&text, ",;", &end);
            if (is_whole ? set_whole(fault, is_clock, key, value) : set_key(&plan, key, value))
                return -1;
        } while (end == ',');
        if (!is_whole)
            fault_set(fault, (enum fault_site)site, &plan);
    }
    return 0;
}
