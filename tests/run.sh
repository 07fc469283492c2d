#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Run the test suites: every tests/*/suite.sh, or those named as arguments. Two at a time.
#
#   tests/run.sh [SUITE...]      environment: BUILD CC SAN HARD TINYVMM (make test sets them)
#
# A suite prints one line per test, "ok - NAME", "not ok - NAME: DETAIL" or "skip - NAME: REASON"; all
# else is a comment, shown only if the suite fails. A suite that ends with another status than 0 (or 77,
# skipped) without a "not ok" line, or does not end within its time, counts as one failure. The limit is
# 900 s, or the number after "# time limit:" in the suite: many times what it takes, for a busy host.
set -u
cd "$(dirname "$0")/.." || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
export BUILD="${BUILD:-build}" CC="${CC:-cc}"
export TINYVMM="${TINYVMM:-./tinyvmm}"

limit_of()
{
    sed -n 's/^# time limit: *\([0-9][0-9]*\).*/\1/p' "$1" | head -n 1
}

# run_limited SECONDS COMMAND...: status 124 when the time is up. Not every host has timeout(1).
run_limited()
{
    seconds=$1
    shift
    if command -v timeout >/dev/null; then
        timeout -k 10 "$seconds" "$@"
    else
        "$@" &
        pid=$!
        (sleep "$seconds" && kill "$pid") 2>/dev/null &
        watch=$!
        wait "$pid"
        status=$?
        kill "$watch" 2>/dev/null
        return "$status"
    fi
}

run_suite()
{
    name=$1
    suite=tests/$name/suite.sh
    limit=$(limit_of "$suite")
    log=$work/$name.log
    begin=$(date +%s)
    run_limited "${limit:-900}" sh "$suite" >"$log" 2>&1 </dev/null
    status=$?
    if [ "$status" -eq 124 ]; then
        echo "not ok - $name: not done within ${limit:-900} s" >>"$log"
    elif [ "$status" -eq 77 ] && ! grep -q '^skip - ' "$log"; then
        echo "skip - $name: $(tail -n 1 "$log")" >>"$log"
    elif [ "$status" -ne 0 ] && [ "$status" -ne 77 ] && ! grep -q '^not ok - ' "$log"; then
        echo "not ok - $name: the suite ended with status $status" >>"$log"
    fi
    passed=$(grep -c '^ok - ' "$log")
    failed=$(grep -c '^not ok - ' "$log")
    skipped=$(grep -c '^skip - ' "$log")
    if [ $((passed + failed + skipped)) -eq 0 ]; then
        echo "not ok - $name: the suite has no tests" >>"$log"
        failed=1
    fi
    {
        if [ "$failed" -gt 0 ]; then
            echo "--- $name: $failed failed; the end of its output:"
            tail -n 40 "$log" | grep -v '^ok - '
        fi
        grep -h '^skip - ' "$log"
        printf '%-12s %4d passed, %d failed, %d skipped (%d s)\n' "$name" "$passed" "$failed" \
            "$skipped" $(($(date +%s) - begin))
    } >"$work/$name.out"
    cat "$work/$name.out"
    mv "$log" "$work/$name.done"
}

if [ $# -eq 0 ]; then
    for suite in tests/*/suite.sh; do
        suite=${suite%/suite.sh}
        set -- "$@" "${suite#tests/}"
    done
fi
for name in "$@"; do
    if [ ! -f "tests/$name/suite.sh" ]; then
        echo "there is no suite tests/$name/suite.sh"
        exit 2
    fi
done

# Two lanes: each takes the next suite that nobody has begun (mkdir is the lock).
lane()
{
    for name in "$@"; do
        mkdir "$work/$name.begun" 2>/dev/null || continue
        run_suite "$name"
    done
}
lane "$@" &
lane "$@"
wait

cat "$work"/*.done >"$work/all"
failed=$(grep -c '^not ok - ' "$work/all")
if [ "$failed" -gt 0 ]; then
    echo
    grep -h '^not ok - ' "$work/all"
fi
echo "$(grep -c '^ok - ' "$work/all") passed, $failed failed, $(grep -c '^skip - ' "$work/all") skipped"
[ "$failed" -eq 0 ]
