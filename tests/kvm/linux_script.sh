# SPDX-License-Identifier: MIT
# What the small Linux guest of the KVM suite does; its init runs this with busybox and powers off.
echo "GUEST cpus=$(nproc)"
seq 1 2000 | sha256sum
