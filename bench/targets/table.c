/* The rows. H = 384: MiniLM-L6, H = 768: BERT-base; f16. */
#include "bench/targets/table.h"

#include <stddef.h>

#define MINILM "MiniLM-L6"
#define BASE "BERT-base"
#define HIGHER(least_, want_) (least_), (want_), false
#define LOWER(least_, want_) (least_), (want_), true
#define PASS(model_, row_) "pass/" model_ "@/" row_

const struct target targets[] = {
    {"useful rate over 8192^3, cross, 16 requests", MINILM, HIGHER(.42, .55),
     PASS(MINILM, "cross/16x100/share"), NULL},
    {"", BASE, HIGHER(.60, .72), PASS(BASE, "cross/16x100/share"), NULL},
    {"bare products over the pass, cross", MINILM, HIGHER(.50, .62),
     PASS(MINILM, "cross/16x100/bare_over_pass"), NULL},
    {"", BASE, HIGHER(.66, .76), PASS(BASE, "cross/16x100/bare_over_pass"), NULL},
    {"cross over PyTorch", MINILM, HIGHER(1.5, 1.9), "peer/" MINILM "@/cross", NULL},
    {"", BASE, HIGHER(1.2, 1.4), "peer/" BASE "@/cross", NULL},
    {"prefix over PyTorch's padded pairs", MINILM, HIGHER(6.5, 8), "peer/" MINILM "@/prefix", NULL},
    {"", BASE, HIGHER(5.3, 6.3), "peer/" BASE "@/prefix", NULL},
    {"prefix over packed flex_attention", MINILM, HIGHER(1.6, 2), "peer/" MINILM "@/flex", NULL},
    {"", BASE, HIGHER(1.4, 1.7), "peer/" BASE "@/flex", NULL},
    {"one request of 64 + 100 ads to scores, us", MINILM, LOWER(265, 200),
     PASS(MINILM, "prefix/1x100/host_us"), NULL},
    {"attention over copy, cross, d = 32", MINILM, LOWER(1.4, 1.25),
     "kernel/attention/cross/d32/over_copy", NULL},
    {"attention over copy, prefix, d = 32", MINILM, LOWER(2, 1.6),
     "kernel/attention/prefix/d32/over_copy", NULL},
    {"attention over copy, cross, d = 64", BASE, LOWER(0, 0),
     "kernel/attention/cross/d64/over_copy", NULL},
    {"attention over copy, prefix, d = 64", BASE, LOWER(0, 0),
     "kernel/attention/prefix/d64/over_copy", NULL},
    {"graph over plain launches, up to 256 tokens", MINILM, HIGHER(1.8, 2),
     PASS(MINILM, "prefix/1x8/plain_over_graph"), NULL},
    {"daemon at p99 <= 10 ms over engine-only", MINILM, HIGHER(.7, .9), "daemon/ads_per_s",
     "daemon/engine_ads_per_s"},
    {"p99 during 20 model swaps over p99 without", MINILM, LOWER(1.3, 1.05), "daemon/swap_p99_ms",
     "daemon/p99_ms"},
    {"answers by the model during them, %", MINILM, HIGHER(0, 0), "daemon/swap_ok_percent", NULL},
    {"daemon at p99 <= 10 ms, ads/s", MINILM, HIGHER(600000, 1000000), "daemon/ads_per_s", NULL},
};
const int n_targets = sizeof(targets) / sizeof(targets[0]);
