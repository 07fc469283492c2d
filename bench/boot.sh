#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Part of make bench: Linux, from exec to the line that the guest's init prints first, beside
# qemu-system-aarch64 (TCG) where it is installed; peers take turns. Guests come from
# tools/fetch_guests.sh; the small kernel from tools/kernel/build.sh CACHE/guests/small.
#   TINYVMM: the program, RUNS: how many times (default 5)
set -u
cd "$(dirname "$0")/.." || exit 1
: "${TINYVMM:=./tinyvmm}" "${RUNS:=5}"
guests=${TINYVMM_GUESTS:-${TINYVMM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tinyvmm}/guests}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT INT TERM
mkfifo "$work/out"

# boot FILE COMMAND...: append the milliseconds until the marker to FILE
boot()
{
    file=$1
    shift
    begin=$(date +%s%N)
    "$@" </dev/null >"$work/out" 2>/dev/null &
    pid=$!
    marker=
    {
        while read -r line; do
            case $line in BOOTED*) marker=$(date +%s%N) && break ;; esac
        done
        kill "$pid"
        cat >/dev/null
    } <"$work/out"
    wait "$pid" 2>/dev/null
    [ -n "$marker" ] && echo $(((marker - begin) / 1000000)) >>"$file"
}

median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print NR ? v[int((NR + 1) / 2)] : "failed" }'; }

for kernel in small cloud debian; do
    image=$guests/$kernel/Image
    initrd=$guests/$kernel.cpio.gz
    if [ ! -f "$image" ] || [ ! -f "$initrd" ]; then
        echo "boot to user space, $kernel kernel: not here (tools/fetch_guests.sh, tools/kernel/build.sh)"
        continue
    fi
    rm -f "$work/ours" "$work/peer"
    for _ in $(seq "$RUNS"); do
        boot "$work/ours" "$TINYVMM" run -q --initrd "$initrd" --append "console=ttyAMA0 quiet" "$image"
        command -v qemu-system-aarch64 >/dev/null &&
            boot "$work/peer" qemu-system-aarch64 -M virt,gic-version=3 -cpu cortex-a72 -m 512 \
                -nographic -kernel "$image" -initrd "$initrd" -append "console=ttyAMA0 quiet"
    done
    line="boot to user space, $kernel kernel: $(median "$work/ours") ms"
    [ -f "$work/peer" ] && line="$line (qemu-system-aarch64: $(median "$work/peer") ms)"
    echo "$line"
done
