#!/bin/sh
# SPDX-License-Identifier: MIT
# C programs, compiled by gcc and clang at several levels, on the software CPU (translated and
# interpreted): what they print must be what the same binary prints under qemu-aarch64, and what the
# same source prints natively.
#   suite.sh [RANDOM-PROGRAMS]    TINYVMM, CC as in the Makefile; SEED repeats a run; LONG=1: all levels
# time limit: 1200
set -u
cd "$(dirname "$0")/../.." || exit 1
tinyvmm=${TINYVMM:-./tinyvmm}
cross=${CROSS-aarch64-linux-gnu-}
count=${1:-12}
seed=${SEED:-$(date +%s)}
LONG=${LONG:-}
[ "$count" -gt 12 ] && LONG=1
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
status=0
guest_flags="-w -static -no-pie -fno-strict-aliasing -ffp-contract=off -frounding-math"

for tool in "${cross}gcc" qemu-aarch64; do
    if ! command -v "$tool" >/dev/null; then
        echo "skip - torture: $tool is not installed (make deps)"
        exit 77
    fi
done
compilers=gcc
if echo 'int main(void) { return 0; }' >"$dir/t.c" &&
    clang --target=aarch64-linux-gnu -static "$dir/t.c" -o "$dir/t" 2>/dev/null; then
    compilers="gcc clang"
else
    echo "skip - torture: programs compiled by clang: clang does not link for aarch64-linux-gnu"
fi

# These builds are slow: fewer programs.
if [ -n "${SAN:-}${HARD:-}" ] && [ -z "$LONG" ]; then
    compilers=gcc count=2
fi

# compile COMPILER LEVEL SOURCE [FLAG...]: to $dir/program
compile()
{
    level=$2 source=$3
    [ "$1" = clang ] && set -- "$@" --target=aarch64-linux-gnu
    driver=$1
    [ "$1" = gcc ] && driver=${cross}gcc
    shift 3
    # shellcheck disable=SC2086
    "$driver" $guest_flags "$level" "$@" "$source" -o "$dir/program" -lm >"$dir/log" 2>&1
}

# agree WANT: run $dir/program on the software CPU, both ways
agree()
{
    tests/torture/link.sh "$dir/program" "$dir/guest.elf" >"$dir/log" 2>&1 || return 1
    for jit in on off; do
        timeout 120 "$tinyvmm" run --quiet --backend soft --machine tiny --memory 128M --jit $jit \
            "$dir/guest.elf" >"$dir/got" 2>"$dir/log" </dev/null
        result=$?
        if [ $result -ne 0 ] || ! cmp -s "$dir/got" "$1"; then
            echo "# status $result with --jit $jit"
            diff "$1" "$dir/got" | head -n 6 | sed 's/^/# /'
            return 1
        fi
    done
}

# Every program with every compiler and level; in the short run one level each, another one each time.
turn=$seed
for source in tests/torture/programs/*.c; do
    name=$(basename "$source" .c)
    ${CC:-cc} -w -O1 -fno-strict-aliasing -ffp-contract=off -frounding-math "$source" -o "$dir/native" -lm &&
        "$dir/native" >"$dir/want" || exit 1
    for compiler in $compilers; do
        levels="-O0 -O2 -O3"
        if [ -z "$LONG" ]; then
            turn=$((turn + 1))
            levels=$(echo "$levels" | cut -d ' ' -f $((turn % 3 + 1)))
        fi
        for level in $levels; do
            if ! compile "$compiler" "$level" "$source"; then
                sed 's/^/# /' "$dir/log"
                echo "not ok - torture: $name does not compile"
                status=1
            elif ! qemu-aarch64 "$dir/program" >"$dir/qemu" || ! cmp -s "$dir/qemu" "$dir/want"; then
                diff "$dir/want" "$dir/qemu" | head -n 6 | sed 's/^/# /'
                echo "not ok - torture: $name, $compiler $level: qemu and the native program differ"
                status=1
            elif agree "$dir/want"; then
                echo "ok - torture: $name, $compiler $level"
            else
                echo "not ok - torture: $name, $compiler $level: another output"
                status=1
            fi
        done
    done
done

# Random programs. One that runs long is left out: it says nothing more.
if ! command -v csmith >/dev/null || [ ! -f /usr/include/csmith/csmith.h ]; then
    echo "skip - torture: random programs: csmith and libcsmith-dev are not installed (make deps)"
    exit $status
fi
passed=0 long=0 n=0
while [ "$n" -lt "$count" ] || { [ $passed -eq 0 ] && [ "$n" -lt $((count + 20)) ]; }; do
    n=$((n + 1))
    number=$((seed * 1000 + n))
    (cd "$dir" && csmith --seed $number --float) >"$dir/random.c" 2>/dev/null || continue
    compiler=$(echo "$compilers $compilers" | cut -d ' ' -f $((n % 2 + 1)))
    level=$(echo "-O0 -O2 -O3" | cut -d ' ' -f $((n / 2 % 3 + 1)))
    compile "$compiler" "$level" "$dir/random.c" -isystem /usr/include/csmith || {
        long=$((long + 1))
        continue
    }
    timeout 3 qemu-aarch64 "$dir/program" >"$dir/want" 2>/dev/null
    result=$?
    if [ $result -ne 0 ]; then
        long=$((long + 1))
    elif agree "$dir/want"; then
        passed=$((passed + 1))
    else
        echo "not ok - torture: csmith --seed $number --float, $compiler $level"
        status=1
    fi
done
echo "# seed $seed"
if [ $passed -gt 0 ]; then
    echo "ok - torture: random programs: $passed ($long that run long or do not compile left out)"
else
    echo "not ok - torture: random programs: none was compared"
    status=1
fi
exit $status
