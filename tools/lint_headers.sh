#!/bin/sh
# SPDX-License-Identifier: MIT
# Every header compiles by itself, twice over. Tables (.def) are no headers.
set -u
cd "$(dirname "$0")/.." || exit 1
bad=0
CC=${CC:-cc}
for h in $(find vmm hv -name '*.h' -not -path 'hv/apple/*' | sort) guest/tinyvmm.h; do
    printf '#include "%s"\n#include "%s"\nint lint_headers_unused;\n' "$h" "$h" |
        $CC -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -I. -Ihv/include -Ihv -Ihv/soft -Ivmm -Iguest \
            -fsyntax-only -x c - || {
        echo "$h    <- does not compile by itself"
        bad=1
    }
done
exit $bad
