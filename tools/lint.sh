#!/bin/sh
# SPDX-License-Identifier: MIT
# make lint: formatting, folder rules, headers that stand alone, house rules on text. Prints what is
# wrong, file by file. Needs clang-format 14; says so if it is missing.
set -u
cd "$(dirname "$0")/.." || exit 1
bad=0
CC=${CC:-cc}

sources()
{
    find main.c vmm hv guest examples tests bench tools -type f \( -name '*.c' -o -name '*.h' -o -name '*.cc' \) \
        2>/dev/null | grep -v -e '/corpus/' -e 'demo_guest.h' | sort
}

format=
for candidate in clang-format-14 clang-format; do
    if command -v $candidate >/dev/null && $candidate --version | grep -q 'version 14\.'; then
        format=$candidate
        break
    fi
done
if [ -n "$format" ]; then
    # shellcheck disable=SC2046
    $format --dry-run --Werror $(sources) || bad=1
else
    echo "lint: clang-format 14 is not installed, formatting not checked (make deps)"
    [ -z "${CI:-}" ] || bad=1
fi

tools/lint_rooms.sh || bad=1
tools/lint_text.sh || bad=1
CC=$CC tools/lint_headers.sh || bad=1
[ $bad -eq 0 ] && echo "lint: clean"
exit $bad
