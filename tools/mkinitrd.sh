#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Build an initramfs around busybox.
#
#   tools/mkinitrd.sh OUT BUSYBOX INIT [NAME=FILE ...]
#
# INIT becomes /init, every other FILE goes to /NAME. Kernel modules (*.ko) given as lib/N-x.ko=FILE
# are loaded by INIT in the order of their names. The result is gzip compressed, without dates.
set -eu

[ $# -ge 3 ] || { echo "usage: $0 out busybox init [name=file...]" >&2; exit 2; }
for tool in cpio gzip; do
    command -v $tool >/dev/null 2>&1 || { echo "mkinitrd: $tool is not installed" >&2; exit 77; }
done
out=$1
busybox=$2
init=$3
shift 3

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root/bin" "$root/sbin" "$root/dev" "$root/proc" "$root/sys" "$root/tmp" "$root/etc" \
    "$root/lib" "$root/mnt" "$root/root"
cp "$busybox" "$root/bin/busybox"
cp "$init" "$root/init"
chmod 755 "$root/bin/busybox" "$root/init"
for applet in sh mount; do
    ln -s busybox "$root/bin/$applet"
done
for pair; do
    mkdir -p "$root/$(dirname "${pair%%=*}")"
    cp "${pair#*=}" "$root/${pair%%=*}"
done
(cd "$root" && find . -exec touch -h -d @0 {} + && find . | LC_ALL=C sort |
    cpio -o -H newc --reproducible -R 0:0 --quiet) | gzip -n -1 >"$out"
