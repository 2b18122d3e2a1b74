#!/bin/sh
# The probing programs from images to a kept head: runs repeat, features in memory and from the
# store train the same head, a kept head gives the predictions of its training, the report agrees
# with the result, wrong options are one line. Run after make examples tools. Last line: probe: ...
. "$(dirname "$0")/t.sh"
if [ ! -x "$bin/probe" ] || [ ! -x "$b/tools/make_creatures" ]; then
    skip "probe or make_creatures is not built"
    finish
fi
"$b/tools/make_creatures" --out "$out/creatures" --images 24 >/dev/null 2>"$out/err" || finish
i=0
for image in $(find "$out/creatures/images" -name '*.png' | sort); do
    split=train
    [ $((i % 4)) -ne 3 ] || split=val
    mkdir -p "$out/folders/$split/class$((i / 4 % 2))"
    cp "$image" "$out/folders/$split/class$((i / 4 % 2))/$i.png"
    i=$((i + 1))
done

folders="--root $out/folders --random deit_tiny --cache $out/cache --threads 1"
small="--probe part --epochs 6 --train-batch 8"
run() # command...: JSON without the time in out, messages in err
{
    "$@" --json >"$out/json" 2>"$out/err"
    status=$?
    grep -v 'seconds":' "$out/json" >"$out/out"
    [ "$status" -eq 0 ]
}
lines() { [ "$(wc -l <"$1")" -eq "$2" ]; }
refuses() # status, text, command...
{
    want=$1 text=$2
    shift 2
    run "$@"
    check "status $status, not $want: $text" [ "$status" -eq "$want" ]
    check "said: $text" grep -qF -- "$text" "$out/err"
    check "one line, no result: $text" lines "$out/err" 1
}

# Both heads, in memory and batch by batch from the store
for head in linear attentive; do
    probe="$bin/probe $folders $small --head $head"
    check "$head" run $probe --save "$out/$head.a" --predictions "$out/$head.csv"
    cp "$out/out" "$out/first"
    check "$head: a prediction an image" lines "$out/$head.csv" 7
    check "$head, streamed" run $probe --memory 0 --save "$out/$head.b"
    check "$head: streamed, the same result" cmp -s "$out/first" "$out/out"
    check "$head: streamed, the same head" cmp -s "$out/$head.a" "$out/$head.b"
    check "$head, 2 threads" run $probe --threads 2 --save "$out/$head.b"
    check "$head: 2 threads, the same head" cmp -s "$out/$head.a" "$out/$head.b"
    check "$head: applied" run $bin/probe $folders --apply "$out/$head.a" \
        --predictions "$out/again.csv" --bn-eval batch
    check "$head: applied, nothing to say" [ ! -s "$out/err" ]
    check "$head: applied, the same predictions" cmp -s "$out/$head.csv" "$out/again.csv"
done

# Runs: one number each, the last head that of its seed; accuracy of classes is of the last run
probe="$bin/probe $folders $small"
numbers() # name: one a line
{
    tr -d ' \n' <"$out/json" | sed -n "s/.*\"$1\":\[\([^]]*\)\].*/\1\n/p" | tr ',' '\n' | grep .
}
of_classes()
{
    awk '/"items":/ { n = $2 + 0 } /"accuracy":/ { hit += n * $2; all += n }
        END { printf "%.6f", hit / all }' "$out/json"
}
check "3 runs" run $probe --runs 3 --save "$out/third" --report "$out/report"
check "3 runs: so many accuracies" [ "$(numbers last_acc | wc -l)" -eq 3 ]
check "classes are of the last run" [ "$(of_classes)" = \
    "$(numbers last_acc | awk 'END { printf "%.6f", $1 }')" ]
check "a report" grep -q '<svg' "$out/report/report.html"
check "seed 2" run $probe --seed 2 --save "$out/seed2"
check "the third run is that of seed 2" cmp -s "$out/third" "$out/seed2"

check "mean" run $probe --feature mean
check "layer" run $probe --layer 3
check "augmented" run $probe --augment --epochs 1
check "augmented: says how long" grep -q 'images x 1 epochs x 1 runs are encoded: about' "$out/err"
check "augmented: not 0.0 minutes" [ "$(grep -c '0\.0 minutes' "$out/err")" -eq 0 ]

refuses 2 "--feature mean" $probe --feature mean --layer 3
refuses 2 "--feature mean" $probe --feature mean --head attentive
refuses 2 "--augment and --layer" $probe --augment --layer 3
refuses 3 "$out/none" $bin/probe $folders --apply "$out/none"
check "epochs that are all warm-up" run $probe --probe imagenet --epochs 10
check "epochs that are all warm-up: none of it, said" [ "$(grep -c 'no warm-up' "$out/err")" -eq 1 ]
check "epochs that are all warm-up: none" grep -q '"warmup_epochs": 0' "$out/json"

# Outputs that cannot be written fail before anything is encoded or trained
for option in --save --predictions; do
    refuses 4 "$out/no/where" $probe $option "$out/no/where"
    refuses 4 "$out/folders" $probe $option "$out/folders"
done
check "an output keeps nothing behind" [ -z "$(find "$out" -name '*.tmp')" ]

# A head is applied to what it was trained on, with its own settings
check "mean, kept" run $probe --feature mean --seed 5 --save "$out/mean"
check "a layer, kept" run $probe --layer 3 --save "$out/layer"
apply="$bin/probe $folders --apply"
refuses 3 "reads mean, not cls" $apply "$out/mean"
refuses 3 "reads cls of block 3, not cls" $apply "$out/layer"
refuses 3 "reads cls of block 3, not cls of block 2" $apply "$out/layer" --layer 2
refuses 3 "reads tokens, not tokens of block 3" $apply "$out/attentive.a" --layer 3
refuses 2 "an attentive head" $apply "$out/attentive.a" --feature mean
refuses 2 "not --head linear" $apply "$out/attentive.a" --head linear
for option in --augment "--train-split train" "--probe part" "--runs 2" "--seed 1" "--epochs 3" \
    "--lr 1" "--train-batch 8" "--bn-group 4" "--test-every 2" "--save $out/x"; do
    refuses 2 "${option%% *} is of training" $apply "$out/mean" $option
done
check "a layer, applied" run $apply "$out/layer" --layer 3
check "mean, applied" run $apply "$out/mean" --feature mean
check "mean, applied: its seed" grep -q '"seed": 5' "$out/json"
check "mean, applied: its recipe" grep -q '"recipe_of_the_head": "part' "$out/json"
check "mean, applied: one split" grep -q '"splits": "val"' "$out/json"
check "mean, applied: no training" [ "$(grep -c 'train_items\|augmented' "$out/json")" -eq 0 ]
mv "$out/folders/val/class1" "$out/folders/val/other"
mv "$out/folders/train/class1" "$out/folders/train/other"
refuses 3 "its class 1 is 'class1', here 'other'" $apply "$out/mean" --feature mean
mv "$out/folders/val/other" "$out/folders/val/class1"
mv "$out/folders/train/other" "$out/folders/train/class1"
check "other weights" run $apply "$out/mean" --feature mean --random deit_tiny:9 --stats half
check "other weights: said" grep -q 'mean was trained on features of other weights' "$out/err"
check "other statistics: said" grep -q 'mean was trained with --stats imagenet' "$out/err"
check "other weights: in the result" grep -q 'trained with another weights_hash: ' "$out/json"
check "other statistics: in the result" grep -q 'trained with another stats: imagenet' "$out/json"
# What a stranger's file says commands no terminal; names of any bytes are kept, and known again
LC_ALL=C sed 's/"imagenet"/"\\u009bab"/' "$out/mean" >"$out/odd"
check "a stranger's head" run $apply "$out/odd" --feature mean
check "a stranger's head: said" grep -q 'odd was trained with --stats ?ab' "$out/err"
LC_ALL=C sed 's/"class0\\u000aclass1"/"class0\\nclass1\\n"  /' "$out/mean" >"$out/odd"
refuses 3 "its class 2 is '', here ''" $apply "$out/odd" --feature mean
raw=$(printf 'raw\377')
for split in val train; do mv "$out/folders/$split/class1" "$out/folders/$split/$raw"; done
check "a class of raw bytes, kept" run $probe --save "$out/raw"
check "a class of raw bytes, applied" run $apply "$out/raw"
for split in val train; do mv "$out/folders/$split/$raw" "$out/folders/$split/class1"; done
mkfifo "$out/pipe"
for option in --save --predictions; do
    refuses 4 "$out/pipe: is there and not a regular file" $probe $option "$out/pipe"
done
check "a pipe stays one" [ -p "$out/pipe" ]
check "names of splits" run $probe --train-split val --test-split train
check "names of splits: in the result" grep -q '"splits": "val, train"' "$out/json"

parts="$bin/part_classification --root $out/creatures --random deit_tiny --cache $out/cache"
parts="$parts --parts all --threads 1"
check "parts" run $parts --epochs 4 --runs 2 --save "$out/parts"
check "parts: two runs" [ "$(numbers best_acc | wc -l)" -eq 2 ]
refuses 3 "width 192 and 2 classes" $parts --apply "$out/linear.a"

# Numbers of two bytes, which heads read as they are kept: in memory and streamed
for dtype in f16 bf16; do
    short="$parts --head attentive --epochs 2 --limit 12 --cache-dtype $dtype"
    check "$dtype" run $short --save "$out/short.a" --predictions "$out/short.csv"
    cp "$out/out" "$out/first"
    check "$dtype, streamed" run $short --memory 0.0001 --save "$out/short.b"
    check "$dtype: streamed, the same result" cmp -s "$out/first" "$out/out"
    check "$dtype: streamed, the same head" cmp -s "$out/short.a" "$out/short.b"
    for memory in 0 4; do
        check "$dtype, --memory $memory: applied" run $parts --limit 12 --cache-dtype $dtype \
            --memory $memory --apply "$out/short.a" --predictions "$out/again.csv"
        check "$dtype: the same predictions" cmp -s "$out/short.csv" "$out/again.csv"
    done
    for head in linear attentive; do
        short="$probe --cache-dtype $dtype --head $head --layer 3"
        check "$dtype, a layer" run $short --save "$out/short.a"
        check "$dtype, a layer, streamed" run $short --memory 0 --save "$out/short.b"
        check "$dtype: the same $head head" cmp -s "$out/short.a" "$out/short.b"
    done
    check "$dtype, augmented" run $probe --augment --epochs 1 --cache-dtype $dtype
done
finish
