#!/bin/sh
# fuzz.sh MINUTES [TARGET...]: builds tests/fuzz.c with libFuzzer, ASan and UBSan (clang), and runs
# every target in turn, MINUTES in all, JOBS of them at a time. What is found new stays in
# B/fuzz/corpus/TARGET and is where the next run starts; tests/corpus is only read. A finding is a
# file B/fuzz/findings/TARGET-... and status 1. B/fuzz/log.tsv gets a row for each target: seconds
# of CPU, executions, findings.
set -u
cd "$(dirname "$0")/.." || exit 1
minutes=${1:-10}
[ $# -gt 0 ] && shift
out=${B:-build}/fuzz
mkdir -p "$out/findings"
all='safetensors zip legacy pickle npy coco cub csv mask image model head config labels'
[ $# -gt 0 ] || set -- $all

flags='-O1 -g -std=c99 -fno-omit-frame-pointer -fsanitize=fuzzer,address,undefined
    -fno-sanitize-recover=all -DFUZZ_ENGINE
    -fsanitize-ignorelist=tests/fuzz.ignore -fsanitize-coverage-ignorelist=tests/fuzz.ignore'
sources='partaware.h examples/cli.h tests/fuzz.c tests/fuzz.h tests/fuzz.ignore'
# shellcheck disable=SC2086
if [ ! -x "$out/fuzz" ] || [ -n "$(find $sources -newer "$out/fuzz")" ]; then
    # shellcheck disable=SC2086
    ${FUZZ_CC:-clang} -I. ${CPPFLAGS:-} $(pkg-config --cflags sleef stb 2>/dev/null) $flags \
        -o "$out/fuzz.new" tests/fuzz.c $(pkg-config --libs sleef 2>/dev/null || echo -lsleef) \
        -lm -lpthread || exit 1
    mv "$out/fuzz.new" "$out/fuzz"
fi

one() # target seconds: its row on stdout
{
    mkdir -p "$out/corpus/$1" "$out/logs"
    seeds=tests/corpus/$1
    [ -d "$seeds" ] || seeds=
    # CPU time is bounded by the target itself; the engine's clock would run on while it is stopped.
    # shellcheck disable=SC2086
    "$out/fuzz" "$out/corpus/$1" $seeds --target="$1" -max_total_time="$2" -max_len=8192 \
        -timeout=100000 -report_slow_units=100000 -rss_limit_mb=2000 -reload=0 \
        -print_final_stats=1 \
        -artifact_prefix="$out/findings/$1-" ${FUZZ_FLAGS:-} >"$out/logs/$1.log" 2>&1
    status=$?
    times >"$out/logs/$1.times"
    cpu=$(awk 'NR == 2 { for (i = 1; i <= 2; ++i) { split($i, t, "m"); s += 60 * t[1] + t[2] }
                                 printf "%.1f", s }' "$out/logs/$1.times")
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$out/logs/$1.log")
    found=$([ $status -eq 0 ] && echo 0 || echo 1)
    printf '%s\t%s\t%s\t%s\n' "$1" "$cpu" "${runs:-0}" "$found" | tee -a "$out/log.tsv"
    [ "$status" -eq 0 ] || grep -aE 'ERROR: |SUMMARY: |runtime error|fuzz: .*broken' \
        "$out/logs/$1.log" | head -5
}
each=$(awk -v m="$minutes" -v n=$# -v j="${JOBS:-1}" 'BEGIN { s = m * 60 * j / n
                                                       print (s < 1 ? 1 : int(s)) }')
printf 'target\tCPU s\truns\tfindings, %s s each\n' "$each"
jobs=${JOBS:-1} pids=
for target in "$@"; do
    (one "$target" "$each") &
    pids="$pids $!"
    # shellcheck disable=SC2086
    set -- $pids
    if [ $# -ge "$jobs" ]; then
        wait "$1"
        shift
        pids=$*
    fi
done
wait
left=$(find "$out/findings" -type f | wc -l)
[ "$left" -eq 0 ] || { echo "fuzz: $left findings in $out/findings"; exit 1; }
