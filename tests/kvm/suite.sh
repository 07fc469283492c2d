#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The KVM backend, tried for real: builds TinyVMM and the tests for arm64 Linux and runs inside.sh on
# a machine that has KVM. That is this machine if it is one, else an emulated board (rig.sh), whose
# kernel comes by package download (fetch.sh). Environment: CROSS, RIG_SECONDS, TINYVMM_CACHE.
# Status 0 passed, 1 failed, 77 skipped (the reason is printed).
# time limit: 600
set -eu
cd "$(dirname "$0")/../.."

skip()
{
    echo "skip - kvm: $*"
    exit 77
}

native=
if [ "$(uname -s)-$(uname -m)" = Linux-aarch64 ] && [ -w /dev/kvm ]; then
    native=yes
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
for source in tests/kvm/test_*.c; do
    "${CROSS}gcc" -std=c11 -D_GNU_SOURCE -D_DARWIN_C_SOURCE -O2 -g -Wall -Wextra -static -pthread \
        -Ihv/include -Itests -o "$root/t/kvm/$(basename "$source" .c)" "$source" \
        "build/$target/libhypervisor.a"
done
cp "build/$target/tinyvmm" "$root/t/tinyvmm"
"${CROSS}strip" "$root"/t/api/* "$root"/t/kvm/* "$root/t/tinyvmm"
cp tests/kvm/inside.sh "$root/suite.sh"
if [ -n "$native" ]; then
    ROOT=$root/t sh "$root/suite.sh"
    exit
fi
cache=${TINYVMM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tinyvmm}/kvm-rig
tests/kvm/fetch.sh "$cache" || skip "no arm64 kernel to be had here"
tests/kvm/rig.sh "$cache" "$root" "${RIG_SECONDS:-240}"
