#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Fetch what the guest tests boot: Debian's kernels for arm64, busybox, U-Boot. No root needed.
#
#   tools/fetch_guests.sh [DIR]        default: ~/.cache/tinyvmm/guests
#
#   DIR/debian/Image  DIR/debian/modules/*.ko   Debian's stock kernel; modules: virtio, ext4
#   DIR/cloud/Image   DIR/cloud/modules/*.ko    Debian's cloud kernel
#   DIR/busybox       static busybox            DIR/u-boot.bin    U-Boot for the virt board
#   DIR/{debian,cloud,small}.cpio.gz            initramfs to a shell; small has no modules
#
# Whatever is there already is kept, unless it is of an older layout (DIR/layout). Exit: 0 done, 77 not possible here (reason on standard error).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
cache=${TINYVMM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tinyvmm}
dir=${1:-$cache/guests}
mkdir -p "$dir"
layout=4
[ "$(cat "$dir/layout" 2>/dev/null)" = $layout ] || rm -rf "$dir/debian" "$dir/cloud"
tmp=$dir/unpack.$$
trap 'rm -rf "$tmp"' EXIT

# kernel NAME METAPACKAGE
kernel() {
    [ -s "$dir/$1/Image" ] && return
    "$here/fetch_deb.sh" -m "$tmp/$1" "$2"
    mkdir -p "$dir/$1/modules"
    n=10
    for module in virtio_ring virtio virtio_mmio virtio_blk virtio_console virtio-rng \
        crc16 crc32c_generic mbcache jbd2 ext4; do
        file=$(find "$tmp/$1" -name "$module.ko*" | head -n 1)
        n=$((n + 1))
        case $file in
        '') ;; # built in
        *.xz) xz -dc "$file" >"$dir/$1/modules/$n-$module.ko" ;;
        *) cp "$file" "$dir/$1/modules/$n-$module.ko" ;;
        esac
    done
    cp "$tmp/$1"/boot/vmlinuz-* "$dir/$1/Image.part"
    mv "$dir/$1/Image.part" "$dir/$1/Image"
}

if [ ! -s "$dir/busybox" ]; then
    "$here/fetch_deb.sh" "$tmp/busybox" busybox-static
    cp "$tmp/busybox/bin/busybox" "$dir/busybox"
fi
if [ ! -s "$dir/u-boot.bin" ]; then
    "$here/fetch_deb.sh" -a all "$tmp/u-boot" u-boot-qemu
    cp "$tmp/u-boot/usr/lib/u-boot/qemu_arm64/u-boot.bin" "$dir/u-boot.bin"
fi
kernel debian linux-image-arm64
kernel cloud linux-image-cloud-arm64

"$here/mkinitrd.sh" "$dir/small.cpio.gz" "$dir/busybox" "$here/../tests/linux/init.sh"
for name in debian cloud; do
    set --
    for module in "$dir/$name"/modules/*.ko; do
        [ -f "$module" ] && set -- "$@" "lib/$(basename "$module")=$module"
    done
    "$here/mkinitrd.sh" "$dir/$name.cpio.gz" "$dir/busybox" "$here/../tests/linux/init.sh" "$@"
done
echo $layout >"$dir/layout"
