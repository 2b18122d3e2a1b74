#!/bin/sh
# Features outlive the process: a run killed ten times at random moments, interrupted, run by two
# processes at once, on a damaged cache or on none, ends with the same JSON as one that was left
# alone. Run from the project's root after make examples tools. Last line: resume: N passed, ...
. "$(dirname "$0")/t.sh"

if [ ! -x "$bin/part_retrieval" ] || [ ! -x "$b/tools/make_creatures" ]; then
    skip "part_retrieval or make_creatures is not built"
    finish
fi
creatures=$out/creatures
"$b/tools/make_creatures" --out "$creatures" --images 24 >"$out/out" 2>"$out/err" ||
    fail "make_creatures"

options="--root $creatures --parts all --random deit_tiny --json --shard-items 4"
run() # cache options...: JSON without time and threads in out, messages in err
{
    cache=$1
    shift
    "$bin/part_retrieval" $options --cache "$cache" "$@" >"$out/json" 2>"$out/err"
    status=$?
    grep -v -e '"seconds":' -e '"threads":' "$out/json" >"$out/out"
}
same() { cmp -s "$out/out" "$out/want"; }
shards() { find "$1" -name '*.npy' 2>/dev/null | wc -l; }
encoded() # how many items the last run with --report encoded
{
    sed -n '/encoded in this run/{n;s/[^0-9]*\([0-9]*\).*/\1/p;}' "$out/report/report.html"
}

began=$(date +%s.%N)
run "$out/alone" --threads 1 --report "$out/report"
took=$(echo "$began $(date +%s.%N)" | awk '{ print $2 - $1 }')
check "a run left alone: status" [ "$status" -eq 0 ]
cp "$out/out" "$out/want"
items=$(sed -n 's/^ *"items": *\([0-9]*\),*$/\1/p' "$out/want")
all=$(shards "$out/alone")
check "it encodes every item: $(encoded) of $items" [ "$(encoded)" = "$items" ]
run "$out/alone" --report "$out/report" --quiet
check "a second run encodes nothing: $(encoded)" [ "$(encoded)" = 0 ]
check "and prints the same" same

# kill -9 at random moments
moments= kept= partial=0
i=0
while [ "$i" -lt 10 ]; do
    number=$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')
    moment=$(awk -v n="$number" -v t="$took" 'BEGIN { printf "%.3f", 0.02 + n / 65536 * t / 3 }')
    "$bin/part_retrieval" $options --cache "$out/killed" --threads 1 >/dev/null 2>&1 &
    pid=$!
    sleep "$moment"
    kill -9 "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    there=$(shards "$out/killed")
    [ "$there" -gt 0 ] && [ "$there" -lt "$all" ] && partial=$((partial + 1))
    moments="$moments $moment" kept="$kept $there"
    i=$((i + 1))
done
echo "killed after$moments s; shards of $all there:$kept"
if [ "$partial" -gt 0 ]; then
    pass
else
    echo "SKIP resume: no kill met the run half way"
    skipped=$((skipped + 1))
fi
there=$(shards "$out/killed")
run "$out/killed" --report "$out/report"
check "killed ten times, run to the end: status" [ "$status" -eq 0 ]
check "G6 killed ten times: the same JSON" same
check "killed ten times: no file was torn" [ -z "$(grep 'torn' "$out/err")" ]
# cls and mean are written one after the other: of a shard that was cut between them one is there
lost=$((items - there / 2 * 4))
check "killed ten times: what was kept is not encoded again ($(encoded), at most $lost)" \
    [ "$(encoded)" -le $((lost > 0 ? lost : 0)) ]

# what is damaged is said and made good
file=$(find "$out/killed" -name '000002-*.npy' | sort | head -n 1)
size=$(wc -c <"$file")
for damage in cut flipped empty foreign; do
    case $damage in
        cut) dd if="$file" of="$out/x" bs=1 count=$((size - 5)) 2>/dev/null ;;
        flipped)
            cp "$file" "$out/x"
            printf '\377\001' | dd of="$out/x" bs=1 seek=$((size - 9)) conv=notrunc 2>/dev/null ;;
        empty) : >"$out/x" ;;
        foreign) cp "$(find "$out/killed" -name '000001-*.npy' | sort | head -n 1)" "$out/x" ;;
    esac
    mv "$out/x" "$file"
    run "$out/killed" --quiet --report "$out/report"
    check "G7 $damage shard: said" grep -q '1 shards are torn or foreign' "$out/err"
    check "$damage shard: encoded again, alone: $(encoded)" [ "$(encoded)" = 4 ]
    check "$damage shard: the same JSON" same
done
image=$(find "$creatures/images" -name '*.png' | sort | head -n 1)
other=$(find "$creatures/images" -name '*.png' | sort | tail -n 1)
cp "$image" "$out/image"
cp "$other" "$image"
run "$out/killed" --report "$out/report"
check "G9 a changed picture: said" grep -q 'of other or changed inputs' "$out/err"
check "a changed picture: its shards are encoded: $(encoded)" \
    [ "$(encoded)" -gt 0 ]
check "a changed picture: the others are not: $(encoded)" [ "$(encoded)" -lt "$items" ]
check "a changed picture: another result" [ "$(same; echo $?)" -ne 0 ]
cp "$out/image" "$image"
run "$out/killed" --report "$out/report"
check "the picture is back: nothing to encode" [ "$(encoded)" = 0 ]
check "the picture is back: the same JSON" same

# two processes, one cache
"$bin/part_retrieval" $options --cache "$out/two" >"$out/first" 2>"$out/first.err" &
pid=$!
run "$out/two"
wait "$pid"
check "two processes: status of the first" [ $? -eq 0 ]
check "two processes: status of the second" [ "$status" -eq 0 ]
check "G8 two processes: the same JSON" same
grep -v -e '"seconds":' -e '"threads":' "$out/first" >"$out/out"
check "two processes: the same JSON in both" same
check "two processes: no file more" [ "$(shards "$out/two")" -eq "$all" ]
check "no temporary file stays" [ -z "$(find "$out/two" "$out/alone" -name '*.tmp')" ]

# an interrupt ends the shard and says how to go on
"$bin/part_retrieval" $options --cache "$out/int" --threads 1 >"$out/json" 2>"$out/err" &
pid=$!
sleep 0.4
kill -INT "$pid" 2>/dev/null
wait "$pid"
status=$?
if [ "$status" -eq 0 ]; then
    echo "SKIP resume: the run had ended before the interrupt"
    skipped=$((skipped + 1))
else
    check "interrupted: status $status" [ "$status" -eq 130 ]
    check "interrupted: said how to go on" grep -q 'the same command goes on from there' "$out/err"
fi
run "$out/int"
check "interrupted and carried on: the same JSON" same

# shorter numbers, other settings, no cache
run "$out/f16" --cache-dtype f16
check "f16: status" [ "$status" -eq 0 ]
check "f16: the result says so" grep -q 'rounded by --cache-dtype' "$out/out"
cp "$out/out" "$out/f16.json"
run "$out/f16" --cache-dtype f16
check "f16: the second run prints the same" cmp -s "$out/out" "$out/f16.json"
rm "$(find "$out/int"/cls-* -name '*.npy' | sort | head -n 1)"
run "$out/int" --cache-dtype f16 --report "$out/report"
check "f16 beside f32: prints the same" cmp -s "$out/out" "$out/f16.json"
check "f16 beside f32: rounded" grep -q 'are in the cache as f32 and rounded' "$out/err"
check "f16 beside f32: what is not there is encoded: $(encoded)" [ "$(encoded)" = 4 ]
run "$out/int" --cache-dtype f16 --report "$out/report"
check "f16 beside f32: once" [ "$(encoded)" = 0 ]
check "f16 beside f32: nothing is said" [ "$(grep -c rounded "$out/err")" -eq 0 ]
run "$out/alone" --resume no --report "$out/report"
check "--resume no encodes all: $(encoded)" [ "$(encoded)" = "$items" ]
check "--resume no: the same JSON" same
run "$out/alone" --random deit_tiny:2 --report "$out/report"
check "G9 other weights: all is encoded: $(encoded)" [ "$(encoded)" = "$items" ]
run "$out/alone" --no-cache
check "--no-cache: the same JSON" same
: >"$out/file"
run "$out/file"
check "a cache that cannot be: status" [ "$status" -eq 0 ]
check "G4 a cache that cannot be: said" grep -q 'going on without a cache' "$out/err"
check "a cache that cannot be: the same JSON" same
run "$out/file" --require-cache
check "--require-cache: status $status" [ "$status" -eq 4 ]

# a picture that is damaged, then gone
head -c 300 "$out/image" >"$image"
run "$out/bad"
check "a damaged picture: status $status" [ "$status" -eq 3 ]
check "a damaged picture: named" grep -q "$image" "$out/err"
run "$out/bad" --skip-bad
check "--skip-bad: status $status" [ "$status" -eq 1 ]
check "--skip-bad: listed" grep -q "\"bad\": \[\"$image\"" "$out/out"
cp "$out/out" "$out/bad.json"
run "$out/bad" --skip-bad --report "$out/report"
check "--skip-bad again: nothing to encode" [ "$(encoded)" = 0 ]
check "--skip-bad again: status $status" [ "$status" -eq 1 ]
check "--skip-bad again: the same JSON" cmp -s "$out/out" "$out/bad.json"
rm "$image"
run "$out/bad"
check "a missing picture: status $status" [ "$status" -eq 1 ]
check "a missing picture: named" grep -q "1 image files are missing, the first is $image" "$out/err"
check "a missing picture: counted" grep -q '"missing_files": 1,' "$out/out"
cp "$out/image" "$image"
finish
