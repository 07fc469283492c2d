#!/bin/sh
# SPDX-License-Identifier: MIT
# `make install`, then a client of the library that knows nothing but pkg-config.
set -u
cd "$(dirname "$0")/../.." || exit 1
MAKE=${MAKE:-make}
CC=${CC:-cc}
BUILD=${BUILD:-build/test}
PKG_CONFIG=${PKG_CONFIG:-pkg-config}
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT INT TERM
status=0

# verdict NAME DETAIL COMMAND...
verdict()
{
    name=$1
    detail=$2
    shift 2
    if "$@" >"$out/log" 2>&1; then
        echo "ok - $name"
    else
        echo "not ok - $name: $detail"
        sed 's/^/# /' "$out/log" | head -20
        status=1
    fi
}

install_to()
{
    $MAKE -s CC="$CC" BUILD="$BUILD" ${SAN:+SAN="$SAN"} ${HARD:+HARD="$HARD"} "$@" install
}

client()
{
    # shellcheck disable=SC2046
    $CC ${SAN:+-fsanitize=$SAN} -std=c11 -Wall -Wextra -Werror -o "$out/hello" examples/hello_vmm.c \
        $("$PKG_CONFIG" --cflags --libs libhypervisor) &&
        [ "$("$out/hello")" = "Hello from inside the virtual machine!" ]
}

staged()
{
    install_to DESTDIR="$out/stage" PREFIX=/opt/tiny && [ -x "$out/stage/opt/tiny/bin/tinyvmm" ] &&
        grep -qx 'prefix=/opt/tiny' "$out/stage/opt/tiny/lib/pkgconfig/libhypervisor.pc" &&
        [ -f "$out/stage/opt/tiny/include/tinyvmm/Hypervisor/Hypervisor.h" ] && [ ! -e /opt/tiny ]
}

if [ "$(uname -s)" = Darwin ]; then
    echo "skip - install a client: a Mac has the library"
    exit 0
fi
verdict "install with PREFIX" "make install failed" install_to PREFIX="$out/usr"
verdict "install with DESTDIR" "not where it should be" staged
if ! command -v "$PKG_CONFIG" >/dev/null; then
    echo "skip - install a client: $PKG_CONFIG is not installed (make deps)"
    exit $status
fi
PKG_CONFIG_PATH=$out/usr/lib/pkgconfig
export PKG_CONFIG_PATH
verdict "client of the installed library" "does not build, or prints something else" client
exit $status
