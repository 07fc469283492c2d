#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The guest programs: bare-metal tests of the whole CPU, each of which asserts what a wrong
# implementation gets wrong. Every program runs on TinyVMM, and under qemu-system-aarch64 to prove that
# its expectations are the architecture's and not ours.
#
#   suite.sh [PROGRAM...]    environment: TINYVMM, CROSS (aarch64-linux-gnu-), KEEP (a folder for builds)
set -u
cd "$(dirname "$0")/../.." || exit 1
tinyvmm=${TINYVMM:-./tinyvmm}
cross=${CROSS-aarch64-linux-gnu-}
[ $# -gt 0 ] || set -- $(cd tests/guest && ls ./*.c | sed 's|^\./||; s|\.c$||')
for tool in "${cross}gcc" "$tinyvmm"; do
    if ! command -v "$tool" >/dev/null; then
        echo "skip - guest programs: $tool is not there"
        exit 77
    fi
done
dir=${KEEP:-$(mktemp -d)}
[ -n "${KEEP:-}" ] || trap 'rm -rf "$dir"' EXIT INT TERM
failed=0
export TSAN_OPTIONS="suppressions=tests/tsan.supp ${TSAN_OPTIONS:-}"

# run NAME COMMAND...: what the program prints becomes a comment, or the reason of the failure
run()
{
    name=$1
    shift
    timeout 300 "$@" >"$dir/log" 2>&1 </dev/null
    status=$?
    sed 's/^/# /' "$dir/log"
    if [ $status -eq 0 ] && grep -q '^passed ' "$dir/log"; then
        echo "ok - $name: $(grep '^passed ' "$dir/log")"
    else
        echo "not ok - $name: status $status, $(tail -n 1 "$dir/log")"
        failed=1
    fi
}

for program in "$@"; do
    # smp_*: four CPUs, on machine virt; the others one, on machine tiny.
    case $program in
    smp_*) platform=virt options="--machine virt --cpus 4 --memory 64M" smp=4 ;;
    *) platform=tinyvmm options="--machine tiny --memory 16M" smp=1 ;;
    esac
    for build in $platform semihost; do
        if ! tests/guest/build.sh $build "tests/guest/$program.c" "$dir/$program.$build.elf" \
            >"$dir/log" 2>&1; then
            sed 's/^/# /' "$dir/log"
            echo "not ok - $program for $build: does not build"
            failed=1
        fi
    done
    # shellcheck disable=SC2086 # a list of options
    run "$program" "$tinyvmm" run --quiet $options --timeout 290 "$dir/$program.$platform.elf"
    if command -v qemu-system-aarch64 >/dev/null; then
        run "$program under qemu" qemu-system-aarch64 -M virt -cpu max -smp $smp -m 64 -display none \
            -serial null -monitor none -net none -semihosting -kernel "$dir/$program.semihost.elf"
    else
        echo "skip - $program under qemu: qemu-system-aarch64 is not installed"
    fi
done
exit $failed
