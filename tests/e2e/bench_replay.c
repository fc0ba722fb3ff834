/* What adrank-bench sends: the lines of a file, or generated requests. */
#include <unistd.h>

#include "base/file.h"
#include "tests/e2e/bench_peer.h"
#include "tests/e2e/bench_run.h"
#include "tests/e2e/shell.h"
#include "tests/js.h"

static struct bench_peer peer;
static struct bench_run run;
static struct driver d;

/* text: ' stands for ". */
static const char *write_lines(const char *text)
{
    static char path[64];
    struct err err;

    snprintf(path, sizeof(path), "/tmp/adrank-bench-lines-%d", (int)getpid());
    CHECK_OK(file_write(path, view_of(js("%s", text)), &err), err);
    return path;
}

TEST(bench_replay__sends_the_lines_in_turn)
{
    const char *path = write_lines("{'id':'one','tmax':3}\n"
                                   "\n"
                                   "{'request':{'id':'two'},'shown':[{'adid':'a1'}]}");

    bench_peer_start(&peer);
    peer.marks[0] = js("'id':'one'");
    peer.marks[1] = js("'id':'two'");
    peer.marks[2] = js("'tmax':777");
    peer.marks[3] = js("'shown'");
    bench_begin(&run, peer.address,
                "--connections 1 --duration 0.2 --warmup 0 --tmax 777 --replay %s", path);
    CHECK_INT(bench_finish(&run), 0);
    bench_peer_stop(&peer);
    unlink(path);
    CHECK(peer.n_answered > 10);
    CHECK_INT(peer.n_marked[0], (peer.n_answered + 1) / 2);
    CHECK_INT(peer.n_marked[1], peer.n_answered / 2);
    CHECK_INT(peer.n_marked[2], peer.n_answered);
    CHECK_INT(peer.n_marked[3], 0);
}

TEST(bench_replay__names_the_bad_line)
{
    static const struct {
        const char *lines, *place;
        int status;
    } rows[] = {
        {"{'id':'a'}\n{'id':}\n", ": line 2: ", 65},
        {"\n\n{'id':'a'}\n\nno\n", ": line 5: ", 65},
        {"\n[1]\n", ": line 2: not a JSON object", 65},
        {"{'id':'a'}\n\n{'id':'cut", ": line 3: ", 65},
        {"\n\n", ": no requests in it", 65},
    };
    char want[128];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *path = write_lines(rows[i].lines);

        test_row("replay: row %zu", i);
        bench_begin(&run, "127.0.0.1:1", "--replay %s", path);
        CHECK_INT(bench_finish(&run), rows[i].status);
        snprintf(want, sizeof(want), "%s%s", path, rows[i].place);
        if (!strstr(run.output, want))
            FAIL("output is \"%s\", want \"%s\"", run.output, want);
        unlink(path);
    }
    bench_begin(&run, "127.0.0.1:1", "--replay /nowhere/lines");
    CHECK_INT(bench_finish(&run), 66);
    CHECK(strstr(run.output, "/nowhere/lines"));
}

/* The world's impressions name its ads by text and by id. */
TEST(bench_replay__replays_impressions_of_the_simulator)
{
    const char *folder = shell_folder();
    char path[128];
    struct buf catalog = BUF_INIT;
    struct err err;

    CHECK_INT(shell(NULL, "%s world --seed 3 --replay 40 --out %s",
                    driver_build_path("bin/adrank-sim"), folder),
              0);
    snprintf(path, sizeof(path), "%s/catalog.jsonl", folder);
    CHECK_OK(file_read(path, 1 << 24, &catalog, &err), err);
    driver_start(&d, &(struct driver_args){.catalog = buf_str(&catalog)});
    buf_release(&catalog);
    CHECK_INT(bench_daemon(&run, &d,
                           "--rate 80 --duration 1 --warmup 0 --tmax 5000 "
                           "--replay %s/impressions.jsonl",
                           folder),
              0);
    CHECK(bench_figure(&run, "/intended") > 40);
    CHECK(bench_figure(&run, "/outcomes/ok") + bench_figure(&run, "/outcomes/degraded") ==
          bench_figure(&run, "/intended"));
    CHECK(bench_figure(&run, "/results") >= bench_figure(&run, "/intended"));
    CHECK(driver_metric(&d, "adrank_requests_total{code=\"200\",path=\"/rank\"}") >=
          bench_figure(&run, "/intended"));
}

/* What a new user tries first: the demo's model answers the generated requests in full. */
TEST(bench_replay__generated_requests_suit_the_demo)
{
    driver_start(&d, &(struct driver_args){.model = "config/demo/model", .backend = "cpu"});
    CHECK_INT(bench_daemon(&run, &d, "--connections 2 --duration 2 --warmup 0 --tmax 10000"), 0);
    printf("     %.0f answered in full\n", bench_figure(&run, "/outcomes/ok"));
    CHECK(bench_figure(&run, "/outcomes/ok") >= 20);
    CHECK(bench_figure(&run, "/outcomes/ok") == bench_figure(&run, "/intended"));
}
