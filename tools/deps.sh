#!/bin/sh
# SPDX-License-Identifier: MIT
# make deps: what TinyVMM can use and its tests can run, beyond a C compiler and make. Debian and its
# relatives with apt-get (as root or by sudo), a Mac with Homebrew. What is there already is left alone;
# nothing is asked of the network then.
set -eu
cd "$(dirname "$0")/.."

# Libraries of the program; compilers and linters; compilers, emulators and debuggers for guests; what
# the tests of machine virt need.
debian="libfdt-dev zlib1g-dev libzstd-dev libcapstone-dev pkg-config
    build-essential make clang clang-format lld llvm valgrind
    gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user qemu-system-arm gdb-multiarch libvixl-dev csmith libcsmith-dev
    device-tree-compiler e2fsprogs cpio xz-utils zstd file procps python3 openssl"
# npm fetches what check-macos needs. Node.js from elsewhere than Debian brings its own.
command -v npm >/dev/null || debian="$debian npm"
mac="dtc zstd capstone llvm lld clang-format qemu pkg-config"

install_debian()
{
    missing=
    for package in $debian; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' ||
            missing="$missing $package"
    done
    if [ -z "$missing" ]; then
        echo "deps: all Debian packages are there"
        return
    fi
    root=
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || {
            echo "deps: needs root or sudo to install:$missing" >&2
            exit 1
        }
        root=sudo
    fi
    echo "deps: installing$missing"
    $root env DEBIAN_FRONTEND=noninteractive apt-get update -q
    # shellcheck disable=SC2086
    $root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
}

# Guests and the kernel of the KVM tests: unpacked below the user's cache, no root. Tests that miss them
# are skipped with the reason.
fetch()
{
    if [ -x "$1" ] && ! "$@"; then
        echo "deps: $1 could not fetch everything; the tests that need it will be skipped"
    fi
}

if command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; then
    install_debian
    fetch tools/fetch_guests.sh
    fetch tests/kvm/fetch.sh "${TINYVMM_CACHE:-build}/kvm-rig"
elif command -v brew >/dev/null; then
    for package in $mac; do
        brew list --formula "$package" >/dev/null 2>&1 || brew install "$package"
    done
else
    echo "deps: neither apt-get nor brew here; these are useful: $debian" | tr -s ' \n' ' '
    echo
fi
