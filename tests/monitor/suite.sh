#!/bin/sh
# SPDX-License-Identifier: MIT
# The monitor and its command, from outside: the demo, the options, bad input, guests that behave and
# guests that do not. Then its parts alone (test_*.c), and random bytes as guests (wild.c).
#   BUILD CC SAN TINYVMM: as make test sets them    LONG=1: ten times as many random guests
#   PARTS: files of this folder, else all
# time limit: 900
set -u
cd "$(dirname "$0")/../.." || exit 1
: "${BUILD:=build}" "${CC:=cc}" "${SAN:=}" "${TINYVMM:=./tinyvmm}" "${MAKE:=make}"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT INT TERM
failed=0
# A leak check at the end of each of hundreds of processes would take minutes; wild.c checks for leaks.
export ASAN_OPTIONS="detect_leaks=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}"

ok()
{
    echo "ok - monitor $1"
}

not_ok()
{
    echo "not ok - monitor $1"
    failed=1
}

# What carries the guests here. Some of what they do is answered inside the Linux kernel on KVM
# (docs/DIFFERENCES.md).
backend=${TINYVMM_BACKEND:-auto}
[ "$backend" != auto ] ||
    backend=$("$TINYVMM" backends | sed -n 's/^\([a-z]*\) .*chosen by auto.*/\1/p')

# expect NAME STATUS PATTERN COMMAND...: the status, and a line of standard error or output (or "" for
# none to look for). Both are in $work/out and $work/err afterwards. Standard input is passed on.
expect()
{
    name=$1 status=$2 pattern=$3
    shift 3
    "$@" >"$work/out" 2>"$work/err"
    got=$?
    if [ "$got" -ne "$status" ]; then
        not_ok "$name: status $got instead of $status: $(tail -n 1 "$work/err")"
    elif [ -n "$pattern" ] && ! cat "$work/out" "$work/err" | grep -q -e "$pattern"; then
        not_ok "$name: no '$pattern' in: $(head -n 1 "$work/err") $(head -n 1 "$work/out")"
    else
        ok "$name"
    fi
}

# An error of ours: status 125 and exactly one line, which begins with "tinyvmm: ".
refuse()
{
    name=$1 pattern=$2
    shift 2
    "$@" >"$work/out" 2>"$work/err" </dev/null
    got=$?
    lines=$(grep -c '' "$work/err")
    if [ "$got" -ne 125 ]; then
        not_ok "$name: status $got instead of 125"
    elif [ "$lines" -ne 1 ] || ! grep -q '^tinyvmm: ' "$work/err"; then
        not_ok "$name: $lines lines on standard error: $(cat "$work/err")"
    elif ! grep -q -e "$pattern" "$work/err"; then
        not_ok "$name: no '$pattern' in: $(cat "$work/err")"
    else
        ok "$name"
    fi
}

# words HEX...: instructions as bytes, little-endian.
words()
{
    for w in "$@"; do
        a=${w%??????} b=${w#??} c=${w#????} d=${w#??????}
        b=${b%????} c=${c%??}
        # shellcheck disable=SC2059
        printf "\\$(printf %03o 0x"$d")\\$(printf %03o 0x"$c")\\$(printf %03o 0x"$b")\\$(printf %03o 0x"$a")"
    done
}

for part in ${PARTS:-demo options input guests crashes stop parts}; do
    . "tests/monitor/$part.sh"
done
exit $failed
