/* adrank-bench --connections: the closed loop, with a server that is sometimes away. */
#include <sys/resource.h>
#include <unistd.h>

#include "tests/e2e/bench_peer.h"
#include "tests/e2e/bench_run.h"
#include "tests/test.h"

static struct bench_peer peer;
static struct bench_run run;

TEST(bench_closed__keeps_its_connections)
{
    bench_peer_start(&peer);
    bench_begin(&run, peer.address,
                "--connections 5 --duration 0.5 --warmup 0 --tmax 5000 --slo p99=5000ms");
    CHECK_INT(bench_finish(&run), 0);
    bench_peer_stop(&peer);
    CHECK_INT(peer.n_accepted, 5);
    CHECK_INT(bench_figure(&run, "/outcomes/ok"), peer.n_answered);
    CHECK_INT(bench_figure(&run, "/intended"), peer.n_answered);
    CHECK(bench_figure(&run, "/achieved_per_s") > 100);
    CHECK(bench_figure(&run, "/offered_per_s") == 0);
}

/* If a cut connection were never reopened, the run would end after four. */
TEST(bench_closed__continues_after_a_cut)
{
    bench_peer_start(&peer);
    peer.cut_every = 20;
    bench_begin(&run, peer.address, "--connections 4 --duration 1 --warmup 0 --tmax 5000");
    CHECK_INT(bench_finish(&run), 0);
    bench_peer_stop(&peer);
    printf("     %d answered, %d cut\n", peer.n_answered, peer.n_cut);
    CHECK(peer.n_cut >= 12);
    CHECK_INT(bench_figure(&run, "/outcomes/failed"), peer.n_cut);
    CHECK_INT(bench_figure(&run, "/outcomes/ok"), peer.n_answered);
    CHECK(peer.n_accepted >= peer.n_cut && peer.n_accepted <= 4 + peer.n_cut);
}

/* It recovers its earlier rate, and does not spin while connections are refused. */
TEST(bench_closed__recovers_when_the_server_returns)
{
    int before, gone;

    bench_peer_start(&peer);
    bench_begin(&run, peer.address, "--connections 4 --duration 2 --warmup 0 --tmax 5000");
    usleep(600000);
    before = peer.n_answered;
    peer.away = 1;
    usleep(400000);
    gone = peer.n_answered;
    peer.away = 0;
    CHECK_INT(bench_finish(&run), 0);
    bench_peer_stop(&peer);
    printf("     %d answered before, %d after, %.0f failed\n", before, peer.n_answered - gone,
           bench_figure(&run, "/outcomes/failed"));
    CHECK(before > 0 && peer.n_answered - gone > before / 4);
    CHECK(bench_figure(&run, "/outcomes/failed") >= 8);
    CHECK(bench_figure(&run, "/outcomes/failed") < 400);
}

/* The usual limit on descriptors is below what --connections accepts. */
TEST(bench_closed__raises_its_limit_on_descriptors)
{
    struct rlimit limit, low;

    bench_peer_start(&peer);
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    low = (struct rlimit){.rlim_cur = 32, .rlim_max = limit.rlim_max};
    CHECK(setrlimit(RLIMIT_NOFILE, &low) == 0);
    bench_begin(&run, peer.address, "--connections 64 --duration 0.5 --warmup 0 --tmax 5000");
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK_INT(bench_finish(&run), 0);
    bench_peer_stop(&peer);
    CHECK_INT(peer.n_accepted, 64);
    CHECK(bench_figure(&run, "/outcomes/failed") == 0);
}
