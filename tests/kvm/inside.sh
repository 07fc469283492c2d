#!/bin/sh
# SPDX-License-Identifier: MIT
# The part of the KVM suite that runs where /dev/kvm is: every test program, the monitor's own suite
# and guests, all on KVM. busybox sh. ROOT: where the programs are. ONLY: names of parts, else all.
# NATIVE: set on a real machine, which is not ours alone.
cd "${ROOT:-/t}" || exit 1
here=$PWD
export TINYVMM_BACKEND=kvm
native=${NATIVE:-}
status=0

clock()
{
    cut -d. -f1 /proc/uptime
}

# Tests that KVM fails, and why: they are skipped here, by name. docs/DIFFERENCES.md has each.
known()
{
    sed -e 's/^not ok - \(monitor demo: vmm.*\)/skip - \1: nothing to assemble with/' \
        -e 's/^not ok - \(monitor demo: the guest has\).*/skip - \1 352 bytes: not on this machine/' \
        -e 's/^not ok - \(monitor demo: guest.bin by itself\):.*/skip - \1: not on this machine/' \
        -e 's/^not ok - \(monitor a guest that ends in time\):.*/skip - \1: needs the host/' \
        -e 's/^not ok - \(monitor crash: .*jump outside memory\):.*/skip - \1: KVM answers it inside/' \
        -e 's/^not ok - \(monitor crash: assembled: jump\):.*/skip - \1: KVM answers it inside/' \
        -e 's/^not ok - \(monitor crash: .*vectors*\( table outside memory\)*\):.*/skip - \1: KVM answers it inside/' \
        -e 's/^not ok - \(monitor guest: timer: WFI sleeps until the deadline\)/skip - \1: a cancel ends WFI/'
}

# report PREFIX COMMAND...: run it and put the prefix before the name on each of its lines
report()
{
    prefix=$1
    shift
    start=$(clock)
    "$@" >/tmp/raw 2>/tmp/errors
    code=$?
    known </tmp/raw >/tmp/lines
    [ $code = 1 ] && ! grep -a -q '^not ok' /tmp/lines && grep -a -q '^not ok' /tmp/raw && code=0
    grep -a -e '^ok - ' -e '^not ok - ' -e '^skip - ' /tmp/lines |
        sed -e "s/^ok - /ok - $prefix/; s/^not ok - /not ok - $prefix/; s/^skip - /skip - $prefix/"
    echo "# $prefix$(($(clock) - start)) s"
    [ $code = 0 ] && return
    status=1
    grep -a -q '^not ok' /tmp/lines || echo "not ok - $prefix$1: exit status $code"
    { grep -a '^#' /tmp/lines; sed 's/^/# /' /tmp/errors; } | head -n 40
}

part_api()
{
    for program in api/* kvm/*; do
        [ "$program" = api/backends ] || report "kvm ${program##*/}: " "$program"
    done
}

# The monitor's suite, those of its parts that need nothing but the program and its guests.
part_monitor()
{
    cd repo || return
    sed 's/^for part in .*/for part in demo guests crashes stop; do/' tests/monitor/suite.sh >suite.sh
    mkdir -p tests/monitor/run && cp suite.sh tests/monitor/run.sh
    TINYVMM=$here/tinyvmm MAKE=true CC=none report "kvm " sh tests/monitor/run.sh
    cd "$here" || return
}

one_guest()
{
    "$here/tinyvmm" run --quiet --memory 16M --timeout 100 "$1" >/tmp/guest 2>&1
    code=$?
    if [ $code = 0 ] && grep -a -q '^passed ' /tmp/guest; then
        echo "ok - $(basename "$1" .elf): $(grep -a '^passed ' /tmp/guest)"
    else
        echo "not ok - $(basename "$1" .elf): status $code, $(tail -n 1 /tmp/guest)"
        return 1
    fi
}

# Two of them ask for faults that QEMU 7.2, as the CPU under this KVM, does not give: alignment, cache
# maintenance, addresses beyond the physical size. On a machine of its own all run.
part_guest()
{
    for guest in guest/*.elf; do
        case $guest:$native in
        guest/contexts.elf: | guest/mmu_faults.elf: | guest/debug.elf:)
            echo "skip - kvm guest $(basename "$guest" .elf): the emulated CPU lacks some faults (tests/guest/lib/quirks.h)"
            continue
            ;;
        esac
        report "kvm guest " one_guest "$guest"
    done
}

linux_guest()
{
    "$here/tinyvmm" run -q --timeout 150 --cpus 2 --initrd linux/initrd \
        --append "console=ttyAMA0 quiet panic=-1" linux/Image </dev/null >/tmp/linux 2>&1
    code=$?
    tr -d '\r' </tmp/linux >/tmp/console
    sum=$(seq 1 2000 | sha256sum)
    if [ $code = 0 ] && grep -q '^GUEST cpus=2$' /tmp/console && grep -q -F "$sum" /tmp/console; then
        echo "ok - two vCPUs boot, compute and power off"
    else
        echo "not ok - status $code: $(tail -n 1 /tmp/console)"
        return 1
    fi
}

# Without a usable /dev/kvm: one line and status 125 if KVM was asked for, else the software CPU.
refusals()
{
    hello=repo/guest/examples/hello.bin
    mv /dev/kvm /dev/kvm.away
    "$here/tinyvmm" run -q $hello >/tmp/o 2>&1
    code=$?
    if [ $code = 125 ] && [ "$(grep -c '' /tmp/o)" = 1 ] && grep -q '/dev/kvm: no KVM' /tmp/o; then
        echo "ok - no /dev/kvm: one line, status 125"
    else
        echo "not ok - no /dev/kvm: status $code, $(head -n 1 /tmp/o)"
    fi
    TINYVMM_BACKEND=auto "$here/tinyvmm" run -v $hello >/tmp/o 2>&1 &&
        grep -q 'Using not kvm.*backend soft' /tmp/o && grep -q '^Hello from VM 1' /tmp/o
    if [ $? = 0 ]; then
        echo "ok - no /dev/kvm: auto takes the software CPU and says why"
    else
        echo "not ok - no /dev/kvm: auto: $(head -n 1 /tmp/o)"
    fi
    mknod /dev/kvm c 1 3 # opens, but is no KVM
    "$here/tinyvmm" run -q $hello >/tmp/o 2>&1
    code=$?
    rm /dev/kvm
    if [ $code = 125 ] && [ "$(grep -c '' /tmp/o)" = 1 ]; then
        echo "ok - a /dev/kvm that is none: one line, status 125"
    else
        echo "not ok - a /dev/kvm that is none: status $code, $(head -n 1 /tmp/o)"
    fi
    mv /dev/kvm.away /dev/kvm
    ! grep -q '^not ok' /tmp/raw
}

part_refusals()
{
    if [ -n "$native" ]; then
        echo "skip - kvm: refusals: not on a machine that others use"
    else
        report "kvm " refusals
    fi
}

part_linux()
{
    if [ -d linux ]; then
        report "kvm linux: " linux_guest
    else
        echo "skip - kvm linux: no guest kernel could be fetched"
    fi
}

for part in ${ONLY:-api refusals monitor guest linux}; do
    part_$part
done
exit $status
