#!/bin/sh
# SPDX-License-Identifier: MIT
# Run a script on an arm64 Linux machine with a working /dev/kvm: QEMU emulates a board with EL2,
# boots the kernel that fetch.sh brought, and an initramfs made of busybox and of the files in ROOT.
#
#   rig.sh KERNELDIR ROOT TIMEOUT      runs ROOT/suite.sh there; its output and status are ours
#
# RIG_CPU: its CPU. The machine has no disk and no network. Status 124 if it does not end in TIMEOUT seconds, 125 if
# it never reached the script, 77 if QEMU is missing.
set -eu

kernel=$1
root=$2
limit=$3
cpu=${RIG_CPU:-cortex-a72}
qemu=${QEMU_SYSTEM:-qemu-system-aarch64}
command -v "$qemu" >/dev/null || { echo "rig.sh: $qemu is not installed" >&2; exit 77; }
command -v cpio >/dev/null || { echo "rig.sh: cpio is not installed" >&2; exit 77; }

mkdir -p "$root/bin" "$root/dev" "$root/proc" "$root/sys" "$root/tmp"
cp "$kernel/busybox" "$root/bin/busybox"
cat >"$root/init" <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin HOME=/tmp
mount -t devtmpfs none /dev
mount -t proc none /proc
mount -t sysfs none /sys
mount -t tmpfs none /tmp
ln -sf /proc/self/fd /dev/fd
stty -F /dev/console -onlcr -echo 2>/dev/null
cd /
echo "RIG: start"
setsid cttyhack sh /suite.sh </dev/null
echo "RIG: exit $?"
poweroff -f
INIT
chmod 755 "$root/init"
image=$root.cpio
log=$root.log
(cd "$root" && find . | cpio -o -H newc --quiet) >"$image"

# cortex-a72: EL2 without VHE (why: suite.sh), and no pointer authentication, whose emulation would
# double the run time. panic=-1 with -no-reboot turns a kernel crash into an end.
status=0
timeout -k 5 "$limit" "$qemu" -M virt,virtualization=on,gic-version=3 -cpu "$cpu" -smp 2 \
    -m 1024 -display none -monitor none -serial stdio -no-reboot -nodefaults \
    -kernel "$kernel/Image" -initrd "$image" \
    -append "console=ttyAMA0 quiet panic=-1 mitigations=off random.trust_cpu=on" \
    </dev/null >"$log" 2>&1 || status=$?
tr -d '\r' <"$log" | sed -n '/^RIG: start$/,/^RIG: exit /{ /^RIG: /!p; }'
[ $status -eq 124 ] && { echo "rig.sh: no end after $limit s (see $log)" >&2; exit 124; }
result=$(tr -d '\r' <"$log" | sed -n 's/^RIG: exit //p')
[ -n "$result" ] || { echo "rig.sh: the machine did not run the script (see $log)" >&2; exit 125; }
exit "$result"
