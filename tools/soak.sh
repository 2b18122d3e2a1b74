#!/bin/sh
# soak.sh [MINUTES]: journeys (encode, retrieve, train, load) awhile. One process is left alone;
# its memory may not grow. Beside it others are killed at random moments and started again on what
# they left: every journey must end with the numbers of an undisturbed one. Run from the project's
# root after make build/tools/soak build/tools/make_creatures. Exit 1 where anything differs.
set -u
minutes=${1:-30}
b=${B:-build}
out=$b/soak
rm -rf "$out"
mkdir -p "$out/alone" "$out/long" "$out/killed"
PAW_THREADS=${PAW_THREADS:-1}
export PAW_THREADS

fail()
{
    echo "FAIL soak: $1"
    [ -z "${long:-}" ] || kill "$long" 2>/dev/null
    exit 1
}
random() { od -An -N2 -tu2 /dev/urandom | tr -d ' '; } # 0 to 65535
hash_of() { sed -n 's/.* hash \([0-9a-f]*\) .*/\1/p' "$1" | sort -u; }

"$b/tools/make_creatures" --out "$out/creatures" --images 24 >"$out/log" || fail "make_creatures"
began=$(date +%s.%N)
"$b/tools/soak" "$out/creatures" "$out/alone" 1 >"$out/alone.log" || fail "a journey left alone"
took=$(echo "$began $(date +%s.%N)" | awk '{ print $2 - $1 }')
want=$(hash_of "$out/alone.log")
all=$(awk '{ print $8 + $10 }' "$out/alone.log")
aged() { find "$out/killed/0" -mindepth 2 -name '*.tmp' -mmin +60; }

"$b/tools/soak" "$out/creatures" "$out/long" 1000000000 >"$out/long.log" 2>"$out/long.err" &
long=$!
end=$(($(date +%s) + minutes * 60))
kills=0 journeys=0 resumed=0 halves=0
while [ "$(date +%s)" -lt "$end" ]; do
    rm -rf "$out/killed/0"
    stopped=0
    while :; do
        moment=$(awk -v n="$(random)" -v t="$took" 'BEGIN { printf "%.3f", n / 65536 * t * 1.5 }')
        "$b/tools/soak" "$out/creatures" "$out/killed" 1 >"$out/killed.log" 2>"$out/killed.err" &
        pid=$!
        sleep "$moment"
        kill -9 "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
        status=$?
        [ "$status" -eq 137 ] || break
        kills=$((kills + 1)) stopped=$((stopped + 1))
        # As if it had been killed long ago: a store then removes what it has left behind.
        for half in $(find "$out/killed/0" -mindepth 2 -name '*.tmp' 2>/dev/null); do
            touch -t 200001010000 "$half"
            halves=$((halves + 1))
        done
    done
    [ "$status" -eq 0 ] || fail "status $status after $stopped kills: $(cat "$out/killed.err")"
    [ "$(hash_of "$out/killed.log")" = "$want" ] || fail "other numbers after $stopped kills"
    journeys=$((journeys + 1))
    # Something was kept: the last process has encoded less, or trained fewer epochs.
    did=$(awk '{ print $8 + $10 }' "$out/killed.log")
    [ "$stopped" -eq 0 ] || [ "$did" -ge "$all" ] || resumed=$((resumed + 1))
    [ -z "$(aged)" ] || fail "temporary files of killed processes stay: $(aged)"
    kill -0 "$long" 2>/dev/null || fail "the long process has ended: $(cat "$out/long.err")"
    last=$(tail -n 1 "$out/long.log" | awk '{ print $2 }')
    for folder in "$out/long"/*; do # what is done is not kept
        [ "${folder##*/}" -gt "${last:--1}" ] 2>/dev/null || rm -rf "$folder"
    done
done
kill "$long" 2>/dev/null
wait "$long" 2>/dev/null
[ "$(hash_of "$out/long.log")" = "$want" ] || fail "other numbers in the long process"
# Resident memory of the first tenth of the journeys beside that of the last, KB.
awk '{ rss[NR] = $6 } END {
    k = int(NR / 10); if (k < 1) k = 1
    for (i = 1; i <= k; ++i) if (rss[i] > a) a = rss[i]
    for (i = NR - k + 1; i <= NR; ++i) if (rss[i] > z) z = rss[i]
    printf "soak: long process: %d journeys, resident %d KB at first, %d KB at last\n", NR, a, z
    exit NR < 2 || z > a + 1024
}' "$out/long.log" || fail "resident memory grows"
echo "soak: $minutes minutes, $kills kills, $journeys journeys after them of which $resumed went" \
    "on from what was kept, all with hash $want; $halves half files removed"
[ "$kills" -gt 0 ] && [ "$resumed" -gt 0 ] || fail "no kill met a journey half way"
