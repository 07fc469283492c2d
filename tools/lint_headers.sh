#!/bin/sh
# SPDX-License-Identifier: MIT
# Every header compiles by itself, twice over. Tables (.def) are no headers.
set -u
cd "$(dirname "$0")/.." || exit 1
bad=0
CC=${CC:-cc}

# alone COMPILER HEADER
alone()
{
    printf '#include "%s"\n#include "%s"\nint lint_headers_unused;\n' "$2" "$2" |
        $1 -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -I. -Ihv/include -Ihv -Ihv/soft -Ivmm -Iguest \
            -fsyntax-only -x c - || {
        echo "$2    <- does not compile by itself"
        bad=1
    }
}

for h in $(find vmm hv -name '*.h' -not -path 'hv/apple/*' -not -path 'hv/kvm/*' | sort) guest/tinyvmm.h; do
    alone "$CC" "$h"
done
# KVM's own structures differ between CPUs: these need a compiler for arm64 Linux.
if command -v aarch64-linux-gnu-gcc >/dev/null; then
    for h in $(find hv/kvm -name '*.h' | sort); do
        alone aarch64-linux-gnu-gcc "$h"
    done
fi
exit $bad
