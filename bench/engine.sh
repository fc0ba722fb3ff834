#!/bin/sh
# usage: ./adrank bench engine [MODEL]: forward passes of one request of 100 ads (prefix of 64 tokens, ads of 8 to 24) as cross and
# as prefix, beside the bare matrix products of the same shapes: interleaved rounds, then medians. Default: the demo's
# model. ROUNDS, THREADS and SECONDS_EACH choose; PYTHON with torch and transformers adds PyTorch's padded pairs.
set -eu
model=${1:-config/demo/model}
threads=${THREADS:-$(nproc)}
seconds=${SECONDS_EACH:-3}
lines=$(mktemp)
trap 'rm -f "$lines"' EXIT
round=0
while [ $round -lt "${ROUNDS:-5}" ]; do
    round=$((round + 1))
    for kind in cross prefix; do
        build/release/bin/adrank-model bench "$model" --kind "$kind" --pairs 100 --prefix 64 --ads 8:24 \
            --threads "$threads" --seconds "$seconds" --json - | tee -a "$lines"
    done
    [ -z "${PYTHON:-}" ] ||
        "$PYTHON" bench/peers/pytorch_cross.py "$model" --threads "$threads" --seconds "$seconds" 2>/dev/null | tee -a "$lines"
done
awk '
function value(key) { return match($0, "\"" key "\": *[^,}]*") ? substr($0, RSTART + length(key) + 3, RLENGTH - length(key) - 3) + 0 : "" }
function median(list, n,   a, i, j, t) {
    split(list, a, " ")
    for (i = 2; i <= n; i++) for (j = i; j > 1 && a[j - 1] + 0 > a[j] + 0; j--) { t = a[j]; a[j] = a[j - 1]; a[j - 1] = t }
    return n % 2 ? a[(n + 1) / 2] : (a[n / 2] + a[n / 2 + 1]) / 2
}
/"peer"/ { peer = peer " " value("pairs_per_s"); np++; next }
{ k = $0 ~ /"cross"/ ? "cross" : "prefix"; rate[k] = rate[k] " " value("pairs_per_s"); n[k]++
  share[k] = share[k] " " value("gflops") / value("bare_gflops"); gflops[k] = gflops[k] " " value("gflops") }
END {
    for (k in n) { r[k] = median(rate[k], n[k])
        printf "%-6s %8.1f pairs/s  %6.1f useful GFLOP/s  %.2f of the bare products\n", k, r[k], median(gflops[k], n[k]), median(share[k], n[k]) }
    printf "prefix over cross: %.2f\n", r["prefix"] / r["cross"]
    if (np) printf "PyTorch f32, padded pairs: %.1f pairs/s; cross %.2f times that, prefix %.2f times\n", median(peer, np), r["cross"] / median(peer, np), r["prefix"] / median(peer, np)
}' "$lines"
