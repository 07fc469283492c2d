# SPDX-License-Identifier: MIT
# The command line. Sourced by suite.sh.

words d2800000 d4000002 >"$work/exit.bin"          # EXIT
words d2800060 d2800e61 d4000002 >"$work/seven.bin" # EXIT_STATUS, x1 = 0x73
run="$TINYVMM run"

expect "--help" 0 "^Usage: tinyvmm" "$TINYVMM" --help
expect "run --help" 0 "--memory SIZE" $run --help
expect "--version" 0 "^tinyvmm [0-9]" "$TINYVMM" --version
expect "a guest that ends" 0 "Guest completed successfully" $run "$work/exit.bin"
expect "a guest's own status" 115 "Guest ended with status 115" $run "$work/seven.bin"
expect "-q says nothing" 115 "" $run -q "$work/seven.bin"
if [ -s "$work/out" ] || [ -s "$work/err" ]; then not_ok "-q is quiet"; else ok "-q is quiet"; fi
expect "-v says what is chosen" 0 "Using .*backend [a-z]*" $run -v "$work/exit.bin"
expect "-v names the format" 0 "raw binary, machine tiny" $run -v "$work/exit.bin"
expect "the guest's output alone is on standard output" 0 "" $run "$work/exit.bin"
if [ -s "$work/out" ]; then not_ok "standard output is clean"; else ok "standard output is clean"; fi
expect "--stats counts exits" 0 "1  hypercalls: EXIT" $run --stats "$work/exit.bin"
expect "--stats tells times" 0 "us from start to the end" $run --stats "$work/exit.bin"
expect "--memory 2M" 0 "GPA 0x0 - 0x200000" $run --memory 2M "$work/exit.bin"
expect "--memory 1040k" 0 "GPA 0x0 - 0x104000" $run --memory 1040k "$work/exit.bin"
expect "--memory=0x100000" 0 "GPA 0x0 - 0x100000" $run --memory=0x100000 "$work/exit.bin"
expect "--machine tiny" 0 "" $run --machine tiny "$work/exit.bin"
expect "--backend auto" 0 "" $run --backend auto "$work/exit.bin"
expect "--code-cache 512K" 0 "" $run --backend soft --code-cache 512K "$work/exit.bin"
expect "--code-cache=1G" 0 "" $run --backend soft --code-cache=1G "$work/exit.bin"
expect "--count 3" 0 "VM 3 (PID" $run --count 3 "$work/exit.bin"
expect "--count: a status that is not 0" 115 "VM 2 failed with status 115" $run --count 2 "$work/seven.bin"
expect "--count -q" 0 "" $run -q --count 2 "$work/exit.bin"
if [ -s "$work/out" ] || [ -s "$work/err" ]; then not_ok "--count -q is quiet"; else ok "--count -q is quiet"; fi
expect "options after the guest" 0 "" $run "$work/exit.bin" -q
expect "-- ends the options" 0 "" $run -q -- "$work/exit.bin"
expect "backends" 0 "vCPUs" "$TINYVMM" backends
n=$(grep -c 'chosen by auto' "$work/out")
if [ "$n" -eq 1 ]; then ok "backends: one is chosen"; else not_ok "backends: $n are chosen"; fi

refuse "an unknown option" "unknown option '--frob'.*--help" $run --frob x
refuse "an unknown short option" "unknown option '-z'.*--help" $run -z x
refuse "an unknown option of the demo" "unknown option '--memory'" "$TINYVMM" --memory 1M
refuse "an unknown command" "unknown command 'frob'.*--help" "$TINYVMM" frob
refuse "an option without its value" "wants a value" $run --memory
refuse "no guest" "which guest" $run
refuse "two guests" "one guest only" $run "$work/exit.bin" "$work/seven.bin"
refuse "an unknown machine" "no machine 'frob' (there are: tiny" $run --machine frob "$work/exit.bin"
refuse "an unknown backend" "no backend 'frob' in this build (there are: " $run --backend frob "$work/exit.bin"
refuse "an unknown backend from the environment" "no backend 'frob'" \
    env TINYVMM_BACKEND=frob $run "$work/exit.bin"
refuse "a backend of another platform" "no backend 'hvf'\|cannot run here\|^tinyvmm:" $run --backend nosuch "$work/exit.bin"
refuse "backends with an argument" "takes no arguments" "$TINYVMM" backends x
for value in "" x 1.5.2 -1 0 1e99 nan inf 5s; do
    refuse "--timeout '$value'" "wants a number of seconds" $run --timeout "$value" "$work/exit.bin"
done
for value in "" 0 x 1X 1MM -1 99999999999999999999 18446744073709551615G " 1M"; do
    refuse "--memory '$value'" "wants a size" $run --memory "$value" "$work/exit.bin"
done
for value in "" 0 x 511K 1025M -1 2G 1M1; do
    refuse "--code-cache '$value'" "wants a size from 512K to 1G" $run --code-cache "$value" "$work/exit.bin"
done
for value in "" x ON verify,on; do
    refuse "--jit '$value'" "wants on, off or verify" $run --jit "$value" "$work/exit.bin"
done
for value in "" 0 x -1 65 1.5; do
    refuse "--count '$value'" "from 1 to 64" $run --count "$value" "$work/exit.bin"
    refuse "--vms '$value'" "from 1 to 64" "$TINYVMM" --vms "$value"
done
refuse "--memory below what the machine needs" "at least 1024 KiB" $run --memory 512K "$work/exit.bin"
refuse "--memory that is no whole number of pages" "multiple of 16 KiB" $run --memory 1025K "$work/exit.bin"
refuse "--memory larger than the host's" "the host has" $run --memory 4096T "$work/exit.bin"
