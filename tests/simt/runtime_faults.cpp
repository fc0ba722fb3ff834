/* Faults on demand, from a test in the process or from outside it, and the calls that are made. */
#include "tests/simt/runtime_state.h"

#include <string>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fault_state {
    int calls, calls_after_failure;
    int fail_at, hang_at, block_at; /* counts of calls; -1: never */
    std::string fail_name;          /* only calls of this name count for fail_in */
    int fail_in;                    /* so many of them until one fails; 0: none does */
    std::string block_name;         /* a call of this name blocks */
    cudaError_t failure, sticky;
    bool traces;
    void (*on_call)(const char *name);
    const char *path; /* of the file that arms them; NULL: none does */
    std::string text; /* that it had */
};

static struct fault_state *make_faults()
{
    struct fault_state *f = new struct fault_state();
    int fail_at = simt_number("ADRANK_SIMT_FAIL", 0);

    f->fail_at = fail_at > 0 ? fail_at : -1;
    f->hang_at = simt_number("ADRANK_SIMT_HANG", -1);
    f->block_at = -1;
    f->failure = cudaErrorUnknown;
    f->path = getenv("ADRANK_SIMT_FAULTS");
    return f;
}

static struct fault_state &faults()
{
    static struct fault_state *all = make_faults();
    return *all;
}

/* ---- the file that arms them ----------------------------------------------------------------- */

static std::string file_text(const char *path)
{
    char text[256];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd == -1 ? 0 : read(fd, text, sizeof(text));

    if (fd != -1)
        close(fd);
    return std::string(text, n > 0 ? (size_t)n : 0);
}

/* Adds a line to the file of that name with a suffix. */
static void note(const char *suffix, const char *name)
{
    const struct fault_state &f = faults();
    FILE *file = f.path ? fopen((std::string(f.path) + suffix).c_str(), "ae") : NULL;

    if (!file)
        return;
    fprintf(file, "%s\n", name);
    fclose(file);
}

static std::vector<std::string> words_of(const std::string &text)
{
    std::vector<std::string> words;
    size_t end;

    for (size_t at = 0; (at = text.find_first_not_of(" \n", at)) != std::string::npos; at = end) {
        end = text.find_first_of(" \n", at);
        words.push_back(text.substr(at, end == std::string::npos ? end : end - at));
    }
    return words;
}

static bool is_number(const std::string &word)
{
    return word.find_first_not_of("0123456789") == std::string::npos;
}

/* fail N, fail NAME or fail NAME N; at is the word behind "fail". Returns the last one it took. */
static size_t arm_failure(struct fault_state &f, const std::vector<std::string> &words, size_t at)
{
    f.failure = cudaErrorLaunchFailure;
    if (is_number(words[at])) {
        f.fail_at = f.calls - 1 + atoi(words[at].c_str());
        return at;
    }
    f.fail_name = words[at];
    f.fail_in = 1;
    if (at + 1 == words.size() || !is_number(words[at + 1]))
        return at;
    f.fail_in = atoi(words[at + 1].c_str());
    return at + 1;
}

static void arm_hang(struct fault_state &f, const std::string &what)
{
    if (what == "events")
        f.hang_at = f.calls - 1;
    else if (what == "calls")
        f.block_at = f.calls;
    else
        f.block_name = what;
}

/* The call that is being counted is the first with these faults. */
static void arm(struct fault_state &f, const std::string &text)
{
    const std::vector<std::string> words = words_of(text);

    f.text = text;
    f.fail_at = f.hang_at = f.block_at = -1;
    f.fail_in = 0;
    f.block_name.clear();
    f.traces = false;
    for (size_t i = 0; i < words.size(); i++) {
        const bool more = i + 1 < words.size();
        if (words[i] == "fail" && more) {
            i = arm_failure(f, words, i + 1);
        } else if (words[i] == "hang" && more) {
            arm_hang(f, words[++i]);
        } else if (words[i] == "trace") {
            f.traces = true;
        } else {
            fprintf(stderr, "simt: %s: unknown word \"%s\"\n", f.path, words[i].c_str());
            abort();
        }
    }
}

static void look()
{
    struct fault_state &f = faults();

    if (f.path) {
        const std::string text = file_text(f.path);
        if (text != f.text)
            arm(f, text);
    }
}

/* ---- calls ----------------------------------------------------------------------------------- */

static bool blocks(const char *name)
{
    const struct fault_state &f = faults();

    return (f.block_at >= 0 && f.calls >= f.block_at) || f.block_name == name;
}

static bool fails(const char *name)
{
    struct fault_state &f = faults();

    if (f.fail_at >= 0 && f.calls >= f.fail_at)
        return true;
    return f.fail_in > 0 && f.fail_name == name && --f.fail_in == 0;
}

/* Waits, without the lock, as long as the condition holds. */
template <typename C> static void wait_while(const char *what, C condition)
{
    note(".hangs", what);
    while (condition()) {
        the().mutex.unlock();
        usleep(1000);
        the().mutex.lock();
        look();
    }
}

cudaError_t simt_enter(const char *name)
{
    struct fault_state &f = faults();

    f.calls++;
    if (f.on_call)
        f.on_call(name);
    look();
    if (f.traces)
        note(".calls", name);
    if (f.sticky != cudaSuccess) {
        f.calls_after_failure++;
        note(".after", name);
        return f.sticky;
    }
    if (blocks(name))
        wait_while(name, [name] { return blocks(name); });
    if (fails(name)) {
        note(".failed", name);
        f.sticky = f.failure;
    }
    return f.sticky;
}

cudaError_t simt_call(const char *name)
{
    LOCK;
    return simt_enter(name);
}

cudaError_t simt_sticky()
{
    return faults().sticky;
}

bool simt_hangs()
{
    const struct fault_state &f = faults();

    return f.hang_at >= 0 && f.calls > f.hang_at;
}

void simt_wait_for_hang(const char *what)
{
    if (simt_hangs())
        wait_while(what, simt_hangs);
}

/* ---- from a test in the process -------------------------------------------------------------- */

void simt_fail(int n, cudaError_t error)
{
    LOCK;
    struct fault_state &f = faults();

    f.fail_at = n > 0 ? f.calls + n : -1;
    f.failure = error;
    f.calls_after_failure = 0;
    if (f.sticky != cudaSuccess)
        simt_forget_memory();
    f.sticky = cudaSuccess;
}

void simt_hang(int n)
{
    LOCK;
    faults().hang_at = n < 0 ? -1 : faults().calls + n;
}

int simt_calls(void)
{
    LOCK;
    return faults().calls;
}

int simt_calls_after_failure(void)
{
    LOCK;
    return faults().calls_after_failure;
}

void simt_watch(void (*on_call)(const char *name))
{
    LOCK;
    faults().on_call = on_call;
}
