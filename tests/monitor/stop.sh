# SPDX-License-Identifier: MIT
# Ending a guest from outside: --timeout, signals, a parent that dies. Sourced by suite.sh.

words 14000000 >"$work/loop.bin"                   # b .
words d503207f 17ffffff >"$work/wfi.bin"           # wfi; b .-4
words d503205f 17ffffff >"$work/wfe.bin"           # wfe; b .-4
words d2800000 d4000002 >"$work/exit.bin"          # EXIT
words d2800080 d4000002 17fffffe >"$work/getchar.bin" # GETCHAR for ever
words d2b08000 f2800120 d4000002 >"$work/reset.bin" # PSCI SYSTEM_RESET for ever

mkfifo "$work/never"
exec 6<>"$work/never" # an input that never comes
for kind in loop wfi wfe getchar reset; do
    expect "--timeout ends: $kind" 124 "its time is up" "$TINYVMM" run -q --timeout 0.3 "$work/$kind.bin" <&6
done
expect "--timeout for three VMs" 124 "VM 3 failed with status 124" \
    "$TINYVMM" run -q --count 3 --timeout 0.3 "$work/loop.bin"
expect "a guest that ends in time" 0 "" "$TINYVMM" run -q --timeout 20 "$work/exit.bin"

# A reader that never reads: the guest's output stalls, --timeout ends it all the same.
words d2800020 d2800141 d4000002 17fffffd >"$work/spam.bin" # PUTCHAR newline, for ever
begin=$(date +%s)
{ "$TINYVMM" run -q --timeout 0.5 "$work/spam.bin"; echo $? >"$work/status"; date +%s >"$work/end"; } 2>/dev/null |
    sleep 6
if [ "$(cat "$work/status")" = 124 ] && [ $(($(cat "$work/end") - begin)) -lt 5 ]; then
    ok "--timeout ends a guest whose output nobody reads"
else
    not_ok "--timeout ends a guest whose output nobody reads: status $(cat "$work/status")"
fi

# A shell without job control has its background jobs ignore SIGINT; this undoes it.
heed=
if env --default-signal=INT true 2>/dev/null; then heed="env --default-signal=INT"; fi

# send SIGNAL STATUS NAME COMMAND...
send()
{
    signal=$1 status=$2 name=$3
    shift 3
    if [ "$signal" = INT ] && [ -z "$heed" ]; then
        echo "skip - monitor $name: env has no --default-signal here"
        return
    fi
    # shellcheck disable=SC2086 # words
    $heed "$@" >"$work/out" 2>"$work/err" <&6 &
    pid=$!
    # On a busy host the first one may come before anybody heeds it.
    { sleep 0.3; while kill -s "$signal" $pid; do sleep 3; done; } 2>/dev/null &
    wait $pid
    got=$?
    if [ $got -eq "$status" ]; then ok "$name"; else not_ok "$name: status $got instead of $status"; fi
}

for kind in loop wfi getchar; do
    send INT 130 "Ctrl-C ends: $kind" "$TINYVMM" run -q "$work/$kind.bin"
done
send TERM 143 "SIGTERM ends a guest" "$TINYVMM" run -q "$work/loop.bin"
send INT 130 "Ctrl-C ends four VMs" "$TINYVMM" run -q --count 4 "$work/loop.bin"
send TERM 143 "SIGTERM ends four VMs" "$TINYVMM" run -q --count 4 "$work/wfi.bin"

# none_left NAME: no guest of ours is there any more, or soon.
none_left()
{
    i=0
    while [ $i -lt 200 ] && ps -e -o args= 2>/dev/null | grep -q "[t]inyvmm run.*$work/"; do
        sleep 0.05
        i=$((i + 1))
    done
    if [ $i -lt 200 ]; then ok "$1"; else not_ok "$1: after 10 s there are some"; fi
}
none_left "no process is left"

"$TINYVMM" run -q --count 3 "$work/loop.bin" >/dev/null 2>&1 <&6 &
pid=$!
sleep 0.3
kill -s KILL $pid
wait $pid 2>/dev/null
none_left "VMs end with their parent"
exec 6>&-
