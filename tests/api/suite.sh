#!/bin/sh
# SPDX-License-Identifier: MIT
# The Hypervisor API: the headers alone, the layer above a backend that only keeps books, and the
# public calls with real guests on every backend that works here. BUILD, CC, SAN as in the Makefile.
# time limit: 1200
set -u
cd "$(dirname "$0")/../.." || exit 1
MAKE=${MAKE:-make}
CC=${CC:-cc}
BUILD=${BUILD:-build/test}
status=0

# report PREFIX PROGRAM: run it and put the prefix before the name on each of its lines
report()
{
    "$2" >"$out/lines" 2>"$out/errors"
    code=$?
    sed -e "s/^ok - /ok - $1/" -e "s/^not ok - /not ok - $1/" -e "s/^skip - /skip - $1/" "$out/lines"
    [ $code = 0 ] && return
    status=1
    grep -q '^not ok' "$out/lines" || echo "not ok - $1$(basename "$2"): exit status $code"
    sed 's/^/# /' "$out/errors" | head -40
}

out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT INT TERM

programs="config vm vcpu run timer gic"
targets="$BUILD/tests/api/backends"
for p in $programs; do
    targets="$targets $BUILD/tests/api/$p"
done
case $(uname -s) in
Darwin) layer= ;;
*) layer="$BUILD/tests/api/layer" ;;
esac
# shellcheck disable=SC2086
if ! $MAKE -s CC="$CC" BUILD="$BUILD" ${SAN:+SAN="$SAN"} ${HARD:+HARD="$HARD"} $targets $layer >"$out/make" 2>&1; then
    sed 's/^/# /' "$out/make" | head -40
    echo "not ok - api: does not build"
    exit 1
fi

tests/api/headers.sh || status=1
tests/api/install.sh || status=1
if [ -n "$layer" ]; then
    report "api layer: " "$layer"
else
    echo "skip - api layer: this build has Apple's framework, not ours"
fi
"$BUILD/tests/api/backends" >"$out/backends"
while read -r works name why; do
    if [ "$works" = no ]; then
        [ "$name" = hvf ] || echo "skip - api on $name: $why"
        continue
    fi
    for p in $programs; do
        TINYVMM_BACKEND=$name
        export TINYVMM_BACKEND
        report "api $p on $name: " "$BUILD/tests/api/$p"
    done
done <"$out/backends"
exit $status
