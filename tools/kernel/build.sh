#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Build the small kernel from Debian's linux-source package with the arm64 cross compiler.
#
#   tools/kernel/build.sh DIR [JOBS]
#
# Leaves DIR/Image (about 7 MB), DIR/config and DIR/version. Needs 2 GB of disk and some minutes.
# Exit: 0 done, 77 a tool or the source is missing here (reason on standard error).
set -eu

[ $# -ge 1 ] || { echo "usage: $0 dir [jobs]" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
dir=$(cd "$1" && pwd)
jobs=${2:-1}

cross=
[ "$(uname -m)" = aarch64 ] || cross=aarch64-linux-gnu-
for tool in ${cross}gcc make flex bison bc xz; do
    command -v "$tool" >/dev/null 2>&1 || { echo "kernel: $tool is not installed" >&2; exit 77; }
done

if [ ! -f "$dir/tree/Makefile" ]; then
    "$here/../fetch_deb.sh" -a all -m "$dir/src" linux-source
    mkdir -p "$dir/tree"
    tar -xJf "$dir"/src/usr/src/linux-source-*.tar.xz -C "$dir/tree" --strip-components=1
    rm -rf "$dir/src"
fi

make_kernel() {
    make -C "$dir/tree" -s ARCH=arm64 CROSS_COMPILE=$cross \
        KBUILD_BUILD_USER=tinyvmm KBUILD_BUILD_HOST=tinyvmm KBUILD_BUILD_TIMESTAMP=@0 "$@"
}

make_kernel KCONFIG_ALLCONFIG="$here/small.config" allnoconfig
make_kernel -j"$jobs" Image
cp "$dir/tree/arch/arm64/boot/Image" "$dir/Image"
cp "$dir/tree/.config" "$dir/config"
make_kernel kernelversion >"$dir/version"
