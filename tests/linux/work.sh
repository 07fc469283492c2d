#!/bin/sh
# SPDX-License-Identifier: MIT
# What the test guests do, inside: real work on every device, then a reboot, then again, then off.
# Prints "ok - NAME" or "not ok - NAME"; the host's side counts them.

say()
{
    if [ "$2" = 0 ]; then echo "ok - $1"; else echo "not ok - $1"; fi
}

cpus=$(nproc)
mkdir -p /mnt
mount -t ext4 /dev/vda /mnt
mounted=$?
say "mounts the disk" $mounted
[ $mounted = 0 ] || exit 1
round=$(cat /mnt/round 2>/dev/null || echo 0)

if [ "$round" = 0 ]; then
    dd if=/dev/urandom of=/mnt/data bs=64k count=48 2>/dev/null
    (cd /mnt && sha256sum data >sums)
    sync
    umount /mnt
    echo 3 >/proc/sys/vm/drop_caches
    mount -t ext4 /dev/vda /mnt
fi
(cd /mnt && sha256sum -c sums >/dev/null)
say "reads back what it wrote (round $round)" $?

# A known text through a pipeline of processes.
sum=$(seq 1 20000 | sha256sum | cut -c1-16)
[ "$sum" = "$(cat /expected/seq)" ]
say "computes a checksum" $?

# Processes: many, one after the other, and many at once.
i=0
while [ $i -lt 100 ]; do
    (exit 7)
    [ $? = 7 ] || break
    i=$((i + 1))
done
[ $i = 100 ]
say "starts 100 processes" $?
rm -f /tmp/p.*
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    (sleep 0.1; echo $i >/tmp/p.$i) &
done
wait
[ "$(ls /tmp/p.* | wc -l)" = 20 ]
say "waits for 20 at once" $?

# Floating point in several processes at once: every context switch must keep the registers.
for i in 1 2 3 4 5 6; do
    awk -f /expected/fp.awk >/tmp/fp.$i &
done
wait
[ "$(sort -u /tmp/fp.* | wc -l)" = 1 ] && [ "$(cat /tmp/fp.1)" = "$(cat /expected/fp)" ]
say "keeps floating point apart" $?

if [ -e /dev/hwrng ]; then
    a=$(dd if=/dev/hwrng bs=16 count=4 2>/dev/null | sha256sum)
    b=$(dd if=/dev/hwrng bs=16 count=4 2>/dev/null | sha256sum)
    [ -n "$a" ] && [ "$a" != "$b" ]
    say "reads random numbers" $?
fi

now=$(date +%s)
[ "$now" -ge "$(cat /expected/time)" ] && [ "$now" -le $(($(cat /expected/time) + 1200)) ]
say "knows the time" $?
a=$(cut -d. -f1 /proc/uptime)
sleep 1
b=$(cut -d. -f1 /proc/uptime)
[ $((b - a)) -ge 1 ] && [ $((b - a)) -le 5 ]
say "sleeps for a second" $?

if [ "$cpus" -gt 1 ]; then
    last=/sys/devices/system/cpu/cpu$((cpus - 1))/online
    echo 0 >"$last"
    [ "$(nproc)" = $((cpus - 1)) ]
    say "takes a CPU away" $?
    echo 1 >"$last"
    [ "$(nproc)" = "$cpus" ]
    say "and gets it back" $?
    [ "$(taskset -c $((cpus - 1)) sh -c 'echo alive')" = alive ]
    say "runs on it" $?
fi

if [ -e /dev/hvc0 ]; then
    echo "ok - writes to the virtio console" >/dev/hvc0
fi
serial=$(cat /sys/block/vda/serial 2>/dev/null)
[ "$serial" = tinyvmm-test ]
say "reads the disk's serial number" $?

dmesg | grep -E 'WARNING|Unable to|Call trace|BUG|timer broken|I/O error|stall' && say "kernel log" 1

echo $((round + 1)) >/mnt/round
umount /mnt
say "unmounts" $?
if [ "$round" = 0 ]; then
    echo "ok - reboots"
    reboot -f
fi
echo "ok - reaches the end"
