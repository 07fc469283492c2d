# SPDX-License-Identifier: MIT
# The demo: every line of it. Sourced by suite.sh.

# Addresses and process numbers become "...": what is left is always the same.
plain()
{
    sed -e 's/at 0x[0-9a-f][0-9a-f]*$/at 0x.../' -e 's/PID [0-9][0-9]*/PID .../g'
}

vm_block()
{
    cat <<END
[VM $1] Creating virtual machine...
[VM $1] VM created successfully
[VM $1] Allocated 1024 KB guest memory at 0x...
[VM $1] Mapped guest memory: GPA 0x0 - 0x100000
[VM $1] Creating vCPU...
[VM $1] vCPU created
[VM $1] vCPU initialized: PC=0x10000, SP=0xff000
[VM $1] Loading guest code...
[VM $1] Loaded 352 bytes of guest code at GPA 0x10000
[VM $1] Starting guest execution...
[VM $1] --- Guest Output ---
Hello from VM $1!
VM $1: 0 1 2 3 4
[VM $1] Guest requested exit
[VM $1] --- End Guest Output ---
[VM $1] Cleaning up...
[VM $1] VM destroyed
[VM $1] Guest completed successfully!
END
}

parent_block()
{
    cat <<END
[Parent] Started VM 1 (PID ...) and VM 2 (PID ...)
[Parent] Waiting for VMs to complete...
[Parent] Both VMs finished.
[Parent] All VMs completed successfully!
END
}

# Lines of the three processes may mix, so each is compared by itself, and then all together.
check_demo()
{
    "$TINYVMM" >"$work/out" 2>"$work/err" </dev/null
    got=$?
    plain <"$work/out" >"$work/plain"
    [ $got -eq 0 ] || return 1
    [ ! -s "$work/err" ] || return 1
    [ "$(sed -n 3p "$work/plain")" = "║   Running 2 VMs in parallel            ║" ] || return 1
    sed -n 2p "$work/plain" | grep -q '^║   TinyVMM - .* Demo *║$' || return 1
    for n in 1 2; do
        vm_block $n >"$work/want"
        grep -e "^\\[VM $n\\]" -e "^Hello from VM $n!" -e "^VM $n:" "$work/plain" >"$work/got"
        cmp -s "$work/want" "$work/got" || return 1
    done
    parent_block >"$work/want"
    grep '^\[Parent\]' "$work/plain" >"$work/got"
    cmp -s "$work/want" "$work/got" || return 1
    # Four lines of banner, 18 for each VM, 4 of the parent; an empty line after the banner, two for each
    # VM, two of the parent.
    [ "$(grep -c . "$work/plain")" -eq 44 ] && [ "$(grep -c '^$' "$work/plain")" -eq 6 ]
}

if check_demo; then
    ok "demo: the exact output"
else
    not_ok "demo: the output is another one"
    sed 's/^/# /' "$work/out" "$work/err"
fi
expect "demo with seven VMs" 0 "All 7 VMs finished" "$TINYVMM" --vms 7
n=$(grep -c "^Hello from VM [1-7]!$" "$work/out")
if [ "$n" -eq 7 ]; then ok "demo: each of the seven says hello"; else not_ok "demo: $n of seven say hello"; fi
expect "demo with one VM" 0 "Running 1 VM in parallel" "$TINYVMM" --vms 1

bad=0 times=20 i=0
[ -z "${TEST_SLOW:-}" ] || times=2
while [ $i -lt $times ]; do
    check_demo || bad=$((bad + 1))
    i=$((i + 1))
done
if [ $bad -eq 0 ]; then ok "demo: $times times in a row"; else not_ok "demo: $bad of $times runs differ"; fi

if tools/guest_cc.sh assemble >/dev/null 2>&1; then
    cp guest.bin "$work/guest.bin.before" 2>/dev/null
    if $MAKE -s guest.bin >"$work/log" 2>&1 &&
        tools/bin2header.sh demo_guest guest.bin | cmp -s - vmm/demo_guest.h; then
        ok "demo: the kept bytes are those of guest.S"
    else
        not_ok "demo: vmm/demo_guest.h is not what guest.S gives (make demo_guest.h)"
    fi
    n=$(wc -c <guest.bin)
    if [ "$n" -eq 352 ]; then ok "demo: the guest has 352 bytes"; else not_ok "demo: the guest has $n bytes"; fi
    expect "demo: guest.bin by itself" 0 "^Hello from VM 1!" "$TINYVMM" run -q guest.bin
else
    echo "skip - monitor demo: the kept bytes: no assembler for AArch64 (make deps)"
fi
