# SPDX-License-Identifier: MIT
# Guest programs: the examples with their exact output, and tests that run as guests. Sourced by suite.sh.

# guest NAME STATUS INPUT FILE: the guest prints its own lines; none may say "not ok".
guest()
{
    # shellcheck disable=SC2059
    printf "$3" | "$TINYVMM" run -q --timeout 60 "$4" >"$work/out" 2>"$work/err"
    got=$?
    grep -a -e '^ok - ' -e '^not ok - ' "$work/out"
    grep -a -q '^not ok - ' "$work/out" && failed=1
    if [ $got -eq "$2" ]; then
        ok "guest $1 ends with $2"
    else
        not_ok "guest $1: status $got instead of $2: $(head -n 1 "$work/err")"
    fi
}

# example NAME INPUT: its output is in examples/NAME.out.
example()
{
    for kind in bin elf; do
        # shellcheck disable=SC2059
        printf "$2" | "$TINYVMM" run -q --timeout 60 "guest/examples/$1.$kind" >"$work/out" 2>"$work/err"
        got=$?
        if [ $got -ne 0 ]; then
            not_ok "example $1.$kind: status $got: $(head -n 1 "$work/err")"
        elif ! cmp -s "$work/out" "tests/monitor/expected/$1.out"; then
            not_ok "example $1.$kind: its output is another one"
            sed 's/^/# /' "$work/out"
        else
            ok "example $1.$kind"
        fi
    done
}

if ! tools/guest_cc.sh link >/dev/null 2>&1; then
    have_guests=
    echo "skip - monitor guests: no compiler for AArch64 (make deps)"
elif ! $MAKE -s guest/examples/hello.bin guest/examples/primes.bin guest/examples/exceptions.bin \
    guest/examples/el0.bin guest/examples/timer.bin guest/examples/echo.bin build/guests/hypercalls.bin \
    build/guests/psci.bin build/guests/exceptions.bin build/guests/timer.bin build/guests/idle.bin \
    build/guests/crashes.bin >"$work/log" 2>&1; then
    have_guests=
    not_ok "guests: they do not compile"
    sed 's/^/# /' "$work/log"
else
    have_guests=yes
    if [ -s "$work/log" ]; then not_ok "guests: warnings of the compiler"; else ok "guests: compiled without a warning"; fi
    example hello ""
    example primes ""
    example exceptions ""
    example el0 ""
    example timer ""
    example echo 'hello\nbye\n'
    guest hypercalls 42 xy build/guests/hypercalls.bin
    guest exceptions 0 "" build/guests/exceptions.bin
    guest timer 0 "" build/guests/timer.bin
    guest psci 0 r build/guests/psci.bin
    expect "two of them at once" 0 "2 of 2: 1024 KiB" "$TINYVMM" run --count 2 guest/examples/hello.bin
    expect "more memory" 0 "1 of 1: 65536 KiB" "$TINYVMM" run --memory 64M guest/examples/hello.bin

    # CPU time of an idle guest, in hundredths of a second, of 2 s.
    before=$(times | sed -n 2p)
    "$TINYVMM" run -q build/guests/idle.bin
    after=$(times | sed -n 2p)
    used=$(echo "$before $after" | awk '{ n = 0; for (i = 1; i <= 4; i++) { split($i, t, /[ms]/); v = t[1] * 60 + t[2];
        n += i > 2 ? v : -v } printf "%d", n * 100 + 0.5 }')
    if [ "$used" -le 20 ]; then # a loop would use 200; to begin and end takes longer on a busy host
        ok "an idle guest uses no CPU ($used of 200 hundredths)"
    else
        not_ok "an idle guest uses no CPU: $used hundredths of a second in 2 s"
    fi

    # A prompt without a newline is there before the guest gets its input.
    mkfifo "$work/in"
    "$TINYVMM" run -q --timeout 20 guest/examples/echo.bin <"$work/in" >"$work/out" 2>"$work/err" &
    exec 5>"$work/in"
    i=0
    while [ $i -lt 100 ] && [ "$(cat "$work/out")" != "> " ]; do
        sleep 0.05
        i=$((i + 1))
    done
    if [ $i -lt 100 ]; then ok "a partial line shows up while the guest waits"; else not_ok "a partial line shows up"; fi
    exec 5>&-
    wait $!
fi
