#!/bin/sh
# SPDX-License-Identifier: MIT
# The devices of machine virt without a CPU: a driver in C against each, and the kept fuzz corpus.
#   CC, SAN (address,undefined | thread): as in the Makefile
set -u
cd "$(dirname "$0")/../.." || exit 1
CC=${CC:-cc}
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT INT TERM
case $(uname -s) in
Linux) host=linux ;;
Darwin) host=macos ;;
*) host=posix ;;
esac
flags="-std=c11 -D_GNU_SOURCE -D_DARWIN_C_SOURCE -O1 -g -Wall -Wextra -Ivmm -Ihv/include -pthread"
devices="tests/virtio/driver.c vmm/bus.c vmm/mem.c vmm/loop.c vmm/console.c vmm/log.c vmm/random.c
    tests/virtio/clock.c vmm/dev/pl011.c vmm/dev/pl031.c vmm/dev/virtq.c vmm/dev/virtq_packed.c
    vmm/dev/virtio_mmio.c vmm/dev/virtio_rng.c vmm/dev/virtio_console.c vmm/dev/virtio_blk.c vmm/dev/virtio_empty.c
    vmm/dev/disk.c vmm/dev/disk_$host.c"
status=0

# run NAME SANITIZERS SOURCES... [-- ARGUMENTS...]
run()
{
    name=$1
    san=$2
    shift 2
    sources=
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        sources="$sources $1"
        shift
    done
    [ $# -gt 0 ] && shift
    # shellcheck disable=SC2086
    if ! $CC $flags ${san:+-fsanitize=$san -fno-sanitize-recover=all} -o "$out/$name" \
        "tests/virtio/$name.c" $sources 2>"$out/log"; then
        sed 's/^/# /' "$out/log"
        echo "not ok - virtio $name: does not compile"
        status=1
        return
    fi
    "$out/$name" "$@" >"$out/stdout" 2>"$out/stderr" || {
        status=1
        grep -q '^not ok' "$out/stdout" || echo "not ok - virtio $name: ended early"
        sed 's/^/# /' "$out/stderr" | head -40
    }
    cat "$out/stdout"
}

san=address,undefined
echo 'int main(void){return 0;}' >"$out/t.c"
$CC "-fsanitize=$san" -o "$out/t" "$out/t.c" 2>/dev/null && "$out/t" || san=

run test_virtio "${SAN-$san}" $devices
run test_packed "${SAN-$san}" $devices
run test_blk "${SAN-$san}" $devices
run test_uart "${SAN-$san}" $devices
run fuzz "${SAN-$san}" $devices -- tests/virtio/corpus/*
exit $status
