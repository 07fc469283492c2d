#!/bin/sh
# SPDX-License-Identifier: MIT
# The part of the KVM suite that runs where /dev/kvm is: every test program, on KVM. busybox sh.
# ROOT: where the programs are.
cd "${ROOT:-/t}" || exit 1
export TINYVMM_BACKEND=kvm
status=0
for program in ./test_*; do
    echo "# ${program#./}"
    "$program" || status=1
done
exit $status
