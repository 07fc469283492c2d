#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What the Makefile takes for a Mac's compiler: clang with Darwin's headers and no others, and for the
# link of a program the Mach-O linker of sdk.sh, which signs it ad hoc with our entitlements.
# MACOS_SDK: the folder that sdk.sh made. CLANG: clang of the host.
set -eu
sdk=$MACOS_SDK
mode=link
output=a.out
previous=
for argument; do
    case $argument in
    -dumpmachine) echo arm64-apple-darwin20; exit ;;
    -c | -E | -S | -fsyntax-only) mode=compile ;;
    esac
    [ "$previous" = -o ] && output=$argument
    previous=$argument
done
if [ $mode = compile ]; then
    # Darwin's <os/object.h> has the macro for Objective-C only; Apple's framework headers, in whose
    # place ours stand here, spell the type out for C.
    exec "${CLANG:-clang}" --target=arm64-apple-macos11 -nostdlibinc -isystem "$sdk/include" -isystem tests/macos/include \
        "-DOS_OBJECT_DECL(name)=typedef struct name##_s *name##_t" "$@"
fi

# A link: objects, archives and frameworks are kept; a source among them (the Makefile's question for an
# optional library, or a program of one file) is compiled first.
objects=
frameworks=
flags=
while [ $# -gt 0 ]; do
    case $1 in
    *.o | *.a) objects="$objects $1" ;;
    *.c)
        "$0" $flags -c "$1" -o "$output.link.o"
        objects="$objects $output.link.o"
        ;;
    -framework) frameworks="$frameworks -framework $2"; shift ;;
    -o) shift ;;
    -x) exit 1 ;; # no optional library: sdk.sh has none
    -l*) ;;       # all of them are in libSystem
    -Wl,* | -pthread | -MMD | -MP) ;;
    *) flags="$flags $1" ;;
    esac
    shift
done
rm -f "$output"
"$sdk/zig/package/bin/zig" build-exe $objects $frameworks -target aarch64-macos.11.0 -lc \
    --zig-lib-dir "$sdk/zig/package" -F "$sdk/frameworks" --entitlements entitlements.plist \
    -fno-compiler-rt -fno-ubsan-rt -femit-bin="$output" --global-cache-dir "$sdk/cache" \
    --cache-dir "$sdk/cache"
