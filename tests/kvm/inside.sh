#!/bin/sh
# SPDX-License-Identifier: MIT
# The part of the KVM suite that runs where /dev/kvm is: every test program, the monitor's own suite
# and guests, all on KVM. busybox sh. ROOT: where the programs are. ONLY: names of parts, else all.
# NATIVE: set on a real machine, which is not ours alone.
cd "${ROOT:-/t}" || exit 1
here=$PWD
export TINYVMM_BACKEND=kvm
native=${NATIVE:-}
# An emulated CPU shows a lost race no better in ten thousand tries than in a thousand.
[ -n "$native" ] || export TEST_SLOW=10
status=0
tmp=/tmp/tinyvmm-kvm.$$
mkdir -p $tmp/1 $tmp/2
trap 'rm -rf $tmp' EXIT

clock()
{
    cut -d. -f1 /proc/uptime
}

# report PREFIX COMMAND...: run it and put the prefix before the name on each of its lines
report()
{
    prefix=$1
    shift
    start=$(clock)
    "$@" >$work/raw 2>$work/errors
    code=$?
    grep -a -e '^ok - ' -e '^not ok - ' -e '^skip - ' $work/raw |
        sed -e "s/^ok - /ok - $prefix/; s/^not ok - /not ok - $prefix/; s/^skip - /skip - $prefix/"
    echo "# $prefix$(($(clock) - start)) s"
    [ $code = 0 ] && return
    status=1
    grep -a -q '^not ok' $work/raw || echo "not ok - $prefix$1: exit status $code"
    { grep -a '^#' $work/raw; sed 's/^/# /' $work/errors; } | head -n 40
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
    PARTS="demo guests crashes stop" TINYVMM=$here/tinyvmm MAKE=true CC=none \
        report "kvm " sh repo/tests/monitor/suite.sh
}

# As tests/guest/suite.sh runs them.
one_guest()
{
    name=$(basename "$1" .elf)
    case $name in
    smp_*) options="--machine virt --cpus 4 --memory 64M" ;;
    *) options="--machine tiny --memory 16M" ;;
    esac
    # shellcheck disable=SC2086 # a list of options
    "$here/tinyvmm" run --quiet $options --timeout 100 "$1" >$work/guest 2>&1
    code=$?
    sed 's/^/# /' $work/guest
    if [ $code = 0 ] && grep -a -q '^passed ' $work/guest; then
        echo "ok - $name: $(grep -a '^passed ' $work/guest)"
    else
        echo "not ok - $name: status $code, $(tail -n 1 $work/guest)"
        return 1
    fi
}

part_guest()
{
    for guest in guest/*.elf; do
        report "kvm guest " one_guest "$guest"
    done
}

linux_guest()
{
    "$here/tinyvmm" run -q --timeout 150 --cpus 2 --initrd linux/initrd \
        --append "console=ttyAMA0 quiet panic=-1" linux/Image </dev/null >$work/linux 2>&1
    code=$?
    tr -d '\r' <$work/linux >$work/console
    sum=$(seq 1 2000 | sha256sum)
    if [ $code = 0 ] && grep -q '^GUEST cpus=2$' $work/console && grep -q -F "$sum" $work/console; then
        echo "ok - two vCPUs boot, compute and power off"
    else
        echo "not ok - status $code: $(tail -n 1 $work/console)"
        return 1
    fi
}

# refused NAME PATTERN: $code, and one line in $work/o with PATTERN in it.
refused()
{
    if [ "$code" = 125 ] && [ "$(grep -c '' $work/o)" = 1 ] && grep -q "^tinyvmm: .*$2" $work/o; then
        echo "ok - $1: one line, status 125"
    else
        echo "not ok - $1: status $code, $(head -n 1 $work/o)"
    fi
}

# With auto: the reason, and the guest runs on the software CPU.
falls_back()
{
    if [ "$code" = 0 ] && grep -q "Using not kvm.*$2.*backend soft" $work/o &&
        grep -q '^Hello from VM 1' $work/o; then
        echo "ok - $1: auto takes the software CPU and says why"
    else
        echo "not ok - $1: auto: status $code, $(head -n 1 $work/o)"
    fi
}

# Without a usable /dev/kvm: one line and status 125 if KVM was asked for, else the software CPU.
refusals()
{
    hello=repo/guest/examples/hello.bin
    mv /dev/kvm /dev/kvm.away
    ./tinyvmm run -q $hello >$work/o 2>&1
    code=$?
    refused "no /dev/kvm" "/dev/kvm: no KVM"
    TINYVMM_BACKEND=auto ./tinyvmm run -v $hello >$work/o 2>&1
    code=$?
    falls_back "no /dev/kvm" "/dev/kvm: no KVM"
    mknod /dev/kvm c 1 3 # opens, but is no KVM
    ./tinyvmm run -q $hello >$work/o 2>&1
    code=$?
    rm /dev/kvm
    refused "a /dev/kvm that is none" "speaks KVM API -1"
    mv /dev/kvm.away /dev/kvm
    ! grep -q '^not ok' $work/raw
}

# The program on a kernel that fails (faulty.h): what the probe sees, then what comes later.
faults()
{
    hello=repo/guest/examples/hello.bin
    while read -r faulty pattern; do
        FAULTY="$faulty" ./tinyvmm-faulty run -q $hello >$work/o 2>&1
        code=$?
        refused "$faulty" "$pattern"
        FAULTY="$faulty" TINYVMM_BACKEND=auto ./tinyvmm-faulty run -v $hello >$work/o 2>&1
        code=$?
        falls_back "$faulty" "$pattern"
    done <<'END'
open=13 add yourself to the group that owns it
open=16 another hypervisor has it
api=11 speaks KVM API 11
cap=165 lacks KVM_CAP_ARM_VM_IPA_SIZE: Linux 6.4 or later
filter=6 cannot forward hypercalls (SMCCC filter): Linux 6.4 or later
vm=12 KVM cannot create a VM: .*memory
END
    while read -r faulty after pattern; do
        FAULTY="$faulty $after" ./tinyvmm-faulty run -q --memory 1040k $hello >$work/o 2>&1
        code=$?
        refused "$faulty $after" "$pattern"
    done <<'END'
vm=16 after=1 cannot create a virtual machine: .*busy
vm=16 after=2 cannot create a virtual machine: .*busy
vcpu=12 after=0 cannot create a vCPU: .*KVM_CREATE_VCPU
slot=22 after=0 cannot map guest memory: .*KVM_SET_USER_MEMORY_REGION
page=65536 after=0 cannot map guest memory: .*pages are 64 KiB
run=14 after=0 cannot run the guest: .*KVM_RUN: Bad address
exit=17 after=0 cannot run the guest: .*KVM_EXIT_INTERNAL_ERROR
exit=9 after=0 cannot run the guest: .*KVM_EXIT_FAIL_ENTRY
exit=8 after=0 cannot run the guest: .*reason (8) that is not known
END
    FAULTY="exit=17 after=10" ./tinyvmm-faulty run -q repo/guest.bin >$work/o 2>$work/e
    code=$?
    if [ $code = 125 ] && grep -q '^Hello' $work/o && grep -q 'KVM_EXIT_INTERNAL_ERROR' $work/e; then
        echo "ok - a run that fails in the middle: the output so far, status 125"
    else
        echo "not ok - a run that fails in the middle: status $code, $(cat $work/o $work/e)"
    fi
    ! grep -q '^not ok' $work/raw
}

part_refusals()
{
    if [ -n "$native" ]; then
        echo "skip - kvm: refusals: not on a machine that others use"
    else
        report "kvm " refusals
    fi
    report "kvm faulty: " faults
}

part_linux()
{
    if [ -d linux ]; then
        report "kvm linux: " linux_guest
    else
        echo "skip - kvm linux: no guest kernel could be fetched"
    fi
}

# lane NUMBER PART...: one part after the other, with a folder of its own for what they write
lane()
{
    work=$tmp/$1
    shift
    for part in "$@"; do
        part_$part
    done
    return $status
}

# Two lanes for two CPUs; what the second says is kept until the first is through.
if [ -n "${ONLY:-}" ]; then
    # shellcheck disable=SC2086 # a list
    lane 1 $ONLY
    exit
fi
lane 1 refusals || status=1
lane 2 monitor linux >$tmp/second &
second=$!
lane 1 api guest || status=1
wait $second || status=1
cat $tmp/second
exit $status
