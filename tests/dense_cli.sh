#!/bin/sh
# segmentation, pose and paper from the outside: wrong options, a dry run, training, interruption
# and resumption to the same bytes, scoring alone, a chart, every cell a number or a reason. On
# drawn creatures and a random encoder. Run from the project's root after make examples tools.
# Last line: dense_cli: N passed, N failed, N skipped.
. "$(dirname "$0")/t.sh"
for p in "$bin/segmentation" "$bin/pose" "$bin/paper" "$b/tools/make_creatures"; do
    [ -x "$p" ] || { skip "$p is not built"; finish; }
done
says() # what, exit status, text, command...
{
    what=$1 want=$2 text=$3
    shift 3
    "$@" >"$out/log" 2>"$out/err"
    got=$?
    check "$what: exit $want, not $got" [ "$got" -eq "$want" ]
    check "$what: says $text" grep -q -- "$text" "$out/err"
}
value() { sed -n "s/^ *\"$1\": \([^,]*\),*$/\1/p" "$2" | head -n 1; }

# The folder layout out of drawn creatures: six pictures to train, three to score.
"$b/tools/make_creatures" --out "$out/drawn" --images 9 >"$out/log" 2>&1 || fail make_creatures
data=$out/data
mkdir -p "$data/img/train" "$data/img/val" "$data/ann/train" "$data/ann/val"
i=0
(cd "$out/drawn/images" && find . -name '*.png') | sort >"$out/list"
while read -r name; do
    split=train
    [ $((i % 3)) -eq 2 ] && split=val
    cp "$out/drawn/images/$name" "$data/img/$split/$i.png"
    cp "$out/drawn/part_masks/$name" "$data/ann/$split/$i.png"
    i=$((i + 1))
    [ "$i" -lt 9 ] || break
done <"$out/list"
encoder="--random deit_tiny --quiet --threads 2"
small="--root $data --classes 32 --crop 64 --batch 2 $encoder"

# shellcheck disable=SC2086
{
says "no classes" 2 "--classes is needed" "$bin/segmentation" --root "$data" $encoder
says "folder without classes" 2 "--classes is needed" \
    "$bin/segmentation" --preset folder --root "$data" $encoder
says "no such folder" 3 "nowhere/img/train" \
    "$bin/segmentation" --root "$out/nowhere" --classes 9 $encoder
says "scored alone without a head" 2 "needs --head, or --resume" \
    "$bin/segmentation" $small --eval-only --out "$out/none"
says "scored alone, no head in --out" 3 "none/head-0.0004.safetensors: no such head" \
    "$bin/segmentation" $small --eval-only --out "$out/none" --resume
check "scored alone without a head: nothing is written" [ ! -e "$out/none/report.html" ]
says "an update that is not finite" 3 "update [0-9]*, rate 99: .*--resume without this rate" \
    "$bin/segmentation" $small --iters 60 --warm-up 0 --decay 1 --lr 1e-3,99 --out "$out/wild"
says "a head that is there is not begun again" 3 "0.001.safetensors: trained before: --resume" \
    "$bin/segmentation" $small --iters 1 --lr 1e-3 --out "$out/wild"
try "the other rate goes on" "$bin/segmentation" $small --iters 60 --warm-up 0 --decay 1 \
    --lr 1e-3 --out "$out/wild" --resume --json
check "the other rate goes on from where it was" grep -q '"loss": \[null, ' "$out/log"
says "a rate that is none" 2 "up to 8 rates" "$bin/segmentation" $small --lr 1e-3,x
says "--resume without --out" 2 "--resume needs --out" "$bin/segmentation" $small --resume
says "too few classes" 3 "ann/train/[0-9]*.png: .*value [0-9]" \
    "$bin/segmentation" --root "$data" --classes 2 --crop 64 $encoder
says "a crop out of range" 2 "--crop 4112" "$bin/segmentation" $small --crop 4112
says "a crop that the patch does not divide" 2 "no multiple of the patch" \
    "$bin/segmentation" $small --crop 72
"$b/tools/make_creatures" --out "$out/other" --images 1 --size 96 >"$out/log" 2>&1
cp -r "$data" "$out/odd"
find "$out/other/part_masks" -name '*.png' -exec cp {} "$out/odd/ann/train/0.png" ';'
says "a mask of another size" 3 "pixels, its mask has 96 x 96" "$bin/segmentation" \
    --root "$out/odd" --classes 32 --crop 64 --iters 9 --batch 4 $encoder
says "pose without data" 3 "person_keypoints_train2017.json" "$bin/pose" --root "$data" $encoder
# Names: by stored value, also where a preset lists the values; or one for each class, in order.
mkdir -p "$out/ade/images" "$out/ade/annotations"
for kind in images=img annotations=ann; do
    cp -r "$data/${kind#*=}/train" "$out/ade/${kind%=*}/training"
    cp -r "$data/${kind#*=}/val" "$out/ade/${kind%=*}/validation"
done
printf '0 nothing\n3 second\n2 first\n' >"$out/names"
try "names of a preset's values" "$bin/segmentation" --preset ade20k-object59 --root "$out/ade" \
    --crop 64 --batch 2 --names "$out/names" --random deit_tiny --dry-run --limit 2
check "dry: says at once what it times" \
    grep -q "0/3 updates timed.*batches of 2, 64 x 64 pixels" "$out/log"
check "names: the value's class" awk '/images:$/ { at = NR } NR == at + 2 { first = $3 }
    NR == at + 3 { second = $3 } END { exit !(first == "first" && second == "second") }' "$out/log"
printf 'one\ntwo\n' >"$out/names"
says "too few names" 3 "names: 2 names, 0 with a value in front, of 32 classes" \
    "$bin/segmentation" $small --names "$out/names" --dry-run
printf '1 one\ntwo\n' >"$out/names"
says "names with and without values" 3 "names: 2 names, 1 with a value in front, of 2 classes" \
    "$bin/segmentation" --root "$data" --classes 2 --unknown ignore --crop 64 $encoder \
    --names "$out/names" --dry-run
printf '1 one\n\000\n2 two\n' >"$out/names"
says "names and a byte of 0" 3 "names: not text: byte 6 is 0" "$bin/segmentation" $small \
    --names "$out/names" --dry-run
printf '\357\273\2771 one\n2 two\n1 three\n' >"$out/names"
says "two names of a value, behind a byte order mark" 3 "two names of class 0, 'one' the first" \
    "$bin/segmentation" $small --names "$out/names" --dry-run

# One person annotated twice, a little apart, and another: the repeat is dropped.
mkdir -p "$out/people/annotations" "$out/people/train2017" "$out/people/val2017"
person() # id, x, y
{
    printf '{"id":%s,"image_id":1,"category_id":1,"iscrowd":0,"area":4800,"num_keypoints":17,' "$1"
    printf '"bbox":[%s,%s,60,80],"keypoints":[' "$2" "$3"
    awk -v x="$2" -v y="$3" 'BEGIN { for (i = 0; i < 17; ++i)
        printf "%s%g,%g,2", i ? "," : "", x + 3 * i, y + 4 * i }'
    printf ']}'
}
for split in train val; do
    cp "$data/img/train/0.png" "$out/people/${split}2017/0.png"
    { printf '{"images":[{"id":1,"file_name":"0.png"}],"annotations":[' && person 1 20 20 &&
        printf , && person 2 20.1 20.1 && printf , && person 3 120 100 && printf ']}'; } \
        >"$out/people/annotations/person_keypoints_${split}2017.json"
done
try "pose, a person twice" "$bin/pose" --root "$out/people" $encoder --iters 2 \
    --out "$out/people/out"
check "pose, a person twice: two are left" \
    [ "$(grep -c image_id "$out/people/out/results.json")" -eq 2 ]
sed -i.old 's/"images":\[[^]]*\]/"images":[]/' \
    "$out/people/annotations/person_keypoints_val2017.json"
says "pose, no images" 3 "val2017.json: names no images" \
    "$bin/pose" --root "$out/people" $encoder --iters 2
says "paper without a source" 2 "--config or --object is needed" "$bin/paper" --out "$out/paper"

# How values become classes, and how often each occurs, stands before the first update.
try "a histogram" "$bin/segmentation" --root "$data" --classes 31 --offset 2 --crop 64 --batch 2 \
    --random deit_tiny --no-augment --iters 100 --unknown ignore
check "without --out: says that the head is lost" \
    grep -q 'segmentation: trained head not kept: no --out' "$out/log"
check "histogram: the map and its offset" \
    grep -q 'class = stored value - 2, 31 classes; percent of the pixels of 6 + 3 im' "$out/log"
check "histogram: ends at 100 percent" awk '
    /images:$/ { on = 1; next }
    on && $1 ~ /^[0-9.]+$/ { train += $1; val += $2 }
    /\(ignored\)/ { on = 0; whole = 1 }
    / update 100: loss / { after = whole; exit }
    END { exit !(after && train > 99.9 && train < 100.1 && val > 99.9 && val < 100.1) }' "$out/log"

try "--out, not quiet" "$bin/segmentation" --root "$data" --classes 32 --crop 64 --batch 2 \
    --random deit_tiny --iters 1 --out "$out/kept"
check "--out: says where the head is" grep -q 'trained head kept in .*/kept$' "$out/log"

# Training; killed and resumed; stopped and resumed: the same bytes.
train="$small --iters 30 --checkpoint 2 --lr 1e-3,4e-3"
try "training" "$bin/segmentation" $train --out "$out/whole" --json
cp "$out/log" "$out/whole.json"
check "two heads" [ "$(grep -c '"mIoU"' "$out/whole.json")" -eq 2 ]
for how in KILL TERM; do
    "$bin/segmentation" $train --out "$out/$how" >"$out/log" 2>"$out/err" &
    pid=$!
    until_true [ -e "$out/$how/head-0.004.safetensors" ]
    kill -s $how $pid
    wait $pid 2>"$out/noise"
    check "$how: it was on its way" [ $? -ne 0 ]
    [ $how = KILL ] || check "SIGTERM: says how to go on" grep -q -- --resume "$out/err"
    try "$how: resumed" "$bin/segmentation" $train --out "$out/$how" --resume --json
    check "$how: no loss is made up for what an earlier process trained" \
        grep -q '"loss": \[null, .*[0-9]\]' "$out/log"
    check "$how: the same scores" \
        [ "$(grep -E 'mIoU|IoU' "$out/log")" = "$(grep -E 'mIoU|IoU' "$out/whole.json")" ]
    for head in head-0.001 head-0.004; do
        check "$how: $head has the same bytes" \
            cmp -s "$out/whole/$head.safetensors" "$out/$how/$head.safetensors"
    done
done
says "other settings" 3 "other settings" "$bin/segmentation" $train --out "$out/KILL" --resume \
    --seed 5
cp "$data/ann/train/1.png" "$out/mask"
cp "$data/ann/train/0.png" "$data/ann/train/1.png"
says "other data" 3 "other settings" "$bin/segmentation" $train --out "$out/KILL" --resume
cp "$out/mask" "$data/ann/train/1.png"
try "scored alone" "$bin/segmentation" $small --eval-only --json \
    --head "$out/whole/head-0.001.safetensors"
check "scored alone: the same mIoU" \
    [ "$(value mIoU "$out/log")" = "$(value mIoU "$out/whole.json")" ]
check "one page" grep -q '</html>' "$out/whole/report.html"

"$bin/segmentation" --root "$data" --classes 32 --random deit_tiny --threads 2 --batch 64 \
    --crop 512 --dry-run >"$out/noise" 2>"$out/err" &
pid=$! waited=0
until grep -q 'batches of 64' "$out/err" || [ $((waited += 1)) -gt 300 ]; do sleep 0.1; done
kill -s INT $pid
wait $pid
check "dry, interrupted: 130" [ $? -eq 130 ]
check "dry, interrupted: said" grep -q 'interrupted after [0-2] of 3 updates timed' "$out/err"
# The paper's recipe, estimated: nothing is trained, nothing written.
try "160,000 updates, dry" "$bin/segmentation" --preset lip19 --root "$data" --unknown ignore \
    --crop 320 $encoder --dry-run --json
check "dry: the preset's own crop changes no scale" grep -q 'scale 1024 x 320' "$out/log"
check "dry: counts" [ "$(value images_train "$out/log") $(value updates "$out/log")" = "6 160000" ]
check "dry: hours" awk -v h="$(value hours_training "$out/log")" 'BEGIN { exit !(h > 1) }'
check "dry: hours of cores, two at most" awk -v h="$(value hours_training "$out/log")" \
    -v c="$(value core_hours_training "$out/log")" 'BEGIN { exit !(c > 0 && c < 2.1 * h) }'

# Figure 7 from two results of each encoder.
sed 's/"data": "folder"/"data": "<objects>"/' "$out/whole.json" >"$out/object.json"
try "chart" "$bin/paper" --object "$out/object.json" --part "$out/whole.json" --out "$out/chart"
check "chart: a dot, names escaped" [ "$(grep -c '<circle' "$out/chart/report.html")" -eq 1 -a \
    "$(grep -c '<objects>' "$out/chart/report.html")" -eq 0 ]
says "chart: one part missing" 2 "same place" "$bin/paper" --object "$out/object.json" \
    "$out/object.json" --part "$out/whole.json" --out "$out/chart"
says "chart: no result" 3 "no mIoU" "$bin/paper" --object "$out/list" --part "$out/whole.json" \
    --out "$out/chart"
sed 's/"weights": "[^"]*"/"weights": "other"/' "$out/whole.json" >"$out/other.json"
says "chart: of two encoders" 3 "is of other" "$bin/paper" --object "$out/object.json" \
    --part "$out/other.json" --out "$out/chart"
}

weights=$shared/weights/deit_tiny_patch16_224.pth
if [ ! -f "$weights" ]; then
    skip "paper: no $weights"
    finish
fi
# shellcheck disable=SC2086
{
few="--root $shared/data/coco_kp --weights $weights --quiet --threads 2 --no-flip-test --batch 4"
few="$few --overlays 1"
says "pose with two rates" 2 "one rate" "$bin/pose" $few --lr 1e-3,1e-4
try "pose" "$bin/pose" $few --iters 2 --out "$out/pose" --json
cp "$out/log" "$out/pose.json"
check "pose: says that these weights are no ViT-B" grep -q 'weights are not a ViT-B' "$out/log"
check "pose: results for pycocotools" grep -q '"keypoints"' "$out/pose/results.json"
try "pose: scored alone" "$bin/pose" $few --eval-only --json \
    --head "$out/pose/head-0.0005.safetensors"
check "pose: the same AR50" \
    [ "$(grep -A1 '"AR50"' "$out/log")" = "$(grep -A1 '"AR50"' "$out/pose.json")" ]
}
cat >"$out/config" <<END
method.deit = $weights # this one
method.mae = $weights
data.cifar10 = $shared/data/cifar10
data.coco = $shared/data/coco_kp
END
for row in method.deti=x data.cubs=y options.embed=--quiet method.mae=z; do
    { cat "$out/config" && echo "$row"; } >"$out/wrong"
    says "paper with $row" 3 "${row%=*}" "$bin/paper" --config "$out/wrong" --out "$out/paper"
done
for kind in method data; do
    grep -v "^$kind" "$out/config" >"$out/wrong"
    says "paper without $kind" 3 "nothing can run: no line $kind.NAME" "$bin/paper" \
        --config "$out/wrong" --out "$out/paper"
done
ends 1 "paper, dry" "$bin/paper" --config "$out/config" --out "$out/paper" --dry-run --csv --quiet
cells=$out/paper/dry-tables.csv
check "paper: every cell has a number or a reason" \
    [ "$(grep -cE '"protocol": "[^"]' "$out/paper/dry-tables.json")" -eq 336 ]
check "paper: not under another's name" \
    [ "$(grep '/mae,' "$cells" | grep -vc 'is a deit checkpoint')" -eq 0 ]
check "paper: items counted" grep -q '2/CIFAR10/AP_encoded/deit.*would read 400 items' "$cells"
check "paper: no file, no cell" \
    grep -q '2/COCO-object/.*/deit.*cannot run.*instances_val2017' "$cells"
check "paper: samples counted" grep -q '10/COCO-pose/AP/deit.*86 and score 68 samples' "$cells"
check "paper: hours and MB in all" grep -q ',hours_in_all,MB_in_all$' "$out/log"
dry=$cells

# SIGTERM ends the program that runs, too, which keeps what it has.
cat >"$out/config" <<END
method.deit = $weights
data.lip19 = $data
options.segmentation = --unknown ignore --no-augment --crop 64 --batch 2 --threads 2 --checkpoint 1
END
"$bin/paper" --config "$out/config" --out "$out/stopped" --quiet >"$out/log" 2>"$out/err" &
pid=$!
until_true [ -e "$out/stopped/deit-15/head-0.001.safetensors" ]
kill -s TERM $pid
wait $pid 2>"$out/noise"
got=$?
check "SIGTERM: paper ends with 143, not $got" [ $got -eq 143 ]
check "SIGTERM: its program has ended" grep -q 'stopped after update' "$out/stopped/deit-15.log"

# A number is one of this checkpoint; a second run goes on from the heads and gives the same.
cat >"$out/config" <<END
method.deit = $weights
method.ibot = $weights
data.lip19 = $data
options.segmentation = --unknown ignore --no-augment --crop 64 --iters 4 --batch 2 --threads 2
END
paper_again() # name
{
    ends 1 "paper, $1" "$bin/paper" --config "$out/config" --out "$out/paper2" --json
    cp "$out/paper2/tables.csv" "$out/cells.$1"
}
cells=$out/paper2/tables.csv
log=$out/paper2/deit-15.log
paper_again first
check "paper: says what runs" grep -q '0/1 programs.*: deit, LIP-19, segmentation' "$out/log"
check "paper: no half file stays" [ -z "$(find "$out/paper2" -name '*.new' -o -name '*.tmp')" ]
echo untouched >"$log"
paper_again second
check "paper: the second run starts nothing" grep -q '^untouched$' "$log"
check "paper: and says so" grep -q 'deit-15: kept: segmentation' "$out/log"
check "paper: the second run gives the same" cmp -s "$out/cells.first" "$out/cells.second"
ends 1 "paper, dry, there" "$bin/paper" --config "$out/config" --out "$out/paper2" --dry-run
check "paper: every cell is counted on the terminal" \
    [ "$(awk '$2 ~ "/" { n += $1 } END { print n }' "$out/log")" -eq 336 ]
check "paper: each reason once" [ "$(grep -c 'checkpoint of this method' "$out/log")" -eq 1 ]
check "paper: a dry run starts its own" grep -q '^untouched$' "$log"
check "paper: a dry run leaves tables alone" cmp -s "$out/cells.first" "$cells"
check "paper: a dry run leaves results alone" grep -q '"mIoU"' "$out/paper2/deit-15.json"
for name in dry-deit-15.json dry-tables.csv dry-report.html; do
    check "paper: $name" [ -s "$out/paper2/$name" ]
done
sed -i.old 's/--threads 2/--threads 1/' "$out/config"
paper_again third
check "paper: another option runs again" sh -c "! grep -q '^untouched$' '$log'"
check "paper: from the heads, which trains nothing" \
    grep -q '"loss": \[null.*null\]' "$out/paper2/deit-15.json"
sed 's/--threads 1/--threads 2/' "$out/cells.third" >"$out/cells.same"
check "paper: to the same numbers" cmp -s "$out/cells.first" "$out/cells.same"
check "paper: nine cells of LIP" [ "$(awk -F, '$7 != "" && $7 != "ours"' "$cells" | wc -l)" -eq 9 ]
check "paper: of one method" \
    [ "$(awk -F, '$7 != "" && $7 != "ours" { print $5 }' "$cells" | sort -u)" = deit ]
check "paper: with command, items, width" \
    grep -q 'LIP-19/mIoU/deit.*segmentation --preset lip19.*6 + 3 items.*width 192' "$cells"
check "paper: nine tables, each with its notes" \
    [ "$(grep -c '<h2>Table' "$out/paper2/report.html")" -eq 9 -a \
    "$(grep -c '<ol' "$out/paper2/report.html")" -eq 9 ]
ends 1 "paper, with its own options" "$bin/paper" --config "$out/config" --out "$out/paper2" \
    --threads 2 --max-pixels 9e7
check "paper: numbers and reasons on the terminal" \
    [ "$(grep -c '^[59]/LIP-19/.*/deit ' "$out/log") $(awk '$2 ~ "/" && $1 ~ /^[0-9]+$/ { n += $1 }
        END { print n }' "$out/log")" = "9 327" ]
check "paper: passes --threads on" grep -q '"threads": 2' "$out/paper2/deit-15.json"
check "paper: passes --max-pixels on" \
    grep -q -e '--json --max-pixels 9e7 ' "$out/paper2/deit-15.command"
# A program that ends without a result gives no cell, and nothing is kept.
mkdir "$out/faulty"
cp "$bin/paper" "$out/faulty/"
printf '#!/bin/sh\nexit 1\n' >"$out/faulty/segmentation"
chmod +x "$out/faulty/segmentation"
ends 1 "paper, no result" "$out/faulty/paper" --config "$out/config" --out "$out/paper3" --csv \
    --quiet
check "paper: says that there is no result" \
    grep -q 'LIP-19/mIoU/deit.*exit 1, but no result; see deit-15.log' "$out/log"
check "paper: nothing is kept" [ -z "$(find "$out/paper3" -name 'deit-15.[jcn]*')" ]
cells=$dry
if [ -f "$shared/spec/paper_tables.csv" ]; then
    # id, table, data, metric, method, paper, ...
    awk -F, 'NR > 1 && $6 != "" { printf "%s %s %s %s %.1f\n", $2, $3, $4, $5, $6 }' "$cells" |
        sort >"$out/ours"
    awk -F, '$1 ~ /^[0-9]+$/ && $1 != 6 {
        m = tolower($2); gsub(/ /, "", m); printf "%s %s %s %s %.1f\n", $1, $3, $4, m, $5 }' \
        "$shared/spec/paper_tables.csv" | sort >"$out/theirs"
    diff "$out/ours" "$out/theirs" >"$out/log" 2>&1
    check "paper: its values as in the list" [ ! -s "$out/log" ]
else
    skip "paper: its values: no $shared/spec/paper_tables.csv"
fi
finish
