#!/bin/sh
# usage: ./adrank bench daemon [ADRANK-BENCH OPTIONS]: the demo (Redis, behaviour, the demo's model)
# under adrank-bench on the same machine. Without options: the highest rate of requests with 20 ads
# and 3 events each that keeps p99 under 20 ms.
set -eu
. scripts/usage
help_or_go_on "$@"
port=${PORT:-18080}
log=$(mktemp)
build/release/bin/adrank-demo --port "$port" >"$log" 2>&1 &
demo=$!
trap 'kill $demo 2>/dev/null; wait $demo 2>/dev/null || true; rm -f "$log"' EXIT
tries=0
until grep -q '^Serving' "$log"; do
    tries=$((tries + 1))
    if [ $tries -gt 300 ] || ! kill -0 $demo 2>/dev/null; then
        cat "$log" >&2
        exit 69
    fi
    sleep 0.1
done
[ $# -gt 0 ] || set -- --find-max --slo p99=20ms --rate 100 --tmax 100
build/release/bin/adrank-bench --address "127.0.0.1:$port" --admin "127.0.0.1:$((port + 1))" "$@"
