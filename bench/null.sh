#!/bin/sh
# usage: ./adrank bench null: the host's share of a daemon with a GPU: the demo's requests (Redis, behaviour, ads of the
# catalog) against devices that compute nothing: one that is done immediately, and one that takes as long as a GPU does for
# MiniLM-L6, 200 us and 50 ns a token. One worker, closed loop. For requests of 20 and 100 ads: rate, processor time by
# thread, and how many ads/s each thread would do with a core of its own. SECONDS_EACH (4) and CONNECTIONS (64) choose.
set -u
. scripts/usage
help_or_go_on "$@"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
port=${PORT:-18080}
lib=$PWD/build/release/lib
PATH=$PWD/build/release/bin:$PATH:/sbin:/usr/sbin
. scripts/bundle-load

# Of the daemon's threads of a name, in nanoseconds.
cpu_ns()
{
    for task in /proc/$daemon/task/*; do
        [ "$(cat "$task/comm")" != "$1" ] || cat "$task/schedstat"
    done | awk '{ n += $1 } END { printf "%.0f\n", n }'
}

# row DEVICE ADS
row()
{
    adrankd -c config/demo.json --allow-root --set "http.address=127.0.0.1:$port" --set "admin.address=127.0.0.1:$((port + 1))" \
        --set "features.url=unix:$scratch/redis" --set "catalog.path=$scratch/catalog.jsonl" \
        --set "privacy.user_key={\"\$file\":\"$scratch/key\"}" --set http.workers=1 --set "model.path=$scratch/null" \
        --set "model.backend=$lib/adrank-backend-$1.so" >"$scratch/daemon" 2>&1 &
    daemon=$!
    wait_for 20 grep -q event=ready "$scratch/daemon" || {
        cat "$scratch/daemon" >&2
        kill $daemon
        return 1
    }
    worker=$(cpu_ns worker)
    executor=$(cpu_ns executor)
    adrank-bench --address "127.0.0.1:$port" --admin "127.0.0.1:$((port + 1))" --connections "${CONNECTIONS:-64}" --tmax 500 \
        --warmup 0 --duration "${SECONDS_EACH:-4}" --candidates "$2" --no-texts >"$scratch/report"
    worker=$(($(cpu_ns worker) - worker))
    executor=$(($(cpu_ns executor) - executor))
    kill $daemon
    wait $daemon
    awk -v device="$1" -v ads="$2" -v worker="$worker" -v executor="$executor" '
        $1 == "achieved" { rate = $2; n = $2 * $5 }
        $1 == "latency" { p50 = $3; p99 = $7 }
        $1 == "outcomes" { ok = $3 }
        END {
            w = worker / n / 1e3; e = executor / n / 1e3
            printf "%-6s %4d %10.0f %10.0f %7.1f %8.2f %8.2f %12.0f %12.0f %8.2f %8.2f %9d\n", device, ads, rate, rate * ads, 100 * ok / n, w, e,
                ads / w * 1e6, ads / e * 1e6, p50, p99, n
        }' "$scratch/report"
}

rows()
{
    write_template
    bench-weights "$scratch/null" 2 config/demo/model 2 64 2 128 2800 &&
        adrank-model pack "$scratch/null" --backend "$lib/adrank-backend-null.so" --kind prefix --template "$scratch/template" \
            --golden built-in >"$scratch/log" 2>&1 || return
    export ADRANK_PACED_FIXED_US=200 ADRANK_PACED_TOKEN_NS=50
    echo "                                        % of  us of processor  ads/s with a core of its own       ms"
    echo "device  ads requests/s      ads/s      ok   worker executor      worker     executor      p50      p99  requests"
    for device in null paced; do
        row "$device" 20 && row "$device" 100 || return
    done
}

with_world rows
