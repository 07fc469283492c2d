#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Part of make bench: TinyVMM alone. Instructions and hypercalls per second, the life of the demo guest,
# memory beyond a small guest's and beyond Linux's. Each time is the median of RUNS runs (default 3); the
# spread is (max - min) / median. A guest whose status is not 0 fails the bench: a wrong run has no speed.
set -u
cd "$(dirname "$0")/.." || exit 1
: "${BUILD:=build}" "${TINYVMM:=./tinyvmm}" "${RUNS:=3}"
: "${GUESTS:=${XDG_CACHE_HOME:-$HOME/.cache}/tinyvmm/guests}"
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

# summary FILE: its median in $ns, the spread in $spread.
summary()
{
    read -r ns spread <<END
$(median "$1")
END
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

summary "$work/loop"
row "integer loop" "$((LOOP_ROUNDS * 8 / (ns / 1000)))" "million insn/s" "$spread"
summary "$work/off"
row "integer loop, --jit off" "$((LOOP_ROUNDS * 8 / (ns / 1000)))" "million insn/s" "$spread"
summary "$work/calls"
row "hypercalls" "$((CALL_ROUNDS * 1000 / (ns / 1000)))" "thousand/s" "$spread"
row "one hypercall" "$((ns / CALL_ROUNDS))" "ns" "$spread"

i=0
while [ $i -lt $LIFE_RUNS ]; do
    timed "$work/life" "$TINYVMM" run -q guest.bin
    "$TINYVMM" run --stats guest.bin 2>&1 >/dev/null | awk '/us from start to the end/ { print $3 * 1000 }' >>"$work/vm"
    i=$((i + 1))
done
summary "$work/life"
row "demo guest, exec to exit" "$((ns / 1000))" "us" "$spread"
summary "$work/vm"
row "demo guest, VM created to its end" "$((ns / 1000))" "us" "$spread"

# beyond NAME PID KIB: resident memory of a VM without its guest's, which is the mapping of KIB.
beyond()
{
    awk -v name="$1" -v ram="$3" '
        /^[0-9a-f]+-[0-9a-f]+ / { size = 0 } /^Size:/ { size = $2 }
        /^Rss:/ { if (size >= ram && size <= ram + 16) guest += $2; else rest += $2 }
        /^Private_(Clean|Dirty):/ { if (size < ram || size > ram + 16) own += $2 }
        END { printf "%-44s %12d %-18s (%d of them private; guest %d)\n", name, rest, "KiB", own, guest }' \
        "/proc/$2/smaps"
}

# stop PID
stop()
{
    kill "$1"
    wait "$1" 2>/dev/null
}

# Linux KERNEL: the same once it has come to its init.
linux()
{
    if [ ! -r "$GUESTS/$1/Image" ] || [ ! -r "$GUESTS/$1.cpio.gz" ]; then
        echo "skip - memory beyond Linux: no $GUESTS/$1/Image (tools/fetch_guests.sh)"
        return
    fi
    "$TINYVMM" run -q --machine virt --memory 512M --initrd "$GUESTS/$1.cpio.gz" \
        --append "console=ttyAMA0 quiet" "$GUESTS/$1/Image" >"$work/console" 2>&1 </dev/null &
    pid=$!
    n=0
    while ! grep -q BOOTED "$work/console" && [ $n -lt 600 ]; do
        sleep 0.1
        n=$((n + 1))
    done
    if grep -q BOOTED "$work/console"; then
        beyond "resident beyond Linux ($1 kernel, 512 MiB)" $pid $((512 * 1024))
    else
        echo "bench: the $1 kernel did not come to its init: $(tail -n 1 "$work/console")" >&2
        status=1
    fi
    stop $pid
}

status=0
if [ -r /proc/self/smaps ]; then
    "$TINYVMM" run -q "$work/wait.bin" &
    pid=$!
    sleep 0.5
    beyond "resident beyond guest memory" $pid 1024
    stop $pid
    linux small
    linux cloud
fi
exit $status
