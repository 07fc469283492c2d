#!/bin/sh
# SPDX-License-Identifier: MIT
# Each public header stands alone, twice, in C and C++, with the compilers that are installed.
set -u
cd "$(dirname "$0")/../.." || exit 1
status=0
warn="-Wall -Wextra -Wpedantic -Werror -fsyntax-only"
headers=$(cd hv/include && find . -name '*.h' | sed 's|^\./||' | sort)

# all_headers NAME COMPILER...: one line for this compiler
all_headers()
{
    name=$1
    shift
    if ! command -v "$1" >/dev/null; then
        echo "skip - api headers, $name: $1 is not installed"
        return
    fi
    for h in $headers; do
        if ! printf '#include <%s>\n#include <%s>\nint unit;\n' "$h" "$h" |
            "$@" $warn -Ihv/include -; then
            echo "not ok - api headers, $name: $h"
            status=1
            return
        fi
    done
    echo "ok - api headers, $name"
}

if [ "$(uname -s)" = Darwin ]; then
    echo "skip - api headers: a Mac has Apple's"
    exit 0
fi
all_headers "gcc C11" gcc -std=c11 -x c -Wstrict-prototypes
all_headers "gcc C11 with __arm64__" gcc -std=c11 -x c -D__arm64__=1
all_headers "gcc C++11" g++ -std=c++11 -x c++
all_headers "clang C11" clang -std=c11 -x c -Wstrict-prototypes
all_headers "clang C11 with __arm64__" clang -std=c11 -x c -D__arm64__=1
all_headers "clang C++17" clang++ -std=c++17 -x c++
all_headers "arm64 gcc C11" aarch64-linux-gnu-gcc -std=c11 -x c
exit $status
