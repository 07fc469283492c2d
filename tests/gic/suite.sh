#!/bin/sh
# SPDX-License-Identifier: MIT
# The interrupt controller alone, without a CPU. Needs a C compiler. LONG=1 runs the random tests longer.
#   CC, SAN (address,undefined | thread): as in the Makefile
set -u
cd "$(dirname "$0")/../.." || exit 1
CC=${CC:-cc}
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT INT TERM
flags="-std=c11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -Wshadow -Ihv/soft -pthread"
status=0

# build NAME [sanitizer]: false if this compiler cannot
build()
{
    $CC $flags ${2:+-fsanitize=$2 -fno-sanitize-recover=all} -o "$out/$1" "tests/gic/$1.c" \
        hv/soft/gic*.c 2>"$out/log"
}

run()
{
    name=$1
    san=$2
    shift 2
    if ! build "$name" "$san"; then
        if [ -n "$san" ] && echo 'int main(void){return 0;}' >"$out/t.c" &&
            ! $CC "-fsanitize=$san" -o "$out/t" "$out/t.c" 2>/dev/null; then
            echo "# no -fsanitize=$san here"
            run "$name" "" "$@"
            return
        fi
        sed 's/^/# /' "$out/log"
        echo "not ok - gic $name: does not compile"
        status=1
        return
    fi
    "$out/$name" "$@" >"$out/stdout" 2>"$out/stderr" || {
        status=1
        grep -q '^not ok' "$out/stdout" || echo "not ok - gic $name: ended early"
        sed 's/^/# /' "$out/stderr" | head -40
    }
    cat "$out/stdout"
}

steps=${LONG:+2000000}
run test_registers "${SAN-address,undefined}"
run test_delivery "${SAN-address,undefined}"
run test_fuzz "${SAN-address,undefined}" "${SEED:-1}" "${steps:-60000}"
run test_threads "${SAN-thread}"
exit $status
