#!/bin/sh
# SPDX-License-Identifier: MIT
# Print the command of a C compiler and linker for AArch64 guests, or fail. Tried in this order:
# $GUEST_CC, a GNU cross compiler, this host's own compiler if it is arm64 Linux, clang with lld.
set -u
if [ -n "${GUEST_CC:-}" ]; then
    echo "$GUEST_CC"
    exit 0
fi
for cc in aarch64-linux-gnu-gcc aarch64-none-elf-gcc aarch64-elf-gcc; do
    if command -v "$cc" >/dev/null; then
        echo "$cc"
        exit 0
    fi
done
case $(${CC:-cc} -dumpmachine 2>/dev/null) in
aarch64*linux*)
    echo "${CC:-cc}"
    exit 0
    ;;
esac
for cc in clang /opt/homebrew/opt/llvm/bin/clang; do
    command -v "$cc" >/dev/null || continue
    for lld in ld.lld /opt/homebrew/opt/lld/bin/ld.lld; do
        if [ "${1:-link}" = assemble ] || command -v "$lld" >/dev/null; then
            echo "$cc --target=aarch64-none-elf -Wno-unused-command-line-argument --ld-path=$(command -v $lld || echo ld.lld)"
            exit 0
        fi
    done
done
echo "no compiler for AArch64: install gcc-aarch64-linux-gnu, or clang and lld (make deps)" >&2
exit 1
