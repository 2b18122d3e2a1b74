#!/bin/sh
# Work divided among processes gives the result of one: ranks of MPI (built here by make MPI=1, if
# there is mpicc), --shard I/N, tasks of a job array; one rank is killed and the run resumed; parts
# of other settings are refused. Run after make examples tools. Last line: mpi: N passed, ...
. "$(dirname "$0")/t.sh"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
if [ ! -x "$bin/part_retrieval" ] || [ ! -x "$b/tools/make_creatures" ]; then
    skip "part_retrieval or make_creatures is not built"
    finish
fi
"$b/tools/make_creatures" --out "$out/creatures" --images 24 >/dev/null 2>"$out/err" || finish
find "$out/creatures/images" -name '*.png' | sort |
    awk -v pwd="$(pwd)" 'BEGIN { print "path,label" } { print pwd "/" $0 ",class " NR % 3 }' \
        >"$out/list.csv"

random="--random deit_tiny --json --threads 1 --shard-items 4"
parts="--root $out/creatures --parts all $random"
neighbours="--dataset list --root $out/list.csv --k 1,5 $random"
run() # command...: JSON without the time in out, messages in err
{
    "$@" >"$out/json" 2>"$out/err"
    status=$?
    grep -v 'seconds":' "$out/json" >"$out/out"
}
same() { [ "$status" -eq 0 ] && cmp -s "$out/out" "$out/want.$1"; }
refuses() # status, text of the one line, command...
{
    want=$1 text=$2
    shift 2
    run "$@"
    check "status $status, not $want: $text" [ "$status" -eq "$want" ]
    check "said: $text" grep -qF -- "$text" "$out/err"
    check "one line, no result: $text" [ "$(cat "$out/err" "$out/json" | wc -l)" -eq 1 ]
}

run "$bin/part_retrieval" $parts --cache "$out/one"
check "one process" [ "$status" -eq 0 ]
cp "$out/out" "$out/want.parts"
run "$bin/knn" $neighbours --cache "$out/one"
check "one process: knn" [ "$status" -eq 0 ]
cp "$out/out" "$out/want.knn"

# separate processes, in any order, and their merge
for part in 2/3 0/3; do
    run "$bin/part_retrieval" $parts --cache "$out/three" --shard $part
    check "--shard $part: status" [ "$status" -eq 0 ]
    check "--shard $part: no result" [ ! -s "$out/json" ]
    check "--shard $part: says how far it is" grep -q 'shards are there' "$out/err"
done
refuses 3 '--merge: 7 of 20 shards are missing in' "$bin/part_retrieval" $parts \
    --cache "$out/three" --merge
run "$bin/part_retrieval" $parts --cache "$out/three" --shard 1/3
check "the last part: all are there" grep -q '20 of 20 shards are there' "$out/err"
ls -i "$out/three"/*/0*.npy >"$out/before"
run "$bin/part_retrieval" $parts --cache "$out/three" --merge
check "--merge: the same JSON" same parts
run "$bin/part_retrieval" $parts --cache "$out/three"
check "without --shard: the same JSON" same parts
ls -i "$out/three"/*/0*.npy >"$out/after"
check "neither encodes" cmp -s "$out/before" "$out/after"
refuses 3 '"stats" is "half" here and "imagenet" there' "$bin/part_retrieval" $parts \
    --cache "$out/three" --merge --stats half
refuses 3 '"weights" is ' "$bin/part_retrieval" $parts --cache "$out/three" --merge \
    --random deit_tiny:2
# G16: of other settings, out of range, no numbers
refuses 2 '--shard 3/3: the parts of 3 are 0/3 to 2/3' "$bin/part_retrieval" $parts --shard 3/3
for bad in 3 /3 1/ -1/3 1/0 a/b 1/3/5 1/3x 4294967296/4294967297 ''; do
    refuses 2 "--shard '$bad': I/N such as 0/4" "$bin/part_retrieval" $parts "--shard=$bad"
done
refuses 2 'parts of the work meet in --cache' "$bin/part_retrieval" $parts --shard 0/2 --no-cache
refuses 2 'exclude each other' "$bin/part_retrieval" $parts --shard 0/2 --merge
refuses 4 'cannot create the folder' "$bin/part_retrieval" $parts --shard 0/2 \
    --cache "$out/list.csv"

# two sets of features: a part of each
heads="--root $out/creatures $random --head linear --epochs 2 --runs 1 --cache"
run "$bin/part_classification" $heads "$out/one" --parts all
cp "$out/out" "$out/want.heads"
for part in 0/2 1/2; do
    run "$bin/part_classification" $heads "$out/heads" --parts all --shard $part
    check "part_classification --shard $part" [ "$status" -eq 0 ]
done
run "$bin/part_classification" $heads "$out/heads" --parts all --merge
check "part_classification: the same JSON" cmp -s "$out/out" "$out/want.heads"
check "part_classification: a result" grep -q last_acc_mean "$out/out"

# job arrays, by what Slurm tells a task
array() # id count min step
{
    run env SLURM_ARRAY_TASK_ID="$1" SLURM_ARRAY_TASK_COUNT="$2" SLURM_ARRAY_TASK_MIN="$3" \
        SLURM_ARRAY_TASK_STEP="$4" SLURM_CPUS_PER_TASK=1 \
        sh tools/slurm.sh "$bin/part_retrieval" $parts --cache "$out/array"
}
for id in 3 5 7; do
    array $id 3 3 2
    check "task $id of 3,5,7" grep -q "part $(((id - 3) / 2)) of 3" "$out/err"
done
run sh tools/slurm.sh "$bin/part_retrieval" $parts --cache "$out/array"
check "after the array: the same JSON" same parts
array 7 3 1 1
check "an array with gaps: status $status" [ "$status" -eq 2 ]
check "an array with gaps: said" grep -q 'this job array have gaps; --array=0-2' "$out/err"
refuses 2 'not in a job array of Slurm' "$bin/part_retrieval" $parts --shard array

if ! have mpicc || ! have mpirun; then
    skip "no mpicc or mpirun (apt-get install openmpi-bin libopenmpi-dev): ranks"
    finish
fi
ranks=$b/mpi/examples
make_it() { ${MAKE:-make} -s -j1 MPI=1 B="$b" "$@" 2>"$out/err"; }
check "make MPI=1" make_it "$ranks/part_retrieval" "$ranks/knn" "$ranks/convert"
for n in 1 2 4; do
    run mpirun --oversubscribe -n $n "$ranks/part_retrieval" $parts --cache "$out/$n"
    check "mpirun -n $n: the same JSON" same parts
done
run mpirun --oversubscribe -n 2 "$ranks/knn" $neighbours --cache "$out/one"
check "mpirun -n 2 knn: the same JSON" same knn

# a rank dies
mpirun --oversubscribe -n 4 "$ranks/part_retrieval" $parts --cache "$out/killed" \
    >"$out/json" 2>"$out/err" &
pid=$!
i=0
while [ $((i += 1)) -lt 200 ] && ! ls "$out/killed"/*/0*.npy >/dev/null 2>&1; do sleep 0.05; done
kill -9 "$(ps -o pid= --ppid $pid | head -n 1)"
wait $pid
check "a rank dies: mpirun says so" [ $? -ne 0 ]
ls -i "$out/killed"/*/0*.npy >"$out/before"
run mpirun --oversubscribe -n 4 "$ranks/part_retrieval" $parts --cache "$out/killed"
check "resumed: the same JSON" same parts
ls -i "$out/killed"/*/0*.npy >"$out/after"
check "resumed: $(wc -l <"$out/before") of 40 files were there and stay" \
    sh -c "[ -s '$out/before' ] && ! grep -vxF -f '$out/after' '$out/before' >'$out/err'"

run mpirun --oversubscribe -n 2 "$ranks/part_retrieval" $parts --no-cache
check "--no-cache: status $status" [ "$status" -eq 2 ]
check "--no-cache: said" grep -q 'parts of the work meet in --cache' "$out/err"
run mpirun --oversubscribe -n 2 "$ranks/convert" --weights x.pth --out "$out/x.safetensors"
check "a program that is not divided: status $status" [ "$status" -eq 2 ]
check "a program that is not divided: said" grep -q 'is not divided' "$out/err"
finish
