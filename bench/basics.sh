#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Part of make bench: TinyVMM alone. Instructions and hypercalls per second, the life of the demo guest,
# memory beyond a small guest's. Each figure is the median of RUNS runs (default 3); the spread is
# (max - min) / median. A guest whose status is not 0 fails the bench: a wrong run has no speed.
set -u
cd "$(dirname "$0")/.." || exit 1
: "${BUILD:=build}" "${TINYVMM:=./tinyvmm}" "${RUNS:=3}"
LOOP_ROUNDS=50000000
CALL_ROUNDS=1000000
LIFE_RUNS=50
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT INT TERM

now_ns()
{
    n=$(date +%s%N)
    case $n in *N) n=$(python3 -c 'import time; print(time.time_ns())') ;; esac
    echo "$n"
}

# timed FILE COMMAND...: append its wall time in ns to FILE.
timed()
{
    file=$1
    shift
    begin=$(now_ns)
    "$@" >"$work/log" 2>&1 </dev/null || {
        echo "bench: '$*' ended with $?: $(tail -n 1 "$work/log")" >&2
        exit 1
    }
    echo $(($(now_ns) - begin)) >>"$file"
}

# median FILE: the middle value, and the spread in percent.
median()
{
    sort -n "$1" | awk '{ v[NR] = $1 } END { m = v[int((NR + 1) / 2)]; printf "%d %d\n", m, (v[NR] - v[1]) * 100 / m }'
}

# row NAME FIGURE UNIT SPREAD
row()
{
    printf '%-44s %12s %-18s ±%s %%\n' "$1" "$2" "$3" "$4"
}

cc=$(tools/guest_cc.sh link) || exit 1
${MAKE:-make} -s build/tools/elf2bin guest.bin || exit 1
# assemble NAME ADDRESS FLAGS: $work/NAME.elf and $work/NAME.bin
assemble()
{
    # shellcheck disable=SC2086
    $cc -Iguest $3 -nostdlib -static -Wl,--build-id=none -Wl,-z,max-page-size=16 -Wl,-Ttext="$2" \
        -o "$work/$1-$2.elf" "bench/guests/$1.S" && build/tools/elf2bin "$work/$1-$2.elf" "$work/$1.bin"
}
assemble loop 0x10000 "-DROUNDS=$LOOP_ROUNDS" || exit 1
assemble hypercalls 0x10000 "-DROUNDS=$CALL_ROUNDS" || exit 1
assemble wait 0x10000 "" || exit 1

i=0
while [ $i -lt "$RUNS" ]; do
    timed "$work/loop" "$TINYVMM" run -q "$work/loop.bin"
    timed "$work/off" "$TINYVMM" run -q --jit off "$work/loop.bin"
    timed "$work/calls" "$TINYVMM" run -q "$work/hypercalls.bin"
    i=$((i + 1))
done

read -r ns spread <<END
$(median "$work/loop")
END
row "integer loop" "$((LOOP_ROUNDS * 8 / (ns / 1000)))" "million insn/s" "$spread"
read -r ns spread <<END
$(median "$work/off")
END
row "integer loop, --jit off" "$((LOOP_ROUNDS * 8 / (ns / 1000)))" "million insn/s" "$spread"
read -r ns spread <<END
$(median "$work/calls")
END
row "hypercalls" "$((CALL_ROUNDS * 1000 / (ns / 1000)))" "thousand/s" "$spread"
row "one hypercall" "$((ns / CALL_ROUNDS))" "ns" "$spread"

i=0
while [ $i -lt $LIFE_RUNS ]; do
    timed "$work/life" "$TINYVMM" run -q guest.bin
    "$TINYVMM" run --stats guest.bin 2>&1 >/dev/null | awk '/us from start to the end/ { print $3 * 1000 }' >>"$work/vm"
    i=$((i + 1))
done
read -r ns spread <<END
$(median "$work/life")
END
row "demo guest, exec to exit" "$((ns / 1000))" "us" "$spread"
read -r ns spread <<END
$(median "$work/vm")
END
row "demo guest, VM created to its end" "$((ns / 1000))" "us" "$spread"

# Memory: resident pages of a waiting VM without the guest's own (its mapping is the one of 1 MiB).
if [ -r /proc/self/smaps ]; then
    "$TINYVMM" run -q "$work/wait.bin" &
    pid=$!
    sleep 0.5
    awk '/^[0-9a-f]+-[0-9a-f]+ / { size = 0 } /^Size:/ { size = $2 }
         /^Rss:/ { if (size >= 1024 && size <= 1040) guest += $2; else rest += $2 }
         /^Private_(Clean|Dirty):/ { if (size < 1024 || size > 1040) own += $2 }
         END { printf "%-44s %12d %-18s (%d of them private; guest %d)\n", "resident beyond guest memory", rest, "KiB", own, guest }' \
        /proc/$pid/smaps
    kill $pid
    wait $pid 2>/dev/null
fi
exit 0
