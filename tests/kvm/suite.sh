#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The KVM backend, tried for real: builds TinyVMM and the tests for arm64 Linux and runs inside.sh on
# a machine that has KVM. That is this machine if it is one, else an emulated board (rig.sh), whose
# kernel comes by package download (fetch.sh). Environment: CROSS, ONLY (parts of inside.sh), RIG_SECONDS, RIG_CPU, LONG,
# TINYVMM_CACHE.
# Status 0 passed, 1 failed, 77 skipped (the reason is printed).
# time limit: 2400
set -eu
cd "$(dirname "$0")/../.."

skip()
{
    echo "skip - kvm: $*"
    exit 77
}

native= quirks=QUIRKS_QEMU_KVM
if [ "$(uname -s)-$(uname -m)" = Linux-aarch64 ] && [ -w /dev/kvm ]; then
    native=yes quirks=
    CROSS=${CROSS:-}
fi
CROSS=${CROSS-aarch64-linux-gnu-}
command -v "${CROSS}gcc" >/dev/null || skip "${CROSS}gcc is not installed (make deps)"
target=$("${CROSS}gcc" -dumpmachine)
root=build/$target/rig

# What goes in: the program, the test programs, the script.
rm -rf "$root"
if [ -z "$native" ]; then
    # Optional libraries of the monitor, for the other CPU; without them it is built without.
    [ -d "build/$target/sysroot" ] ||
        tools/fetch_deb.sh "build/$target/sysroot" libfdt-dev zlib1g-dev libzstd-dev || true
fi
unset SAN HARD BUILD
api="backends config vm vcpu run timer gic"
${MAKE:-make} --no-print-directory -s -j2 CROSS="$CROSS" all \
    $(for name in $api; do echo "build/$target/tests/api/$name"; done)
mkdir -p "$root/t/api" "$root/t/kvm"
for name in $api; do
    cp "build/$target/tests/api/$name" "$root/t/api/$name"
done
cc="${CROSS}gcc -std=c11 -D_GNU_SOURCE -D_DARWIN_C_SOURCE -O2 -g -Wall -Wextra -pthread -Ihv/include -Itests"
# A kernel that fails, for tests that want one, and for the whole program.
faulty=build/$target/faulty.o
wrap=-Wl,--wrap=ioctl,--wrap=mmap,--wrap=open,--wrap=sysconf
$cc -c -o "$faulty" tests/kvm/faulty.c
for source in tests/kvm/test_*.c; do
    case $source in
    */test_failures.c | */test_costs.c) more="$faulty $wrap" ;;
    *) more= ;;
    esac
    # shellcheck disable=SC2086 # lists
    $cc -static -o "$root/t/kvm/$(basename "$source" .c)" "$source" "build/$target/libhypervisor.a" $more
done
${MAKE:-make} --no-print-directory -s CROSS="$CROSS" PROGRAM="build/$target/tinyvmm-faulty" \
    LDFLAGS="$faulty $wrap" "build/$target/tinyvmm-faulty"
cp "build/$target/tinyvmm" "build/$target/tinyvmm-faulty" "$root/t/"
"${CROSS}strip" "$root"/t/api/* "$root"/t/kvm/* "$root"/t/tinyvmm*

# Guests: those of the monitor's suite with the suite itself, the guest suite's, and a small Linux.
${MAKE:-make} --no-print-directory -s guest/examples/hello.bin guest/examples/primes.bin \
    guest/examples/exceptions.bin guest/examples/el0.bin guest/examples/timer.bin \
    guest/examples/echo.bin build/guests/hypercalls.bin build/guests/psci.bin \
    build/guests/exceptions.bin build/guests/timer.bin build/guests/idle.bin build/guests/crashes.bin \
    guest.bin
repo=$root/t/repo
mkdir -p "$repo/build/guests" "$repo/guest/examples" "$repo/tests" "$repo/tools" "$repo/vmm" "$root/t/guest"
cp guest/examples/*.bin guest/examples/*.elf "$repo/guest/examples/"
cp build/guests/*.bin "$repo/build/guests/"
cp -R tests/monitor "$repo/tests/monitor"
cp guest.bin "$repo/guest.bin"
cp tools/bin2header.sh "$repo/tools/"
cp vmm/demo_guest.h "$repo/vmm/"
printf '#!/bin/sh\necho true\n' >"$repo/tools/guest_cc.sh" # everything is compiled already
chmod 755 "$repo/tools/guest_cc.sh"
for source in tests/guest/*.c; do
    case $source in
    */smp_*) platform=virt ;;
    *) platform=tinyvmm ;;
    esac
    QUIRKS=$quirks tests/guest/build.sh $platform "$source" \
        "$root/t/guest/$(basename "$source" .c).elf" >/dev/null
done
cache=${TINYVMM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tinyvmm}
if tools/fetch_guests.sh "$cache/guests" 2>/dev/null; then
    mkdir -p "$root/t/linux"
    kernel=$cache/guests/small/Image
    [ -s "$kernel" ] || kernel=$cache/guests/cloud/Image
    cp "$kernel" "$root/t/linux/Image"
    tools/mkinitrd.sh "$root/t/linux/initrd" "$cache/guests/busybox" tests/linux/init.sh \
        script=tests/kvm/linux_script.sh
fi
{ echo "ONLY='${ONLY:-}'"; cat tests/kvm/inside.sh; } >"$root/suite.sh"
if [ -n "$native" ]; then
    NATIVE=yes ROOT=$root/t sh "$root/suite.sh"
    exit
fi
tests/kvm/fetch.sh "$cache/kvm-rig" || skip "no arm64 kernel to be had here"
# LONG: also with VHE, which is another way for KVM to work; and with pointer authentication and
# branch targets (SVE and SME off: QEMU 7.2 lacks the traps with which KVM hides them). With VHE the
# emulated machine now and then returns from an ioctl of KVM with TPIDR_EL0 = 0, the guest's, and
# the program dies of that: docs/TESTING.md.
cpus=${RIG_CPU:-cortex-a72}
[ -z "${LONG:-}" ] || cpus="cortex-a72 neoverse-n1 max,sve=off,sme=off"
status=0
for cpu in $cpus; do
    RIG_CPU=$cpu tests/kvm/rig.sh "$cache/kvm-rig" "$root" "${RIG_SECONDS:-900}" || status=$?
done
exit $status
