#!/bin/sh
# run.sh TEST...: runs test programs and scripts, shows what failed or was skipped, and ends with
# the sum "N passed, N failed, N skipped". A test that crashes, or whose exit status contradicts
# its own summary, counts as one more failure. Full output: build/logs/NAME.log. JOBS=2 run at a
# time: scripts mostly compile, on one core. RUN runs programs of another machine
# (RUN=qemu-aarch64).
set -u
logs=${B:-build}/logs
mkdir -p "$logs"
passed=0 failed=0 skipped=0

run() # test: its output and exit status go to the logs
{
    log=$logs/$(basename "$1")
    case $1 in
        *.sh) sh "$1" >"$log.log" 2>&1 ;;
        */load | */data | */faults) ${RUN:-} "$1" "${B:-build}/fixtures" >"$log.log" 2>&1 ;;
        *) ${RUN:-} "$1" >"$log.log" 2>&1 ;;
    esac 2>/dev/null # the shell's own word on a crash
    echo $? >"$log.status"
}
report() # name
{
    log=$logs/$1.log
    status=$(cat "$logs/$1.status")
    grep -aE '^(FAIL|SKIP) ' "$log"
    line=$(grep -aE '^[A-Za-z0-9_.-]+: [0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$log" |
        tail -n 1)
    if [ -z "$line" ]; then
        tail -n 20 "$log" | grep -avE '^(FAIL|SKIP) '
        echo "FAIL $1: ended with status $status before its summary"
        failed=$((failed + 1))
        return
    fi
    echo "$line"
    set -- "$1" $(echo "${line#*:}" | tr -d 'a-z,') # name passed failed skipped
    passed=$((passed + $2)) failed=$((failed + $3)) skipped=$((skipped + $4))
    if [ $(($2 + $3 + $4)) -eq 0 ]; then
        echo "FAIL $1: checked nothing"
        failed=$((failed + 1))
    fi
    if [ "$3" -eq 0 ] && [ "$status" -ne 0 ]; then
        tail -n 20 "$log" | grep -avE '^(FAIL|SKIP) '
        echo "FAIL $1: exit status $status with no failed check"
        failed=$((failed + 1))
    fi
}

if [ "${1:-}" = --one ]; then
    run "$2"
    exit 0
fi
printf '%s\n' "$@" | xargs -n 1 -P "${JOBS:-2}" sh "$0" --one
for test in "$@"; do report "$(basename "$test")"; done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
