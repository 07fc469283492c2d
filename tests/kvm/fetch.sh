#!/bin/sh
# SPDX-License-Identifier: MIT
# Fetch what the KVM rig boots: Debian's arm64 kernel (bookworm-backports: the SMCCC filter needs
# 6.4) and a static busybox, by package download from the mirror that this machine's apt already
# uses. Everything apt writes goes below OUT: the host's lists, cache and architectures stay alone.
#
#   fetch.sh [OUT]      leaves OUT/Image and OUT/busybox; a second call finds them and is done
#                       (default: kvm-rig in TINYVMM_CACHE, or in ~/.cache/tinyvmm)
set -eu

out=${1:-${TINYVMM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tinyvmm}/kvm-rig}
suite=bookworm
[ -s "$out/Image" ] && [ -s "$out/busybox" ] && exit 0
for tool in apt-get apt-cache dpkg-deb; do
    command -v $tool >/dev/null || { echo "fetch.sh: no $tool here" >&2; exit 77; }
done
mkdir -p "$out"
out=$(cd "$out" && pwd)

# The mirror is whatever serves Debian's own main archive to this host: no name of one stands here.
mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Created-By: Packages' |
    sed -n 's/^Debian \(.*\)$/\1/p' | grep -v security | head -n 1)}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
if [ -z "$mirror" ] || [ ! -r "$keyring" ]; then
    echo "fetch.sh: apt knows no Debian mirror here; set DEBIAN_MIRROR and install" \
        "debian-archive-keyring" >&2
    exit 77
fi

apt=$out/apt
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/debs"
: >"$apt/status"
for s in $suite $suite-backports; do
    echo "deb [arch=arm64 signed-by=$keyring] $mirror $s main"
done >"$apt/sources.list"
set -- -q -o APT::Architecture=arm64 -o APT::Architectures=arm64 \
    -o Dir::Etc::SourceList="$apt/sources.list" -o Dir::Etc::SourceParts=- \
    -o Dir::Etc::Preferences=- -o Dir::Etc::PreferencesParts=- \
    -o Dir::State::status="$apt/status" -o Dir::State::lists="$apt/lists" \
    -o Dir::Cache="$apt/cache" -o Acquire::Languages=none -o APT::Sandbox::User=root \
    -o Acquire::Retries=3

apt-get "$@" update >"$apt/log" 2>&1 || { cat "$apt/log" >&2; exit 1; }
# linux-image-arm64 depends on the package that holds the newest kernel itself.
kernel=$(apt-cache "$@" show "linux-image-arm64/$suite-backports" |
    sed -n 's/^Depends: \(linux-image-[^ ,]*\).*/\1/p' | head -n 1)
[ -n "$kernel" ] || { echo "fetch.sh: no linux-image-arm64 in $suite-backports" >&2; exit 1; }
(cd "$apt/debs" && rm -f ./*.deb &&
    apt-get "$@" download "$kernel/$suite-backports" "busybox-static/$suite") >>"$apt/log" 2>&1 ||
    { cat "$apt/log" >&2; exit 1; }

# Only the kernel image and busybox are wanted, not 600 MB of modules.
for deb in "$apt"/debs/linux-image-*.deb; do
    dpkg-deb --fsys-tarfile "$deb" | tar -xO --wildcards './boot/vmlinuz-*' >"$out/Image.new"
done
dpkg-deb --fsys-tarfile "$apt"/debs/busybox-static_*.deb |
    tar -xO ./bin/busybox >"$out/busybox.new"
chmod 755 "$out/busybox.new"
mv "$out/Image.new" "$out/Image"
mv "$out/busybox.new" "$out/busybox"
echo "$kernel" >"$out/version"
rm -rf "$apt"
