#!/bin/sh
# The machine fails the programs: no memory, no disk, no output, no terminal, signals, a CPU without
# the instructions. Run from the project's root after make examples tools tests.
# Last line: machine: N passed, N failed, N skipped.
. "$(dirname "$0")/t.sh"

program=$bin/part_retrieval
for p in "$program" "$b/tools/make_creatures"; do
    [ -x "$p" ] || { skip "$p is not built"; finish; }
done
creatures=$out/creatures
try "make_creatures" "$b/tools/make_creatures" --out "$creatures" --images 4
set -- --root "$creatures" --parts all --random deit_tiny --threads 1 --shard-items 4 --json
rm -f "$out/log"
same() { grep -v '"seconds":' "$out/out" | cmp -s - "$out/want"; }
want() # what, status of the last command, wanted status, words on stderr ("" for silence)
{
    check "$1: status $2" [ "$2" -eq "$3" ]
    if [ -n "$4" ]; then check "$1: said" grep -q "$4" "$out/err"
    else check "$1: silent" [ ! -s "$out/err" ]; fi
    check "$1: one line at most" [ "$(wc -l <"$out/err")" -le 1 ]
}

"$program" "$@" --cache "$out/cache" --quiet >"$out/out" 2>"$out/err"
want "nothing fails" $? 0 ""
grep -v '"seconds":' "$out/out" >"$out/want"

# G2: address space; the weights alone are 2 x 22 MB
(ulimit -v 45000 && exec "$program" "$@" --no-cache --quiet) >"$out/out" 2>"$out/err"
want "G2 45 MB of address space" $? 4 "memory"
(ulimit -v 4000000 && exec "$program" "$@" --no-cache --quiet) >"$out/out" 2>"$out/err"
want "G2 4 GB of address space" $? 0 ""
check "G2 the same result" same

# G5: files may not grow over 16 KB; the disk of standard output is full
(trap '' XFSZ; ulimit -f 16 && exec "$program" "$@" --cache "$out/small" --shard-items 64 \
    --quiet) >"$out/out" 2>"$out/err"
want "G5 a shard that does not fit" $? 4 "$out/small/.*cannot write"
check "G5 nothing is left of it" [ -z "$(find "$out/small" -name '*.tmp' -o -name '0*.npy')" ]
"$program" "$@" --cache "$out/round" --shard-items 64 --quiet >"$out/out" 2>"$out/err"
(trap '' XFSZ; ulimit -f 4 && exec "$program" "$@" --cache "$out/round" --shard-items 64 \
    --cache-dtype f16 --quiet) >"$out/out" 2>"$out/err"
want "G5 a shard rounded from floats that does not fit" $? 4 "$out/round/.*cannot write"
if [ -c /dev/full ]; then
    "$program" "$@" --cache "$out/cache" --quiet >/dev/full 2>"$out/err"
    want "G5 full disk under standard output" $? 4 "cannot write to standard output"
else skip "no /dev/full"; fi

# G10: another CPU, and instruction sets that are not there
if [ -x "$b/tests/hostile" ]; then
    note() { "$@" "$b/tests/hostile" G10 2>/dev/null | sed -n 's/^note features //p'; }
    features=$("$b/tests/hostile" G10 | sed -n 's/^note features \([0-9a-f]*\),.*/\1/p')
    for isa in scalar neon avx2 avx512 sse9 ""; do
        check "G10 PAW_ISA=$isa: the same bits" \
            [ "$(PAW_ISA=$isa note env | cut -d, -f1)" = "$features" ]
    done
    if have qemu-x86_64 && [ "$(uname -m)" = x86_64 ]; then
        check "G10 a CPU with SSE alone" \
            [ "$(note qemu-x86_64 -cpu Nehalem)" = "$features, at most scalar" ]
        check "G10 a CPU with SSE alone, avx512 asked for" \
            [ "$(PAW_ISA=avx512 note qemu-x86_64 -cpu Nehalem)" = "$features, at most scalar" ]
    else skip "no qemu-x86_64"; fi
else skip "$b/tests/hostile is not built"; fi

# G14: output closed, no reader, no terminal, a narrow one
"$program" "$@" --cache "$out/cache" --quiet >&- 2>"$out/err"
want "G14 standard output closed" $? 4 "cannot write to standard output"
"$program" "$@" --cache "$out/none" >&- 2>&- <&-
check "G14 every stream closed: status" [ $? -eq 4 ]
"$program" "$@" --cache "$out/none" --quiet >"$out/out" 2>"$out/err"
want "G14 its features are whole" $? 0 ""
check "G14 the same result from them" same
{ "$program" "$@" --cache "$out/cache" --quiet 2>"$out/err"; echo $? >"$out/status"; } | true
case $(cat "$out/status") in
    0 | 4 | 141) pass ;;
    *) fail "G14 no reader: status $(cat "$out/status")" ;;
esac
if have script && script -qec true /dev/null >/dev/null 2>&1; then
    for term in xterm dumb; do
        TERM=$term script -qec "stty cols 20; $program $* --no-cache >'$out/out'" "$out/pty" \
            >/dev/null 2>"$out/err" </dev/null
        check "G14 20 columns, TERM=$term: status" [ $? -eq 0 ]
        check "G14 20 columns, TERM=$term: the same result" same
    done
    check "G14 dumb terminals get no escapes" [ -z "$(grep "$(printf '\033')" "$out/pty")" ]
else skip "no script to make a terminal"; fi

# G6: each signal ends the shard in work; the same command goes on
for signal in INT TERM; do
    case $signal in INT) code=130 ;; TERM) code=143 ;; esac
    rm -rf "$out/stopped"
    "$program" "$@" --cache "$out/stopped" --shard-items 1 --quiet >"$out/out" \
        2>"$out/err" &
    pid=$!
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do # until a shard is there
        [ -z "$(find "$out/stopped" -name '0*.npy' 2>/dev/null)" ] || break
        sleep 0.05
    done
    kill -s $signal "$pid" 2>/dev/null
    wait "$pid"
    status=$?
    if [ "$status" -eq 0 ]; then skip "the run ended before SIG$signal"
    else check "G6 SIG$signal: status $status" [ "$status" -eq $code ]; fi
done
finish
