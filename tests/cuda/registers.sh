#!/bin/sh
# registers.sh NVCC ARCH: compiles every kernel for the architecture and compares what ptxas reports
# with registers.txt; each instance of a kernel is a case. Occupancy is worth more than a few
# spilled registers, so both have limits there.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
for kernel in "$root"/kernels/cuda/*.cu; do
    "$1" -std=c++17 -O3 -arch="$2" -I"$root" -Xptxas -v -cubin "$kernel" -o "$out/cubin" 2>>"$out/log"
done
# "Compiling entry function '_Z11norm_narrow...'", "64 bytes stack frame, ...", "Used 40 registers,
# ..."
awk -v arch="$2" '
    NR == FNR { if ($1 !~ /^#/ && NF) { registers[$1] = $2; stack[$1] = $3 } next }
    /Compiling entry function/ {
        name = $0
        sub(/.*_Z(L|N)?[0-9]+/, "", name)
        sub(/_GLOBAL__N[^0-9]*[0-9]+/, "", name)
        if (match(name, /attention_tilesI.*Li[0-9]+E/)) {
            size = name
            sub(/.*Li/, "", size)
            name = "attention_tiles_" (size + 0)
        } else {
            match(name, /^[a-z]+(_[a-z]+)*/)
            name = substr(name, 1, RLENGTH)
        }
    }
    /bytes stack frame/ { bytes = $1 }
    /Used [0-9]+ registers/ {
        for (i = 1; i <= NF; i++) if ($i == "Used") used = $(i + 1)
        if (!(name in registers)) { print arch ": " name " is not in registers.txt"; failed++; next }
        if (used > registers[name] || bytes > stack[name]) {
            print arch ": " name " uses " used " registers and " bytes " bytes of stack"
            failed++
        } else
            passed++
        if (used > most[name]) most[name] = used
        if (bytes > deepest[name] + 0) deepest[name] = bytes
    }
    END {
        for (name in most) printf "%-6s %-20s %3d registers %3d bytes of stack\n", arch, name, most[name], deepest[name]
        printf "%d passed, %d failed, 0 skipped\n", passed, failed
        exit failed > 0 || passed == 0
    }' "$here/registers.txt" "$out/log"
