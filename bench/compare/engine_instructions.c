/*
 * Instructions of one warm engine pass, counted by callgrind: ./adrank bench engine_instructions
 * [-m NAME] BUILD [BUILD]. BUILD is a folder such as build/release; of two, their ratio is printed,
 * too. -m NAME: one of the rows only.
 *
 * Each build's "adrank-model score" is opened under callgrind, one thread, and sent the same batch
 * again and again; it is asked for its counters around the second, so that opening and warming up
 * do not count. Reading, tokenising and writing the batch's lines are counted, too: a few per cent.
 * Valgrind shows a processor without AVX-512, and oneDNN and the kernels choose by what they are
 * shown.
 */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "bench/compare/callgrind.h"
#include "bench/usage.h"

enum { MAX_BUILDS = 2, PAIRS = 256, MAX_TOKENS = 12, CANDIDATES = 200 };

/* "adrank-model score" gathers 256 lines to a batch, if they are at most 8192 tokens. */
static void put_pairs(struct buf *out)
{
    for (int i = 0; i < PAIRS; i++)
        buf_printf(out,
                   "{\"text\":\"%d trail running shoes\",\"text_pair\":\"a sofa in green velvet "
                   "%d 悬疑小说 平装\"}\n",
                   i, i * 7 % PAIRS);
}

/* More than half of 8192 tokens: each such line flushes the one before it. */
static void put_request(struct buf *out)
{
    buf_printf(out, "{\"now_ms\":1700000000000,\"request\":{\"device\":{\"language\":\"en\"},"
                    "\"site\":{\"search\":\"trail shoes\"},\"rank\":{\"candidates\":[");
    for (int i = 0; i < CANDIDATES; i++)
        buf_printf(out,
                   "%s{\"adid\":\"x%d\",\"text\":\"%d trail running shoes, a sofa in green velvet "
                   "and a novel: 悬疑小说 平装 %d of them at the best price\"}",
                   i ? "," : "", i, i, i * 7 % CANDIDATES);
    buf_printf(out, "]}}}\n");
}

static const struct row {
    const char *name, *model, *options;
    void (*put)(struct buf *out);
    int lines;       /* of a batch */
    int sent_before; /* batches whose answer comes with the next batch */
} rows[] = {
    {"cross-plain", "tests/golden/logits/deep", "--linear plain --precision f32", put_pairs, PAIRS,
     0},
    {"prefix-plain", "config/demo/model", "--linear plain --precision f32", put_request, 1, 1},
    {"cross-onednn", "tests/golden/logits/deep", "--linear onednn --precision f32", put_pairs,
     PAIRS, 0},
    {"prefix-onednn", "config/demo/model", "--linear onednn --precision f32", put_request, 1, 1},
};

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "bench-engine_instructions: %s\n", what);
    exit(70);
}

/* ---- adrank-model under callgrind ------------------------------------------------------------ */

struct scorer {
    pid_t pid;
    FILE *in, *out; /* of ours: answers, and what is sent */
};

static _Noreturn void become(const char *build, const struct row *row, int fd)
{
    char command[3 * PATH_MAX];

    snprintf(command, sizeof(command),
             "exec valgrind -q --tool=callgrind --callgrind-out-file=/dev/null "
             "'%s/bin/adrank-model' score '%s' --threads 1 --max-tokens %d %s",
             build, row->model, MAX_TOKENS, row->options);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (dup2(fd, 0) == -1 || dup2(fd, 1) == -1)
        _exit(71);
    execl("/bin/sh", "sh", "-c", command, NULL);
    _exit(127);
}

static void scorer_start(struct scorer *scorer, const char *build, const struct row *row)
{
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
        fail("socketpair");
    scorer->pid = fork();
    if (scorer->pid == 0)
        become(build, row, fds[1]);
    close(fds[1]);
    scorer->in = fdopen(fds[0], "r");
    scorer->out = fdopen(dup(fds[0]), "w");
    if (scorer->pid == -1 || !scorer->in || !scorer->out)
        fail("fork");
}

static void scorer_stop(struct scorer *scorer)
{
    fclose(scorer->in);
    fclose(scorer->out);
    kill(scorer->pid, SIGKILL);
    waitpid(scorer->pid, NULL, 0);
}

static void scorer_send(struct scorer *scorer, const struct buf *batch)
{
    if (fwrite(batch->ptr, 1, batch->len, scorer->out) != batch->len || fflush(scorer->out))
        fail("adrank-model does not read");
}

static void scorer_read(struct scorer *scorer, int lines)
{
    for (int c; lines > 0; lines -= c == '\n') {
        c = getc(scorer->in);
        if (c == EOF)
            fail("adrank-model ended");
    }
}

/* ---- counting -------------------------------------------------------------------------------- */

/* One more batch; returns what was executed for it. */
static double count(struct scorer *scorer, const struct row *row, const struct buf *batch)
{
    double before = callgrind_executed(scorer->pid), after;

    scorer_send(scorer, batch);
    scorer_read(scorer, row->lines);
    after = callgrind_executed(scorer->pid);
    if (before < 0 || after < 0)
        fail("callgrind_control does not answer");
    return after - before;
}

/* All builds are opened together, which takes most of the time. */
static void run(const struct row *row, int n_builds, char **builds)
{
    struct scorer scorers[MAX_BUILDS];
    double counts[MAX_BUILDS] = {0};
    struct buf batch = BUF_INIT;

    row->put(&batch);
    if (buf_failed(&batch))
        fail("out of memory");
    for (int b = 0; b < n_builds; b++) {
        scorer_start(&scorers[b], builds[b], row);
        for (int i = 0; i <= row->sent_before; i++)
            scorer_send(&scorers[b], &batch);
    }
    printf("  %-16s", row->name);
    for (int b = 0; b < n_builds; b++) {
        scorer_read(&scorers[b], row->lines);
        counts[b] = count(&scorers[b], row, &batch);
        scorer_stop(&scorers[b]);
        printf(" %14.0f", counts[b]);
    }
    if (n_builds == 2)
        printf("  %.4f", counts[1] / counts[0]);
    printf("\n");
    fflush(stdout);
    buf_release(&batch);
}

/* Before valgrind reports it in its own words. */
static void check_build(const char *build)
{
    char program[PATH_MAX];

    snprintf(program, sizeof(program), "%s/bin/adrank-model", build);
    if (access(program, X_OK))
        fail("a BUILD has no bin/adrank-model");
}

int main(int argc, char **argv)
{
    const char *only = usage_only(&argc, &argv);
    int status;

    status = usage_status(argc, argv, 1, MAX_BUILDS,
                          "usage: ./adrank bench engine_instructions [-m NAME] BUILD [BUILD]\n");
    if (status >= 0)
        return status;
    if (!callgrind_present()) {
        fprintf(stderr, "bench-engine_instructions: no valgrind; apt-get install valgrind\n");
        return 69;
    }
    for (int b = 1; b < argc; b++)
        check_build(argv[b]);
    printf("instructions of one pass\n");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (!only || strcmp(only, rows[i].name) == 0)
            run(&rows[i], argc - 1, argv + 1);
    return 0;
}
