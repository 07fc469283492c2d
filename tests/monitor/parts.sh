# SPDX-License-Identifier: MIT
# Parts of the monitor alone, in C, linked with the objects of the build. Sourced by suite.sh.

case $($CC -dumpmachine) in
*darwin*) api="-Ihv/apple/include" ;;
*) api="-Ihv/include" ;;
esac
objects=${OBJECTS:-$(find "$BUILD/vmm" -name '*.o')}

# program NAME ARGUMENTS...
program()
{
    name=$1
    shift
    # shellcheck disable=SC2086
    if ! $CC -std=c11 -D_GNU_SOURCE -g -O1 -Wall -Wextra $api -Ivmm -Iguest -Itests \
        ${SAN:+-fsanitize=$SAN -fno-sanitize-recover=all} -pthread -o "$work/$name" "tests/monitor/$name.c" \
        $objects "$BUILD/libhypervisor.a" ${LIBS:-} >"$work/log" 2>&1; then
        not_ok "$name: does not compile"
        sed 's/^/# /' "$work/log"
        return
    fi
    ASAN_OPTIONS="detect_leaks=1" "$work/$name" "$@" >"$work/out" 2>"$work/err"
    got=$?
    grep -a -e '^ok - ' -e '^not ok - ' -e '^skip - ' "$work/out"
    if [ $got -ne 0 ]; then
        failed=1
        grep -a -q '^not ok - ' "$work/out" || not_ok "$name: status $got"
        grep -a -v '^\[VM' "$work/err" | tail -n 30 | sed 's/^/# /'
    fi
}

program test_parts
images=10000 seconds=150
[ -z "${LONG:-}" ] || images=100000 seconds=600
program wild "${SEED:-1}" $images $seconds "$work/wild.img"
