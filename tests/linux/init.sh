#!/bin/sh
# SPDX-License-Identifier: MIT
# The init of the test guests: busybox on tmpfs. Runs /script if the initramfs has one, else a shell
# on the console, and then powers off. "BOOTED" is the marker of the boot-time measurements.
busybox mount -t devtmpfs dev /dev 2>/dev/null
busybox mkdir -p /dev/pts /proc /sys /tmp
busybox mount -t proc proc /proc
busybox mount -t sysfs sys /sys
busybox mount -t devpts pts /dev/pts 2>/dev/null
busybox --install -s /bin
export PATH=/bin:/sbin HOME=/root TERM=${TERM:-vt100} PS1='# '
for module in /lib/*.ko; do
    [ -f "$module" ] && insmod "$module"
done
echo "BOOTED $(uname -r) cpus=$(nproc)"
if [ -f /script ]; then
    sh /script
else
    setsid cttyhack sh
fi
poweroff -f
