#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The Mac build, as far as it can be checked on Linux: the Makefile's own macOS rules, with clang and
# Darwin's headers, make a Mach-O program that imports only what Apple's framework has, and is signed.
# docs/MACOS.md says what this proves and what it does not. Status 0, 1, or 77 (skipped).
# time limit: 1200
set -u
cd "$(dirname "$0")/../.." || exit 1
clang=${CLANG:-clang}
nm=$(command -v llvm-nm || command -v llvm-nm-14)
if [ "$(uname -s)" = Darwin ]; then
    echo "skip - macos: this is a Mac; the other suites check it"
    exit 77
fi
command -v "$clang" >/dev/null || { echo "skip - macos: clang is not installed (make deps)"; exit 77; }
[ -n "$nm" ] || { echo "skip - macos: llvm-nm is not installed (make deps)"; exit 77; }

out=build/macos
MACOS_SDK=${TINYVMM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tinyvmm}/macos-sdk
export MACOS_SDK
reason=$(tests/macos/sdk.sh "$MACOS_SDK" 2>&1)
case $? in
0) ;;
77) echo "skip - macos: $reason"; exit 77 ;;
*) echo "not ok - macos: $reason"; exit 1 ;;
esac
mkdir -p "$out"
status=0

# verdict NAME: of the command before, whose output is in $out/log
verdict()
{
    if [ "$1" -eq 0 ]; then
        echo "ok - macos: $2"
    else
        sed 's/^/# /' "$out/log" | head -40
        echo "not ok - macos: $2"
        status=1
    fi
}

# ---- 1. compile and link, by the Makefile ---------------------------------------------------------
programs=
for name in config vm vcpu run timer gic; do
    programs="$programs $out/tests/api/$name"
done
unset SAN HARD BUILD
# shellcheck disable=SC2086
${MAKE:-make} --no-print-directory -s -j2 CC="$PWD/tests/macos/cc.sh" CODESIGN=true BUILD=$out PLAIN= \
    WERROR=1 all examples $programs >"$out/log" 2>&1
verdict $? "the monitor, the example and the API tests compile against Darwin's headers and link"
[ $status -eq 0 ] || exit 1

# ---- 2. the files that a Mac with more libraries would choose -----------------------------------------
rm -rf "$out/extra"
mkdir -p "$out/extra"
for header in libfdt.h libfdt_env.h fdt.h zstd.h zstd_errors.h; do
    [ -e "/usr/include/$header" ] && cp "/usr/include/$header" "$out/extra/"
done
for pair in dtb:libfdt.h unpack_zlib: unpack_zstd:zstd.h unpack_nozlib: unpack_nozstd:; do
    file=vmm/${pair%%:*}.c
    header=${pair#*:}
    [ -e "$file" ] || continue
    if [ -n "$header" ] && [ ! -e "$out/extra/$header" ]; then
        echo "skip - macos: $file: no $header here (make deps)"
        continue
    fi
    tests/macos/cc.sh -std=c11 -D_GNU_SOURCE -D_DARWIN_C_SOURCE -Wall -Wextra -Werror \
        -mmacosx-version-min=11.0 -Wno-unguarded-availability-new -isystem "$out/extra" \
        -Ihv/apple/include -Ivmm -Iguest -fsyntax-only "$file" >"$out/log" 2>&1
    verdict $? "$file compiles against Darwin's headers"
done

# ---- 3. imports --------------------------------------------------------------------------------------
# hv_*: in the list; weak if younger than macOS 11.0.
imports_ok()
{
    "$nm" -m "$1" | sed -n 's/^ *(undefined) \(weak \)\{0,1\}external _\(hv_[a-z0-9_]*\) (from Hypervisor)/\2 \1/p' \
        >"$out/imports"
    awk 'NR == FNR { if ($1 !~ /^#/) since[$2] = $1; next }
         !($1 in since) { print $1 " is not a function of the framework"; bad = 1; next }
         since[$1] != "11.0" && $2 != "weak" { print $1 " (macOS " since[$1] ") is not weak"; bad = 1 }
         END { exit bad || FNR == 0 }' tests/macos/symbols.txt "$out/imports" >"$out/log" 2>&1
}
# shellcheck disable=SC2086
for program in $out/tinyvmm $out/examples/hello_vmm $programs; do
    imports_ok "$program"
    verdict $? "${program#"$out"/} imports what macOS has, $(wc -l <"$out/imports") functions, the newer ones weakly"
done

# libc: Darwin's headers say since when each function is there. The framework's are dealt with above.
for object in "$out"/main.o $(find "$out/vmm" "$out/hv/apple" -name '*.o'); do
    source=${object#"$out"/}
    tests/macos/cc.sh -std=c11 -D_GNU_SOURCE -D_DARWIN_C_SOURCE -DTINYVMM_VERSION='""' \
        -mmacosx-version-min=11.0 -Wunguarded-availability -Ihv/apple/include -Ivmm -Iguest \
        -fsyntax-only "${source%.o}.c" 2>&1
done >"$out/availability"
grep 'warning:\|error:' "$out/availability" | grep -v "warning: 'hv_" >"$out/log"
[ ! -s "$out/log" ] && grep -q "'hv_vm_config_create' is only available on macOS 13.0" "$out/availability"
verdict $? "tinyvmm uses nothing of libc that is younger than macOS 11"

# Our headers promise each function for the same macOS as the list.
cat hv/include/Hypervisor/*.h | tr '\n' ' ' |
    sed 's|/\*[^*]*\*\{1,\}\([^/*][^*]*\*\{1,\}\)*/||g; s/;/;\n/g' |
    sed -n 's/.*[ *]\(hv_[a-z0-9_]*\)(.*API_AVAILABLE(macos(\([0-9.]*\))).*/\2 \1/p' | sort >"$out/promised"
sed '/^#/d' tests/macos/symbols.txt | sort | diff - "$out/promised" >"$out/log" 2>&1
verdict $? "the headers and the list agree on all $(wc -l <"$out/promised") functions"

# ---- 4. signature --------------------------------------------------------------------------------------
cc -o "$out/check_signature" tests/macos/check_signature.c || status=1
"$out/check_signature" "$out/tinyvmm" >"$out/lines" || status=1
sed 's/^\(not \)\{0,1\}ok - /&macos: tinyvmm: /' "$out/lines"
exit $status
