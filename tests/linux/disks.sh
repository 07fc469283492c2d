# SPDX-License-Identifier: MIT
# Part of suite.sh: a block device of the host as a disk, a disk that fails in mid-run, one that is
# read-only, and one that is in use.

# At the end of suite.sh too, if it ends early.
drop_loop()
{
    [ -n "${loop:-}" ] && losetup -d "$loop"
    loop=
}
trap 'drop_loop; rm -rf "$out"' EXIT INT TERM

truncate -s 4M "$out/disk-a"
if loop=$(losetup -f --show "$out/disk-a" 2>"$out/log"); then
    first=$loop
else
    loop=
    first=$out/disk-a
    skip "a block device of the host: $(tail -n 1 "$out/log")"
fi
truncate -s 8M "$out/disk-b"

# A file that may not grow beyond 4 MiB stands for a file system that is full: 8192 blocks of 512 bytes.
initrd cloud tests/linux/disk_work.sh
(
    ulimit -f 8192
    exec "$vmm" run -q --timeout 200 --initrd "$out/cloud.cpio.gz" \
        --append "console=ttyAMA0 panic=-1" --disk "$first" --disk "$out/disk-b" \
        --disk "$out/readonly,readonly" "$guests/cloud/Image" </dev/null
) >"$out/log" 2>&1
report "disks" $?
grep -q "disk-b': .*the guest got an I/O error" "$out/log"
judge "disks: the user is told of the failure" $?
want=$(sed -n 's/^wrote //p' "$out/text")
drop_loop
[ -n "$want" ] &&
    [ "$(dd if="$out/disk-a" bs=64k skip=16 count=16 2>/dev/null | sha256sum | cut -c1-64)" = "$want" ]
judge "disks: the host finds what the guest wrote" $?
[ "$(dd if="$out/disk-b" bs=64k skip=32 count=16 2>/dev/null | sha256sum | cut -c1-64)" = "$want" ]
judge "disks: on the failing one too" $?
[ "$(sha256sum <"$out/readonly" | cut -c1-64)" = "$(cat "$out/expected/readonly")" ]
judge "disks: the read-only one is as it was" $?
