#!/bin/sh
# SPDX-License-Identifier: MIT
# time limit: 900
#
# The translator's modes and limits: --jit verify (that it finds what is wrong, and that the guest
# programs and several vCPUs pass under it), what a loop shows when it is stopped, --code-cache,
# --perf-map. The CPU's own tests run in every mode (tests/cpu, tests/smp).
#   LONG=1: all of them.   CC, SAN, HARD, BUILD, TINYVMM: as in the Makefile
set -u
cd "$(dirname "$0")/../.." || exit 1
vmm=${TINYVMM:-./tinyvmm}
build=${BUILD:-build}
out=$build/tests/jit
mkdir -p "$out" || exit 1
cross=${CROSS_CC:-aarch64-linux-gnu-gcc}
status=0

ok() { echo "ok - jit: $1"; }
bad()
{
    echo "not ok - jit: $1"
    status=1
}

# compile NAME: a test in C, linked with the library and its internals
compile()
{
    # shellcheck disable=SC2086
    ${CC:-cc} -std=c11 -D_GNU_SOURCE -O1 -g ${SAN:+-fsanitize=$SAN} ${HARD:+-DHARD=1} -Wall -Wextra \
        -Ihv/include -Ihv -o "$out/$1" "tests/jit/$1.c" "$build/libhypervisor.a" -lpthread
}

compile test_verify || exit 1
"$out/test_verify" >"$out/log" || status=1
sed 's/ - / - jit: verify: /' "$out/log"
compile test_kicks || exit 1
"$out/test_kicks" >"$out/log" || status=1
sed 's/ - / - jit: kicks: /' "$out/log"

compile test_generations || exit 1
"$out/test_generations" >"$out/log" || status=1
sed 's/ - / - jit: generations: /' "$out/log"

if ! "$vmm" run --quiet --jit=verify --backend soft --timeout 1 /nonexistent 2>&1 | grep -q 'cannot open'; then
    echo "skip - jit: guests under --jit verify: no translator for this host"
    exit $status
fi
if ! command -v "$cross" >/dev/null; then
    echo "skip - jit: guests under --jit verify: $cross is not installed (make deps)"
    exit $status
fi

# The map for perf: made anew, a line for each block; what is there already is left alone.
if tests/guest/build.sh tinyvmm tests/guest/contexts.c "$out/contexts.elf" >"$out/log" 2>&1; then
    "$vmm" run --quiet --backend soft --perf-map --stats --memory 16M "$out/contexts.elf" >"$out/log" 2>&1 &
    pid=$!
    wait $pid
    code=$?
    map=/tmp/perf-$pid.map
    blocks=$(sed -n 's/.* \([0-9]*\)  CPU: blocks translated$/\1/p' "$out/log")
    lines=$(grep -c '^[0-9a-f]* [0-9a-f]* guest_0x[0-9a-f]*+EL[01]$' "$map")
    mode=$(ls -l "$map" | cut -c1-10)
    rm -f "$map"
    if [ $code -eq 0 ] && [ "${blocks:-0}" -gt 0 ] && [ "$lines" = "$blocks" ] && [ "$mode" = -rw------- ]; then
        ok "perf map: $lines blocks named"
    else
        bad "perf map: status $code, $blocks blocks translated, $lines lines, mode $mode"
    fi
    sh -c 'ln -s /tmp/nobody-$$ /tmp/perf-$$.map; exec "$@"' - "$vmm" run --quiet --backend soft --perf-map \
        --memory 16M "$out/contexts.elf" >"$out/log" 2>&1 &
    pid=$!
    wait $pid
    code=$?
    if [ $code -eq 125 ] && grep -q "cannot create '/tmp/perf-$pid.map': File exists" "$out/log" &&
        [ ! -e /tmp/nobody-$pid ]; then
        ok "perf map: no link is followed"
    else
        cat "$out/log"
        bad "perf map: status $code with a link in its place"
    fi
    rm -f "/tmp/perf-$pid.map"
fi

# So little memory for code that a kernel's is dropped many times on its way to user space.
guests=${TINYVMM_GUESTS:-${TINYVMM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tinyvmm}/guests}
small_cache()
{
    kernel=$1
    "$vmm" run --quiet --backend soft --stats --code-cache 512K --timeout 200 --memory 256M \
        --initrd "$guests/$kernel.cpio.gz" --append "console=ttyAMA0 quiet" "$guests/$kernel/Image" \
        >"$out/boot" 2>&1 </dev/null &
    pid=$!
    while kill -0 $pid 2>/dev/null && ! grep -aq 'BOOTED\|panic\|Oops' "$out/boot"; do sleep 0.2; done
    kill $pid 2>/dev/null
    wait $pid
    drops=$(sed -n 's/.* \([0-9]*\)  CPU: times all code was dropped.*/\1/p' "$out/boot")
    if grep -aq '^BOOTED' "$out/boot" && ! grep -aq 'panic\|Oops' "$out/boot" && [ "${drops:-0}" -gt 9 ]; then
        ok "code cache of 512 KiB: a kernel boots, its code is dropped $drops times"
    else
        tail -n 30 "$out/boot"
        bad "code cache of 512 KiB: a kernel does not boot, or code is not dropped (${drops:-0} times)"
    fi
}
if [ -f "$guests/cloud/Image" ] && [ -f "$guests/cloud.cpio.gz" ]; then
    small_cache cloud
else
    echo "skip - jit: code cache of 512 KiB: no kernel in $guests (tools/fetch_guests.sh)"
fi

# verified NAME OPTION...: a guest program of tests/guest passes, most of its blocks compared
verified()
{
    name=$1
    shift
    "$vmm" run --quiet --backend soft --stats --timeout 250 "$@" >"$out/log" 2>&1 </dev/null
    code=$?
    twice=$(sed -n 's/^\[VM 1\] *\([0-9]*\)  CPU: blocks verified$/\1/p' "$out/log")
    once=$(sed -n 's/^\[VM 1\] *\([0-9]*\)  CPU: blocks run once, not verified$/\1/p' "$out/log")
    if [ $code -eq 0 ] && [ "${twice:-0}" -gt "${once:-0}" ]; then
        ok "verify: $name: ${twice:-0} blocks compared, ${once:-0} run once"
    else
        cat "$out/log"
        bad "verify: $name: status $code, ${twice:-0} blocks compared, ${once:-0} run once"
    fi
}

# Some take minutes under a sanitizer.
programs="contexts debug features flags mmu_faults selfmod smp_tlb vectors"
[ -z "${LONG:-}" ] || programs="$programs bti mmu_tlb pauth"
[ -z "${SAN:-}" ] || programs="contexts mmu_faults selfmod vectors"
for program in $programs; do
    case $program in
    smp_*) platform=virt options="--machine virt --cpus 4 --memory 64M" ;;
    *) platform=tinyvmm options="--machine tiny --memory 16M" ;;
    esac
    if ! tests/guest/build.sh $platform "tests/guest/$program.c" "$out/$program.elf" >"$out/log" 2>&1; then
        cat "$out/log"
        bad "verify: $program does not build"
        continue
    fi
    # shellcheck disable=SC2086
    verified "$program" --jit verify $options "$out/$program.elf"
done
exit $status
