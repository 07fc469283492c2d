#!/bin/sh
# SPDX-License-Identifier: MIT
# In a guest with many vCPUs: processes on every one of them at once, then all but one of them go and
# come back, twice, under load. Prints "ok - NAME" or "not ok - NAME".

say()
{
    if [ "$2" = 0 ]; then echo "ok - $1"; else echo "not ok - $1"; fi
}

switch_all() # 0 | 1: every CPU but the first
{
    cpu=1
    while [ $cpu -lt "$cpus" ]; do
        echo "$1" >/sys/devices/system/cpu/cpu$cpu/online || return 1
        cpu=$((cpu + 1))
    done
}

cpus=$(nproc)
cpu=0
while [ $cpu -lt "$cpus" ]; do
    mask=$(printf %x $((1 << cpu)))
    (taskset "$mask" sh -c 'i=0; while [ $i -lt 10 ]; do (exit 0); i=$((i + 1)); done; seq 1 500 |
        sha256sum >/tmp/sum.$0' $cpu) &
    cpu=$((cpu + 1))
done
wait
[ "$(ls /tmp/sum.* | wc -l)" = "$cpus" ] && [ "$(sort -u /tmp/sum.* | wc -l)" = 1 ]
say "works on every CPU at once" $?

(while [ ! -e /tmp/stop ]; do seq 1 200 | sha256sum >/dev/null; done) &
for round in 1 2; do
    switch_all 0 && [ "$(nproc)" = 1 ]
    say "takes all CPUs away but one (round $round)" $?
    switch_all 1 && [ "$(nproc)" = "$cpus" ]
    say "gets them back (round $round)" $?
done
: >/tmp/stop
wait
last=$(printf %x $((1 << (cpus - 1))))
[ "$(taskset "$last" sh -c 'echo alive')" = alive ]
say "runs on the last one" $?
dmesg | grep -E 'WARNING|Unable to|Call trace|BUG|stall|hung|lockup' && say "kernel log" 1
echo "ok - reaches the end"
