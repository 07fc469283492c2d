#!/bin/sh
# SPDX-License-Identifier: MIT
# time limit: 1200
#
# Linux as a guest: Debian's stock and cloud kernels boot to a busybox shell and do real work with 1, 2,
# 4 and 8 vCPUs; disks that are block devices, fail, or are read-only; the device tree; the formats of
# kernel files; input by a pipe; programs for the same board. The guests come from
# tools/fetch_guests.sh; without them (no network, no Debian) those tests are skipped.
#   TINYVMM: the program. LONG=1: every kernel with every number of vCPUs up to 32, the cost of an idle
#   guest, and 50 boots in a row.
set -u
cd "$(dirname "$0")/../.." || exit 1
vmm=${TINYVMM:-./tinyvmm}
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT INT TERM
guests=${TINYVMM_GUESTS:-${TINYVMM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tinyvmm}/guests}
status=0

ok() { echo "ok - linux: $1"; }
bad()
{
    echo "not ok - linux: $1"
    status=1
}
skip() { echo "skip - linux: $1"; }
judge() { if [ "$2" = 0 ]; then ok "$1"; else bad "$1"; fi; }

. tests/linux/formats.sh
. tests/linux/board.sh

${CC:-cc} -std=c11 -D_GNU_SOURCE -O1 -pthread -o "$out/test_term" tests/linux/test_term.c \
    2>"$out/log" && "$out/test_term" "$vmm" >"$out/term"
judge "the terminal" $?
sed -n 's/ - / - linux: the terminal: /p' "$out/term"

if ! tools/fetch_guests.sh "$guests" 2>"$out/fetch"; then
    skip "guests: $(tail -n 1 "$out/fetch")"
    exit $status
fi
for tool in mkfs.ext4 e2fsck; do
    PATH=$PATH:/sbin:/usr/sbin command -v $tool >/dev/null || {
        skip "boots: $tool is not installed"
        exit $status
    }
done
PATH=$PATH:/sbin:/usr/sbin

mkdir -p "$out/expected"
seq 1 20000 | sha256sum | cut -c1-16 >"$out/expected/seq"
# By an independent awk: like every awk, in double precision.
awk -f tests/linux/fp.awk >"$out/expected/fp"
head -c 1M /dev/urandom >"$out/readonly"
sha256sum <"$out/readonly" | cut -c1-64 >"$out/expected/readonly"

# initrd NAME SCRIPT: the guest's initramfs with SCRIPT as its work
initrd()
{
    set -- "$1" "$2" "$out/$1.cpio.gz"
    name=$1 script=$2 file=$3
    date +%s >"$out/expected/time"
    set -- "script=$script" "expected/seq=$out/expected/seq" "expected/fp=$out/expected/fp" \
        "expected/time=$out/expected/time" expected/fp.awk=tests/linux/fp.awk \
        "expected/readonly=$out/expected/readonly"
    for module in "$guests/$name"/modules/*.ko; do
        [ -f "$module" ] && set -- "$@" "lib/$(basename "$module")=$module"
    done
    tools/mkinitrd.sh "$file" "$guests/busybox" tests/linux/init.sh "$@"
}

# report LABEL STATUS: what the guest said in $out/log, and how it ended
report()
{
    before=$status status=0
    tr -d '\r' <"$out/log" >"$out/text"
    sed -n "s/^ok - /ok - linux: $1: /p; s/^not ok - /not ok - linux: $1: /p" "$out/text"
    grep -q '^not ok' "$out/text" && status=1
    judge "$1: ends with status 0" "$2"
    [ "$(grep -c '^ok - reaches the end$' "$out/text")" = 1 ]
    judge "$1: did all of it" $?
    ! grep -qE 'WARNING|Unable to|Call trace|timer broken|Oops|rcu.*stall' "$out/text"
    clean=$?
    judge "$1: no complaints in the kernel's log" $clean
    [ $status = 0 ] || tail -n 60 "$out/log" | sed 's/^/# /'
    [ $before = 0 ] || status=1
}

# work KERNEL CPUS: boot, work, reboot, work, power off; then look at the disk from outside
work()
{
    label="$1 kernel, $2 vCPU"
    initrd "$1" tests/linux/work.sh || { bad "$label: no initramfs"; return; }
    rm -f "$out/disk"
    truncate -s 32M "$out/disk"
    mkfs.ext4 -q -F "$out/disk"
    "$vmm" run -q --timeout 280 --cpus "$2" --initrd "$out/$1.cpio.gz" \
        --append "console=ttyAMA0 panic=-1" --disk "$out/disk,serial=tinyvmm-test" \
        "$guests/$1/Image" </dev/null >"$out/log" 2>&1
    report "$label" $?
    [ "$(grep -c 'BOOTED' "$out/log")" = 2 ]
    judge "$label: booted twice" $?
    e2fsck -fn "$out/disk" >"$out/fsck" 2>&1
    judge "$label: the disk is sound" $?
}

# smp KERNEL CPUS: work for many vCPUs, which go and come back
smp()
{
    label="$1 kernel, $2 vCPU"
    initrd "$1" tests/linux/smp_work.sh || { bad "$label: no initramfs"; return; }
    "$vmm" run -q --timeout 280 --cpus "$2" --initrd "$out/$1.cpio.gz" \
        --append "console=ttyAMA0 panic=-1" "$guests/$1/Image" </dev/null >"$out/log" 2>&1
    report "$label" $?
}

. tests/linux/disks.sh

if [ -n "${LONG:-}" ]; then
    for kernel in debian cloud; do
        for cpus in 1 2 4 8; do
            work $kernel $cpus
        done
        smp $kernel 8
        smp $kernel 32
    done
else
    work debian 1
    work cloud 2
    work cloud 4
    smp debian 8
fi

if [ -f "$guests/small/Image" ]; then
    work small 4
else
    skip "the small kernel: not built (tools/kernel/build.sh $guests/small)"
fi

# ---- input from a terminal, by a pipe, from a file; the exit of a shell ----

"$out/test_term" "$vmm" "$guests/cloud/Image" "$guests/cloud.cpio.gz" >"$out/term"
judge "the terminal under Linux" $?
sed -n 's/ - / - linux: the terminal: /p' "$out/term"

printf 'echo one-$((40 + 2))\nexit\n' | "$vmm" run -q --timeout 200 --initrd "$guests/cloud.cpio.gz" \
    --append "console=ttyAMA0 quiet" "$guests/cloud/Image" >"$out/log" 2>&1
judge "a script by a pipe: ends with status 0" $?
grep -q 'one-42' "$out/log"
judge "a script by a pipe: is run" $?

printf 'echo two-$((40 + 2))\nexit\n' >"$out/typed"
"$vmm" run -q --timeout 200 --initrd "$guests/cloud.cpio.gz" --append "console=hvc0 quiet" \
    "$guests/cloud/Image" <"$out/typed" >"$out/log" 2>&1
judge "a script from a file, to the virtio console: ends with status 0" $?
grep -q 'two-42' "$out/log"
judge "a script from a file, to the virtio console: is run" $?

# ---- U-Boot: a program for the same board that nobody here wrote ----

printf '\nversion\nbdinfo\npoweroff\n' | "$vmm" run -q --timeout 60 --machine virt \
    "$guests/u-boot.bin" >"$out/log" 2>&1
end=$?
grep -q '^U-Boot 20' "$out/log" && grep -q '=> ' "$out/log"
judge "U-Boot: reaches its prompt" $?
judge "U-Boot: powers off" $end
[ $end = 0 ] || tail -n 40 "$out/log" | sed 's/^/# /'

if [ -n "${LONG:-}" ]; then
    # What an idle guest costs: ticks of 10 ms (times(2)) within 20 s, of which 10 are 0.5 %.
    mkfifo "$out/keys"
    sleep 100 >"$out/keys" &
    keys=$!
    "$vmm" run -q --timeout 90 --initrd "$guests/cloud.cpio.gz" --append "console=ttyAMA0 quiet" \
        "$guests/cloud/Image" <"$out/keys" >"$out/log" 2>&1 &
    pid=$!
    for n in $(seq 60); do
        grep -q BOOTED "$out/log" && break
        sleep 1
    done
    sleep 3
    if [ -r /proc/$pid/stat ]; then
        before=$(awk '{ print $14 + $15 }' /proc/$pid/stat)
        sleep 20
        ticks=$(($(awk '{ print $14 + $15 }' /proc/$pid/stat) - before))
        [ $ticks -lt 10 ]
        judge "an idle guest: $ticks ticks of 10 ms in 20 s" $?
    else
        skip "an idle guest: there is no /proc here"
    fi
    kill $pid $keys
    wait $pid $keys 2>/dev/null

    failed=
    for n in $(seq 50); do
        printf 'exit\n' | "$vmm" run -q --timeout 200 --cpus 2 --initrd "$guests/cloud.cpio.gz" \
            --append "console=ttyAMA0" "$guests/cloud/Image" >"$out/log" 2>&1
        end=$?
        [ $end = 0 ] && continue
        failed="$failed $n"
        echo "# boot $n: status $end"
        tail -n 30 "$out/log" | sed 's/^/# /'
    done
    [ -z "$failed" ]
    judge "50 boots in a row" $?
fi
exit $status
