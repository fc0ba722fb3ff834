#!/bin/sh
# usage: ./adrank bench engine [MODEL...]: forward passes of one request of 100 ads (prefix of 64 tokens, ads of 8 to 24) as
# cross and as prefix, beside the bare matrix products of the same shapes, in rounds. Default: the demo's model.
set -eu
[ $# -gt 0 ] || set -- config/demo/model
threads=${THREADS:-$(nproc)}
for model in "$@"; do
    for round in 1 2 3; do
        for kind in cross prefix; do
            printf '%s round %s ' "$model" "$round"
            build/release/bin/adrank-model bench "$model" --kind "$kind" --pairs 100 --prefix 64 --ads 8:24 \
                --threads "$threads" --seconds "${SECONDS_EACH:-3}" --json -
        done
    done
done
