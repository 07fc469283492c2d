# SPDX-License-Identifier: MIT
# Guests that do what nobody handles: status 126 and a report. Sourced by suite.sh.

# crash NAME FILE INPUT PATTERN...: all of the patterns are in the report.
crash()
{
    name=$1 file=$2 input=$3
    shift 3
    printf '%s' "$input" | "$TINYVMM" run -q --timeout 20 "$file" >"$work/out" 2>"$work/err"
    got=$?
    if [ $got -ne 126 ]; then
        not_ok "crash: $name: status $got instead of 126"
        return
    fi
    for pattern in "$@" "^  PC   0x" "^  CPSR 0x" "x30 " "SP_EL1" "^  code "; do
        if ! grep -q -e "$pattern" "$work/err"; then
            not_ok "crash: $name: no '$pattern' in the report"
            sed 's/^/# /' "$work/err"
            return
        fi
    done
    ok "crash: $name"
}

words 00000000 >"$work/udf.bin"
crash "an undefined instruction" "$work/udf.bin" "" \
    "The guest crashed: undefined instruction, and the guest has no vector table" "PC   0x0000000000010000" \
    "\[00000000\]" "EL1h.*masked DAIF"
words d2b00001 b9400822 >"$work/read.bin" # mov x1, #0x80000000; ldr w2, [x1, #8]
crash "a read outside memory" "$work/read.bin" "" "read at 0x80000008, which is outside guest memory" \
    "PC   0x0000000000010004" "class 0x24: data abort, read of 4 bytes, register x2, translation fault" \
    "FAR  0x0000000080000008" "x1   0x0000000080000000" "\[b9400822\]"
if grep -q "d2b00001 \[b9400822\]" "$work/err"; then ok "crash: the code around PC"; else not_ok "crash: the code around PC"; fi
words d2b00001 39000022 >"$work/write.bin" # strb w2, [x1]
crash "a write outside memory" "$work/write.bin" "" "write at 0x80000000" "write of 1 byte, register x2"
words d2b00001 d61f0020 >"$work/jump.bin" # br x1
# On KVM it is an exception of the guest's own, for which this one has no vector table either.
if [ "$backend" = kvm ]; then
    fetch="instruction abort, same level, and the guest has no vector table"
    class="class 0x21: instruction abort, same level, external abort"
else
    fetch="instruction fetch at 0x80000000" class="class 0x20: instruction abort"
fi
crash "a jump outside memory" "$work/jump.bin" "" "$fetch" "$class" "code none: PC is outside guest memory"
words d61f03e0 >"$work/null.bin" # br xzr
crash "a jump to 0" "$work/null.bin" "" "jump to address 0" "PC   0x0000000000000000"
words d40000a1 >"$work/svc.bin" # svc #5
crash "SVC without a vector table" "$work/svc.bin" "" "SVC, and the guest has no vector table" "class 0x15: SVC #0x5"
words d2b00001 d518c001 d5033fdf 00000000 >"$work/vectors.bin" # msr vbar_el1, x1; isb; udf
# bad_vectors NAME FILE INPUT: on KVM the guest faults for ever, inside.
bad_vectors()
{
    if [ "$backend" = kvm ]; then
        printf '%s' "$3" | expect "crash: $1" 124 "its time is up" "$TINYVMM" run -q --timeout 1 "$2"
    else
        crash "$1" "$2" "$3" "the vector table at 0x80000000 is outside guest memory"
    fi
}
bad_vectors "a vector table outside memory" "$work/vectors.bin" ""
words d2800020 d28007e1 d4000002 00000000 >"$work/text.bin" # PUTCHAR '?', udf
crash "output before the crash is not lost" "$work/text.bin" "" "undefined instruction"
if [ "$(cat "$work/out")" = "?" ]; then ok "crash: the partial line is out"; else not_ok "crash: the partial line is lost"; fi
expect "crash: one of two VMs" 126 "VM 2 failed with status 126" "$TINYVMM" run --count 2 "$work/udf.bin"

if [ -n "$have_guests" ]; then
    c=build/guests/crashes.bin
    crash "assembled: read" $c r "read at 0x80000008"
    crash "assembled: write" $c w "write at 0x80000000"
    crash "assembled: jump" $c j "$fetch"
    crash "assembled: jump to 0" $c 0 "jump to address 0"
    crash "assembled: undefined" $c u "undefined instruction"
    crash "assembled: svc" $c s "SVC"
    bad_vectors "assembled: bad vectors" $c v
    # The guest's own business for ever: only --timeout ends it.
    for way in l d; do
        printf $way | "$TINYVMM" run -q --timeout 1 $c >"$work/out" 2>"$work/err"
        got=$?
        case $way$got in
        l124) ok "an endless exception loop goes on until --timeout" ;;
        d124 | d126) ok "a stack without an end harms nobody but the guest" ;;
        *) not_ok "way '$way' to run wild: status $got" ;;
        esac
    done
fi
