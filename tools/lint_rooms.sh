#!/bin/sh
# SPDX-License-Identifier: MIT
# Who may include whom (docs/ARCHITECTURE.md, "The rooms"). Prints each line that breaks a rule.
set -u
cd "$(dirname "$0")/.." || exit 1
bad=0

# includes FOLDER-OR-FILE...: "file:line:name" of every include of a file of ours. Names in angle brackets
# count if they are a header of the Hypervisor API.
includes()
{
    find "$@" -type f \( -name '*.c' -o -name '*.h' -o -name '*.def' -o -name '*.inc' \) 2>/dev/null |
        xargs -r grep -Hn '^[[:space:]]*#[[:space:]]*include' |
        sed -n -e 's/\(.*:[0-9]*\):.*"\(.*\)".*/\1:\2/p' \
            -e 's/\(.*:[0-9]*\):.*<\(Hypervisor\/.*\|hvx\.h\|os\/.*\|mach\/.*\|libkern\/.*\|arm64\/.*\)>.*/\1:\2/p'
}

# allow "RULE" REGEX FOLDER...: every include of these must match.
allow()
{
    rule=$1
    regex=$2
    shift 2
    wrong=$(includes "$@" | grep -vE ":[0-9]+:($regex)\$")
    if [ -n "$wrong" ]; then
        echo "$wrong" | sed "s|\$|    <- $rule|"
        bad=1
    fi
}

# forbid "RULE" REGEX FOLDER...: no include may match.
forbid()
{
    rule=$1
    regex=$2
    shift 2
    wrong=$(includes "$@" | grep -E ":[0-9]+:($regex)\$")
    if [ -n "$wrong" ]; then
        echo "$wrong" | sed "s|\$|    <- $rule|"
        bad=1
    fi
}

api='(Hypervisor|mach|os|libkern|arm64)/.*|hvx\.h'

allow "main.c sees vmm/vmm.h only" 'vmm/vmm\.h' main.c
forbid "vmm/ sees hv/include only" '(.*/)?(hv/.*|soft/.*|kvm/.*|backend\.h|hv_internal\.h|cpu\.h)' vmm
allow "vmm/dev never sees a vCPU or the Hypervisor" \
    '((\.\./)?(dev/)?(dev|mem|log|clock|random|console|loop|bus)\.h)|([a-z0-9_]+\.h)' vmm/dev
forbid "vmm/dev never sees a vCPU or the Hypervisor" "(.*/)?vmm\\.h|$api" vmm/dev
if [ -d vmm/mon ]; then
    forbid "vmm/mon sees vmm.h" "(.*/)?(hv/.*|soft/.*|kvm/.*)" vmm/mon
fi
forbid "hv/ never includes vmm/ or guest/" '(.*/)?(vmm|guest)/.*|vmm\.h|tinyvmm\.h' hv
if [ -d hv/kvm ]; then
    forbid "hv/kvm and hv/soft never include each other" '(.*/)?soft/.*' hv/kvm
fi
forbid "hv/kvm and hv/soft never include each other" '(.*/)?kvm/.*' hv/soft
allow "guest programs see guest/ only" '(\.\./)?(lib|tinyvmm)\.h' guest

exit $bad
