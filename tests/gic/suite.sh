#!/bin/sh
# SPDX-License-Identifier: MIT
# The interrupt controller: the model alone (a C compiler is enough), then guests that use it through
# the public API of the library in $BUILD (needs a compiler for arm64), and beside QEMU. LONG=1 runs
# the random tests longer; WILD: so many seconds of wild guests for each seed.
# time limit: 900
#   CC, SAN (address,undefined | thread), BUILD: as in the Makefile
set -u
cd "$(dirname "$0")/../.." || exit 1
CC=${CC:-cc}
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT INT TERM
flags="-std=c11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -Wshadow -Ihv -Ihv/soft -pthread"
status=0

# build NAME [sanitizer]: false if this compiler cannot
build()
{
    $CC $flags ${2:+-fsanitize=$2 -fno-sanitize-recover=all} -o "$out/$1" "tests/gic/$1.c" \
        hv/soft/gic*.c 2>"$out/log"
}

run()
{
    name=$1
    san=$2
    shift 2
    if ! build "$name" "$san"; then
        if [ -n "$san" ] && echo 'int main(void){return 0;}' >"$out/t.c" &&
            ! $CC "-fsanitize=$san" -o "$out/t" "$out/t.c" 2>/dev/null; then
            echo "# no -fsanitize=$san here"
            run "$name" "" "$@"
            return
        fi
        sed 's/^/# /' "$out/log"
        echo "not ok - gic $name: does not compile"
        status=1
        return
    fi
    "$out/$name" "$@" >"$out/stdout" 2>"$out/stderr" || {
        status=1
        grep -q '^not ok' "$out/stdout" || echo "not ok - gic $name: ended early"
        sed 's/^/# /' "$out/stderr" | head -40
    }
    cat "$out/stdout"
}

steps=${LONG:+2000000}
run test_registers "${SAN-address,undefined}"
run test_delivery "${SAN-address,undefined}"
run test_fuzz "${SAN-address,undefined}" "${SEED:-1}" "${steps:-60000}"
run test_threads "${SAN-thread}"

# ---- the guest ----

skip()
{
    echo "skip - gic guest: $1"
    exit $status
}

# arm64 PROGRAM OPTIONS SOURCE...
arm64()
{
    program=$1
    shift
    # shellcheck disable=SC2086
    $cross $guest_flags -o "$program" "$@" 2>"$out/log"
}

guest_flags="-O1 -ffreestanding -nostdlib -static -march=armv8-a -mgeneral-regs-only -mstrict-align
    -mno-outline-atomics -fno-pic -fno-stack-protector -Wl,--build-id=none -T tests/gic/guest.ld"
if command -v aarch64-linux-gnu-gcc >/dev/null; then
    cross="aarch64-linux-gnu-gcc -no-pie"
elif command -v clang >/dev/null && command -v ld.lld >/dev/null; then
    cross="clang --target=aarch64-none-elf -fuse-ld=lld"
else
    skip "no compiler for arm64 (gcc-aarch64-linux-gnu)"
fi
lib=${BUILD:-build}/libhypervisor.a
[ -f "$lib" ] || lib=$(ls -t build/*/libhypervisor.a 2>/dev/null | head -n 1)
[ -f "$lib" ] || skip "no library in ${BUILD:-build} (make)"

objcopy=$(command -v aarch64-linux-gnu-objcopy || command -v llvm-objcopy)
# shellcheck disable=SC2086
if ! { arm64 "$out/guest.elf" tests/gic/guest.S tests/gic/guest.c &&
    arm64 "$out/random.elf" tests/gic/guest.S tests/gic/guest_random.c &&
    "$objcopy" -O binary "$out/guest.elf" "$out/guest.bin" &&
    "$objcopy" -O binary "$out/random.elf" "$out/random.bin" &&
    $CC $flags ${SAN:+-fsanitize=$SAN} -Ihv/include -o "$out/test_guest" \
        tests/gic/test_guest.c "$lib" 2>"$out/log"; }; then
    sed 's/^/# /' "$out/log"
    echo "not ok - gic guest: does not compile"
    exit 1
fi
export TSAN_OPTIONS="suppressions=tests/tsan.supp ${TSAN_OPTIONS:-}"
for cpus in 1 2 4; do
    "$out/test_guest" "$out/guest.bin" $cpus 2>"$out/stderr" || {
        [ $? -eq 1 ] || echo "not ok - gic guest, $cpus vCPUs: ended early"
        status=1
        sed 's/^/# /' "$out/stderr"
    }
done

# ---- wild guests on four vCPUs ----

# shellcheck disable=SC2086
$CC $flags ${SAN:+-fsanitize=$SAN -fno-sanitize-recover=all} -Ihv/include -o "$out/test_wild" \
    tests/gic/test_wild.c "$lib" || exit 1
seconds=${WILD:-${LONG:+60}}
for seed in ${SEED:-1 2}; do
    TINYVMM_BACKEND=soft "$out/test_wild" "$seed" "${seconds:-3}" 2>"$out/stderr" || {
        [ $? -eq 1 ] || echo "not ok - gic: wild guests, seed $seed: ended early"
        status=1
        sed 's/^/# /' "$out/stderr" | head -60
    }
done

# ---- the same random guest here and on QEMU's board ----

command -v qemu-system-aarch64 >/dev/null || skip "no qemu-system-aarch64 to compare with"
for seed in ${SEED:-1 2} ${LONG:+3 4 5 6 7 8 9 10 11 12}; do
    arm64 "$out/board.elf" -DBOARD "-DSEED=$seed" -Wl,--defsym=load_address=0x40100000 \
        tests/gic/guest.S tests/gic/guest_random.c
    "$out/test_guest" "$out/random.bin" 1 "$seed" >"$out/ours"
    qemu-system-aarch64 -M virt,gic-version=3 -cpu cortex-a57 -display none -monitor none \
        -serial stdio -kernel "$out/board.elf" </dev/null 2>"$out/log" | tr -d '\r' >"$out/theirs"
    if [ "$(wc -l <"$out/ours")" -eq 4000 ] && cmp -s "$out/ours" "$out/theirs"; then
        echo "ok - gic guest: 4000 random steps read as on QEMU, seed $seed"
    else
        echo "not ok - gic guest: random steps differ from QEMU's, seed $seed"
        diff "$out/ours" "$out/theirs" | head -n 10 | sed 's/^/# /'
        status=1
    fi
done
exit $status
