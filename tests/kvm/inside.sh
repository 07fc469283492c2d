#!/bin/sh
# SPDX-License-Identifier: MIT
# The part of the KVM suite that runs where /dev/kvm is: every test program, on KVM. busybox sh.
# ROOT: where the programs are.
cd "${ROOT:-/t}" || exit 1
export TINYVMM_BACKEND=kvm
status=0

# report PREFIX PROGRAM: run it and put the prefix before the name on each of its lines
report()
{
    start=$(cut -d. -f1 /proc/uptime)
    "$2" >/tmp/lines 2>/tmp/errors
    code=$?
    sed -e "s/^ok - /ok - $1/; s/^not ok - /not ok - $1/; s/^skip - /skip - $1/" /tmp/lines
    echo "# $2: $(($(cut -d. -f1 /proc/uptime) - start)) s"
    [ $code = 0 ] && return
    status=1
    grep -q '^not ok' /tmp/lines || echo "not ok - $1$2: exit status $code"
    sed 's/^/# /' /tmp/errors | head -n 40
}

for program in api/* kvm/*; do
    report "kvm ${program##*/}: " "$program"
done
exit $status
