#!/bin/sh
# SPDX-License-Identifier: MIT
# In a guest with three disks: vda works (a block device of the host, if there is one), vdb fails in
# its second half, vdc is read-only. Prints "ok - NAME" or "not ok - NAME", and "wrote SUM".

say()
{
    if [ "$2" = 0 ]; then echo "ok - $1"; else echo "not ok - $1"; fi
}

sum() { sha256sum | cut -c1-64; }

dd if=/dev/urandom of=/tmp/data bs=64k count=16 2>/dev/null
want=$(sum </tmp/data)
dd if=/tmp/data of=/dev/vda bs=64k seek=16 conv=fsync 2>/dev/null
say "writes to the first disk" $?

dd if=/tmp/data of=/dev/vdb bs=64k seek=16 conv=fsync 2>/dev/null
say "writes to the sound half of a failing disk" $?
! dd if=/tmp/data of=/dev/vdb bs=64k seek=80 conv=fsync 2>/dev/null
say "is told that the other half fails" $?
dmesg | grep -q 'I/O error, dev vdb'
say "logs an I/O error" $?
echo 3 >/proc/sys/vm/drop_caches
[ "$(dd if=/dev/vdb bs=64k skip=16 count=16 2>/dev/null | sum)" = "$want" ]
say "reads the sound half after that" $?
dd if=/tmp/data of=/dev/vdb bs=64k seek=32 conv=fsync 2>/dev/null
say "writes to the sound half after that" $?

[ "$(cat /sys/block/vdc/ro)" = 1 ]
say "knows that the third disk is read-only" $?
! dd if=/tmp/data of=/dev/vdc bs=512 count=1 conv=fsync 2>/dev/null
say "cannot write to it" $?
[ "$(sum </dev/vdc)" = "$(cat /expected/readonly)" ]
say "reads it" $?
echo "wrote $want"
echo "ok - reaches the end"
