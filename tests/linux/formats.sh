# SPDX-License-Identifier: MIT
# Part of suite.sh: what a kernel file may look like, on a kernel of four instructions (it powers off),
# so that nothing has to be fetched; and the device tree.

# le32 N...: little-endian words
le32()
{
    for word; do
        n=$((word))
        printf "\\$(printf %03o $((n & 255)))\\$(printf %03o $((n >> 8 & 255)))"
        printf "\\$(printf %03o $((n >> 16 & 255)))\\$(printf %03o $((n >> 24 & 255)))"
    done
}

# image FLAGS IMAGE_SIZE TEXT_OFFSET: b .+64; the header of booting.rst; mov w0, SYSTEM_OFF; hvc 0
image()
{
    le32 0x14000010 0xd503201f "${3:-0}" 0 "$2" 0 "$1" 0 0 0 0 0 0 0 0x644d5241 0
    le32 0x52800100 0x72b08000 0xd4000002 0x14000000
}

# elf64 N: the header of an executable for AArch64, entered at 0xffff800080000000, with N segments
# phdr OFFSET ADDRESS-HIGH ADDRESS-LOW FILE_SIZE MEM_SIZE: one of them
elf64()
{
    le32 0x464c457f 0x10102 0 0 0xb70002 1 0x80000000 0xffff8000 64 0 0 0 0 0x380040 "$1" 0
}
phdr() { le32 1 7 "$1" 0 "$3" "$2" "$3" "$2" "$4" 0 "$5" 0 4096 0; }

# vmlinux HIGH LOW: the kernel as linked, its code in another segment than its header
vmlinux()
{
    elf64 2
    phdr 176 0xffff8000 0x80000000 64 64
    phdr 240 "$1" "$2" 16 4096
    le32 0x14000400 0xd503201f 0 0 0x2000 0 0 0 0 0 0 0 0 0 0x644d5241 0 # b .+4096
    le32 0x52800100 0x72b08000 0xd4000002 0x14000000
}

# zboot COMPRESSION FILE: an EFI zboot image around it
zboot()
{
    printf 'MZ\0\0zimg'
    le32 64 "$(wc -c <"$2")" 0 0
    printf '%s' "$1"
    head -c $((32 - ${#1})) /dev/zero
    le32 0x818223cd 0
    cat "$2"
}

# A kernel that restarts for ever, whose file changes under way: its bytes are read again for each start.
restarts_from_its_file()
{
    {
        le32 0x14000010 0xd503201f 0 0 0x1000 0 10 0 0 0 0 0 0 0 0x644d5241 0
        le32 0x52800120 0x72b08000 0xd4000002 0x14000000 # SYSTEM_RESET
    } >"$out/again"
    "$vmm" run --timeout 60 "$out/again" >"$out/log" 2>&1 </dev/null &
    pid=$!
    n=0
    until grep -q 'Starting guest execution' "$out/log" || [ $n = 300 ]; do
        n=$((n + 1))
        sleep 0.1
    done
    kill -0 $pid && printf '\001' | dd of="$out/again" bs=1 seek=60 conv=notrunc 2>/dev/null
    wait $pid
    [ $? = 125 ] && grep -q "the file has changed since it was started" "$out/log"
    judge "a guest file that changes between two starts is refused" $?
}

try() { "$vmm" run -q --timeout 60 "$@" >"$out/log" 2>&1 </dev/null; }
boots()
{
    label=$1
    shift
    try "$@"
    judge "$label: boots" $?
}
# refused LABEL WORDS ARGUMENTS...: status 125 and a message with WORDS
refused()
{
    label=$1 words=$2
    shift 2
    try "$@"
    [ $? = 125 ] && grep -q "$words" "$out/log"
    result=$?
    judge "$label: is refused" $result
    [ $result = 0 ] || sed 's/^/# /' "$out/log"
}

image 0 4096 >"$out/Image"
try --dump-dtb "$out/dtb" "$out/Image"
if grep -q 'built without libfdt' "$out/log"; then
    skip "kernel files: machine virt is not in this build (no libfdt)"
    exit $status
fi

boots "an Image" "$out/Image"
image 2 4096 0x80000 >"$out/offset"
boots "an Image with an offset" "$out/offset"
image 0 0 >"$out/old"
boots "an Image without a size" "$out/old"
vmlinux 0xffff8000 0x80001000 >"$out/vmlinux"
boots "a vmlinux" "$out/vmlinux"
vmlinux 0xffff8000 0xfffff000 >"$out/wide"
refused "a vmlinux larger than memory" 'does not fit' "$out/wide"
vmlinux 0xffffffff 0xffffe000 >"$out/wide"
refused "a vmlinux larger than any memory" 'more than 2 GiB' "$out/wide"
head -c 250 "$out/vmlinux" >"$out/wide"
refused "a vmlinux that is cut off" 'cut off' "$out/wide"
restarts_from_its_file
gzip -c "$out/Image" >"$out/gz"
try "$out/gz"
if grep -q 'install zlib' "$out/log"; then
    skip "gzip: this build has no zlib"
else
    boots "a gzip Image" "$out/gz"
    zboot gzip "$out/gz" >"$out/zgz"
    boots "an EFI zboot Image" "$out/zgz"
    head -c 40 "$out/gz" >"$out/cut"
    refused "a gzip Image that is cut off" 'cut off' "$out/cut"
    { head -c -8 "$out/gz"; head -c 8 /dev/zero; } >"$out/bad" # another checksum
    refused "a corrupt gzip Image" 'corrupt' "$out/bad"
    head -c 70 "$out/zgz" >"$out/cut"
    refused "an EFI zboot Image that is cut off" 'cut off' "$out/cut"
fi
if command -v zstd >/dev/null; then
    zstd -q -c "$out/Image" >"$out/zst"
    try "$out/zst"
    if grep -q 'install libzstd' "$out/log"; then
        skip "zstd: this build has no libzstd"
    else
        boots "a zstd Image" "$out/zst"
        zboot zstd22 "$out/zst" >"$out/zzst"
        boots "an EFI zboot Image with zstd" "$out/zzst"
        head -c 20 "$out/zst" >"$out/cut"
        refused "a zstd Image that is cut off" 'cut off' "$out/cut"
        { head -c -4 "$out/zst"; head -c 4 /dev/zero; } >"$out/bad" # another checksum
        refused "a corrupt zstd Image" 'corrupt' "$out/bad"
    fi
else
    skip "zstd: the tool is not installed"
fi
zboot lzma "$out/gz" >"$out/lzma"
refused "an EFI zboot Image with lzma" 'lzma' "$out/lzma"
image 1 4096 >"$out/be"
refused "a big-endian kernel" 'big-endian' "$out/be"
image 0 0x20000000 >"$out/big"
image 4 4096 >"$out/page16"
boots "a kernel for 16 KiB pages" "$out/page16"
image 0 4096 0x300000 >"$out/far"
refused "an impossible offset" 'impossible' "$out/far"
{ printf 'MZ'; image 0 4096 | tail -c +3 | head -c 58; le32 0x7fffffff; } >"$out/pe"
refused "a kernel whose PE header is cut off" 'cut off' "$out/pe"
refused "a kernel larger than memory" 'does not fit' --memory 256M "$out/big"
head -c 300M /dev/zero >"$out/initrd"
refused "an initrd larger than memory" 'does not fit' --memory 256M --initrd "$out/initrd" "$out/Image"
refused "a missing initrd" 'No such file' --initrd "$out/nothing" "$out/Image"
: >"$out/empty"
refused "an empty disk" 'empty' --disk "$out/empty" "$out/Image"
head -c 1000 /dev/zero >"$out/odd"
refused "a disk of 1000 bytes" 'multiple of 512' --disk "$out/odd" "$out/Image"
refused "a missing disk" 'No such file' --disk "$out/nothing" "$out/Image"
rm -f "$out/initrd"

# An image is locked while a guest has it. The guest: the header, then wfi; b .-4
{ image 0 4096 | head -c 64; le32 0xd503207f 0x17ffffff; } >"$out/idle"
head -c 4096 /dev/zero >"$out/shared"
"$vmm" run --timeout 60 --disk "$out/shared" "$out/idle" </dev/null >"$out/first" 2>&1 &
first=$!
n=0
until grep -q 'Starting guest execution' "$out/first" || [ $n = 300 ]; do # it has the lock by then
    n=$((n + 1))
    sleep 0.1
done
refused "a second writer" 'another process' --disk "$out/shared" "$out/Image"
refused "a reader beside a writer" 'another process' --disk "$out/shared,readonly" "$out/Image"
kill $first
wait $first 2>/dev/null
boots "a disk whose first user is gone" --disk "$out/shared" "$out/Image"

# The tree, by the checker that kernels use.
head -c 4096 /dev/zero >"$out/disk0"
if command -v dtc >/dev/null; then
    try --cpus 4 --append 'console=ttyAMA0 root=/dev/vda' --initrd "$out/gz" --disk "$out/disk0" \
        --dump-dtb "$out/dtb" "$out/Image"
    judge "the device tree: is written" $?
    dtc -q -I dtb -O dts -o "$out/dts" "$out/dtb" && dtc -I dtb -O dts -o /dev/null "$out/dtb" \
        2>"$out/warnings"
    judge "the device tree: is one" $?
    [ ! -s "$out/warnings" ]
    result=$?
    judge "the device tree: without warnings" $result
    [ $result = 0 ] || sed 's/^/# /' "$out/warnings"
    for want in 'bootargs = "console=ttyAMA0 root=/dev/vda"' 'stdout-path = "/pl011@9000000"' \
        'rng-seed' 'kaslr-seed' 'linux,initrd-start' 'method = "hvc"' 'cpu@3 {' 'virtio_mmio@a000400 {' \
        'compatible = "arm,gic-v3"' 'pl031@9010000 {' 'compatible = "arm,armv8-timer"'; do
        grep -qF "$want" "$out/dts"
        judge "the device tree: $want" $?
    done
else
    skip "the device tree: dtc is not installed"
fi
boots "32 vCPUs" --cpus 32 "$out/Image"
if try --memory 8G --dump-dtb "$out/dtb" "$out/Image"; then
    boots "8 GB of memory" --memory 8G "$out/Image"
    # Pages that the guest does not touch are not there. A sanitizer has shadow memory of its own.
    "$vmm" run -q --timeout 60 --memory 8G "$out/idle" </dev/null >/dev/null 2>&1 &
    first=$!
    sleep 1
    if [ -r /proc/$first/status ] && [ -z "${SAN:-}" ]; then
        kib=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' /proc/$first/status)
        [ "$kib" -lt 65536 ]
        judge "8 GB of memory: $kib KiB of them are there" $?
    fi
    kill $first
    wait $first 2>/dev/null
else
    skip "8 GB of memory: $(tail -n 1 "$out/log")"
fi
