#!/bin/sh
# SPDX-License-Identifier: MIT
# House rules that a formatter does not know: the licence line, the file head, no notes-to-self, no
# choice of host inside a function. Prints each file that breaks one.
set -u
cd "$(dirname "$0")/.." || exit 1
bad=0

report()
{
    if [ -n "$2" ]; then
        echo "$2" | sed "s|\$|    <- $1|"
        bad=1
    fi
}

files=$(find main.c guest.S vmm hv guest examples tests bench tools Makefile .ci -type f \
    \( -name '*.[chS]' -o -name '*.cc' -o -name '*.def' -o -name '*.sh' -o -name '*.ld' -o -name '*.py' -o -name Makefile -o \
    -path '.ci/run' \) 2>/dev/null | grep -v /corpus/ | sort)
for f in $files; do
    head -n 2 "$f" | grep -q 'SPDX-License-Identifier: MIT' || report "no SPDX line" "$f"
done
# shellcheck disable=SC2086
report "a note to self" "$(grep -nE '\b(TODO|FIXME|XXX)\b' $files | grep -v tools/lint_text.sh)"
report "trailing blanks or tabs" "$(grep -nE '[[:blank:]]+$' $files /dev/null)"
# The choice of host belongs to the Makefile: no conditional on a host inside vmm/ or main.c.
report "a conditional on the host" "$(grep -nE '^[[:space:]]*#[[:space:]]*(if|ifdef|ifndef|elif).*(__linux__|__APPLE__|__x86_64__|__aarch64__)' \
    main.c $(find vmm -name '*.[ch]'))"
exit $bad
