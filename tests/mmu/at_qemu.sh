#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Compare the stage 1 walker with an emulated CPU: random tables and cases are loaded into
# qemu-system-aarch64, a bare-metal program executes the AT instructions, test_mmu compares PAR_EL1.
#
#   at_qemu.sh TEST_MMU [CASES] [CPU...]     environment: CROSS (aarch64-linux-gnu-), SEED
set -eu

test_mmu=$(realpath "$1")
cases=${2:-20000}
[ $# -gt 2 ] && shift 2 || set -- max cortex-a72 neoverse-n1
here=$(cd "$(dirname "$0")" && pwd)
cross=${CROSS-aarch64-linux-gnu-}
seed=${SEED:-7}

for tool in qemu-system-aarch64 "${cross}gcc"; do
    if ! command -v "$tool" >/dev/null; then
        echo "skip - AT instructions as the emulator: $tool is not installed"
        exit 0
    fi
done

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
"${cross}gcc" -nostdlib -static -Wl,-T,"$here/at_guest.ld" -Wl,--build-id=none \
    "$here/at_guest.S" -o at.elf

status=0
for cpu in "$@"; do
    for updates in "0 0" "1 0" "1 1"; do
        echo "# $cpu, seed $seed, HA HD $updates"
        # shellcheck disable=SC2086 # two arguments
        "$test_mmu" write "$seed" "$cases" $updates world.bin
        timeout 100 qemu-system-aarch64 -M virt,virtualization=on,highmem=off -cpu "$cpu" -m 256 \
            -display none -serial null -monitor none -net none \
            -semihosting-config enable=on,target=native \
            -kernel at.elf -device loader,file=world.bin,addr=0x48000000,force-raw=on
        # shellcheck disable=SC2086
        "$test_mmu" check "$seed" "$cases" $updates at.out || status=1
        rm -f at.out
    done
done
exit $status
