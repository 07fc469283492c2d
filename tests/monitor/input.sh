# SPDX-License-Identifier: MIT
# Guest files and outputs that are not what they should be. Sourced by suite.sh.

refuse "a missing guest" "cannot open guest '$work/none': No such file" $run "$work/none"
: >"$work/empty"
refuse "an empty guest" "is empty" $run "$work/empty"
refuse "a directory" "it is a directory" $run "$work"
refuse "a device" "not a regular file" $run /dev/zero
dd if=/dev/zero of="$work/large" bs=1024 count=1024 2>/dev/null
refuse "a guest larger than memory" "does not fit: 983040 bytes of memory from 0x10000" $run "$work/large"
dd if=/dev/null of="$work/huge" bs=1 seek=3000000000 2>/dev/null
refuse "a guest larger than anything" "larger than 2 GiB" $run "$work/huge"
rm -f "$work/huge"
cp "$work/exit.bin" "$work/secret" && chmod 000 "$work/secret"
if [ "$(id -u)" -ne 0 ]; then
    refuse "a guest that may not be read" "Permission denied" $run "$work/secret"
elif setpriv --reuid 65534 --clear-groups "$TINYVMM" --version >/dev/null 2>&1; then
    refuse "a guest that may not be read" "Permission denied" \
        setpriv --reuid 65534 --clear-groups $run "$work/secret"
else
    echo "skip - monitor a guest that may not be read: root may read everything"
fi
refuse "in many VMs too" "VM 1: cannot open" sh -c "'$TINYVMM' run -q --count 1 '$work/none' 2>&1 | sed 's/tinyvmm: /tinyvmm: VM 1: /' >&2; exit 125"

# ---- ELF: a good one made by hand, then one field wrong at a time ----
# elf MACHINE TYPE CLASS PHOFF PHNUM ENTRY OFFSET PADDR FILESZ MEMSZ: code at file offset 0x78 (EXIT).
le()
{
    n=$1 value=$2 i=0
    while [ $i -lt "$n" ]; do
        # shellcheck disable=SC2059
        printf "\\$(printf %03o $((value & 255)))"
        value=$((value >> 8)) i=$((i + 1))
    done
}

elf()
{
    printf '\177ELF'
    le 1 "$3" && le 1 1 && le 1 1 && le 1 0 && le 8 0
    le 2 "$2" && le 2 "$1" && le 4 1 && le 8 "$6" && le 8 "$4" && le 8 0
    le 4 0 && le 2 64 && le 2 56 && le 2 "$5" && le 2 0 && le 2 0 && le 2 0
    le 4 1 && le 4 5 && le 8 "$7" && le 8 "$8" && le 8 "$8" && le 8 "$9" && le 8 "${10}" && le 8 4
    words d2800000 d4000002
}

elf 183 2 2 64 1 0x20000 0x78 0x20000 8 8 >"$work/good.elf"
expect "a small ELF" 0 "PC=0x20000" $run "$work/good.elf"
expect "ELF is recognised by content" 0 "ELF executable" $run -v "$work/good.elf"
elf 62 2 2 64 1 0x20000 0x78 0x20000 8 8 >"$work/bad.elf"
refuse "ELF for x86-64" "an ELF file for x86-64, not for AArch64" $run "$work/bad.elf"
elf 40 2 1 64 1 0x20000 0x78 0x20000 8 8 >"$work/bad.elf"
refuse "ELF of 32 bits" "not a 64-bit little-endian" $run "$work/bad.elf"
elf 183 1 2 64 1 0x20000 0x78 0x20000 8 8 >"$work/bad.elf"
refuse "ELF that is an object file" "not an executable" $run "$work/bad.elf"
elf 183 2 2 64 0 0x20000 0x78 0x20000 8 8 >"$work/bad.elf"
refuse "ELF without segments" "no segments" $run "$work/bad.elf"
elf 183 2 2 0x7ffffffffffffff0 1 0x20000 0x78 0x20000 8 8 >"$work/bad.elf"
refuse "ELF headers far outside" "program headers are cut off" $run "$work/bad.elf"
elf 183 2 2 64 65535 0x20000 0x78 0x20000 8 8 >"$work/bad.elf"
refuse "ELF with too many headers" "program headers are cut off" $run "$work/bad.elf"
for n in 4 20 63 64 100 119; do
    dd if="$work/good.elf" of="$work/bad.elf" bs=1 count=$n 2>/dev/null
    refuse "ELF cut off after $n bytes" "cut off" $run "$work/bad.elf"
done
elf 183 2 2 64 1 0x20000 0x78 0x20000 9 9 >"$work/bad.elf"
refuse "ELF segment cut off" "segment 0 is cut off" $run "$work/bad.elf"
elf 183 2 2 64 1 0x20000 -8 0x20000 16 16 >"$work/bad.elf"
refuse "ELF segment that wraps in the file" "segment 0 is cut off" $run "$work/bad.elf"
elf 183 2 2 64 1 0x20000 0x78 0x20000 8 4 >"$work/bad.elf"
refuse "ELF segment smaller than its bytes" "impossible sizes" $run "$work/bad.elf"
elf 183 2 2 64 1 -8 0x78 -8 8 0x100 >"$work/bad.elf"
refuse "ELF segment that wraps in memory" "impossible sizes" $run "$work/bad.elf"
elf 183 2 2 64 1 0x100000 0x78 0x100000 8 8 >"$work/bad.elf"
refuse "ELF segment outside memory" "lies outside guest memory" $run "$work/bad.elf"
elf 183 2 2 64 1 0x20000 0x78 0x20000 8 0x7fffffffffff >"$work/bad.elf"
refuse "ELF segment larger than memory" "lies outside guest memory" $run "$work/bad.elf"
elf 183 2 2 64 1 0x30000 0x78 0x20000 8 8 >"$work/bad.elf"
refuse "ELF entry outside its segments" "entry point 0x30000 is not in a segment" $run "$work/bad.elf"
elf 183 2 2 64 1 0x20002 0x78 0x20000 8 8 >"$work/bad.elf"
refuse "ELF entry that is not aligned" "is not in a segment" $run "$work/bad.elf"

# ---- outputs ----
words d2800020 d2800821 d4000002 d2800000 d4000002 >"$work/a.bin" # PUTCHAR 'A', EXIT
if [ -c /dev/full ]; then
    refuse "a full output" "cannot write the guest's output: No space" \
        sh -c "'$TINYVMM' run -q '$work/a.bin' >/dev/full"
    refuse "--help to a full output" "cannot write to standard output" sh -c "'$TINYVMM' --help >/dev/full"
    expect "the demo with a full output" 125 "" sh -c "'$TINYVMM' >/dev/full"
else
    echo "skip - monitor a full output: no /dev/full on this host"
fi
refuse "a closed output" "cannot write the guest's output" sh -c "'$TINYVMM' run -q '$work/a.bin' >&-"
refuse "a reader that goes away" "cannot write the guest's output: Broken pipe" \
    sh -c "mkfifo '$work/fifo'; (exec 3<'$work/fifo'; sleep 0.1) & exec 4>'$work/fifo'; wait; exec '$TINYVMM' run -q '$work/a.bin' >&4"
expect "no standard input at all" 0 "A" sh -c "'$TINYVMM' run -q '$work/a.bin' <&-"
