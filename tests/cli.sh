#!/bin/sh
# The example programs from the outside: exit status, one line per failure, --help against the
# option tables, JSON, files that are whole or absent, and, with ../shared, the known figures.
# Run from the project's root after make examples. Last line: cli: N passed, N failed, N skipped.
. "$(dirname "$0")/t.sh"

# Runs program and options; its status, output and messages stay in $status, out and err.
run()
{
    program=$1
    shift
    "$bin/$program" "$@" >"$out/out" 2>"$out/err"
    status=$?
}
one_line() # the only line of err begins with the program's name and has the text
{
    [ "$(wc -l <"$out/err")" -eq 1 ] && grep -q "^$1: " "$out/err" && grep -qF -e "$2" "$out/err"
}
refuses() # status text program options...
{
    want=$1 text=$2
    shift 2
    run "$@"
    if [ "$status" -eq "$want" ] && one_line "$1" "$text" && [ ! -s "$out/out" ]; then pass
    else fail "status $status, not $want with one line about '$text': $*"
    fi
}
json_ok() # a file that is one JSON value
{
    if have python3; then
        python3 -c 'import json, sys; json.load(open(sys.argv[1]),
            parse_constant=lambda name: sys.exit(1))' "$1" 2>/dev/null
    else # strings removed, what remains has balanced brackets and no stray words
        sed 's/\\.//g; s/"[^"]*"/s/g' "$1" | tr -d ' \n' | awk '
            { n = gsub(/[{]/, "{"); m = gsub(/[}]/, "}"); k = gsub(/\[/, "["); l = gsub(/\]/, "]")
              gsub(/null|true|false|[0-9.e+-]+|[s{}:,]|\[|\]/, ""); bad = length($0) }
            END { exit !(n && n == m && k == l && !bad) }'
    fi
}
value() { sed -n "s/^ *\"$1\": *\\([^,]*\\),*\$/\\1/p" "$out/out" | head -n 1; } # key of JSON
near() # value wanted within
{
    awk -v a="$1" -v b="$2" -v d="$3" 'BEGIN { exit !(a != "" && a - b <= d && b - a <= d) }'
}

programs="embed part_retrieval object_retrieval patch_search knn image_classification convert"
for p in $programs; do
    [ -x "$bin/$p" ] || { skip "$bin/$p is not built"; finish; }
done

version=$(sed -n '1s/.* - v\([0-9.]*\) - .*/\1/p' partaware.h)
# --help, and the options every program refuses
for p in $programs; do
    run "$p" --help
    check "$p --help: status" [ "$status" -eq 0 ]
    check "$p --help: silent on stderr" [ ! -s "$out/err" ]
    check "$p --help: exit status explained" grep -q '130 interrupted' "$out/out"
    check "$p --help: at most 80 columns" awk 'NR > 1 && length > 80 { bad = 1 } END { exit bad }' \
        "$out/out"
    cp "$out/out" "$out/help"
    check "$p --help: --random in the first line, where there is one" \
        [ "$(grep -c '^  --random' "$out/help")" -eq "$(sed 1q "$out/help" | grep -c random)" ]
    run "$p" --version
    check "$p --version: the header's" grep -q "^$p, partaware $version\$" "$out/out"
    for option in $(grep -o '{ *"--[a-z-]*"' "examples/$p.c" | grep -o -e '--[a-z-]*'); do
        check "$p --help: $option" grep -q "^  $option" "$out/help"
    done
    for option in --weights --recipe --network --heads --eps --threads --math --max-pixels --quiet \
        --json --csv --markdown; do
        check "$p --help: $option" grep -q "^  $option" "$out/help"
    done
    refuses 2 "did you mean --weights" "$p" --wieghts x
    refuses 2 "unknown option --qqqqqqqqq" "$p" --qqqqqqqqq
    refuses 2 "unexpected argument" "$p" stray
    refuses 2 "--threads 9999 is not in 0..256" "$p" --threads 9999
    refuses 2 "--threads needs a whole number" "$p" --threads 2x
    refuses 2 "--eps needs a number" "$p" --eps ""
    refuses 2 "did you mean dino" "$p" --recipe dina
    refuses 2 "--weights needs FILE" "$p" --weights --quiet
    refuses 2 "--quiet takes no value" "$p" --quiet=1
done
refuses 2 "--out DIR is needed" embed --weights x --images y
refuses 2 "exclude each other" embed --images x --tensor y --out z
refuses 2 "did you mean mean" embed --save cls,maen --out z
refuses 2 "is none of" embed --save cls,xxxxxxxxx --out z

# Inputs: drawn creatures, and files that are not what they are called
creatures=$out/creatures
if [ ! -x "$b/tools/make_creatures" ]; then
    skip "everything with images: no make_creatures"
    creatures=
else
    "$b/tools/make_creatures" --out "$creatures" --images 8 >"$out/out" 2>"$out/err" ||
        fail "make_creatures"
    image=$(find "$creatures/images" -name '*.png' -o -name '*.jpg' | sort | head -n 1)
    folder=$(dirname "$image")
fi
random="--random deit_tiny --quiet"
echo "this is not a checkpoint, it is a text file of some length" >"$out/text.pth"
refuses 3 "$out/none.pth" embed --weights "$out/none.pth" --images examples/cli.h --out "$out/o"
refuses 3 "$out/text.pth" convert --weights "$out/text.pth" --list
refuses 2 "--weights FILE is needed" convert --list
refuses 2 "--out or --list is needed" convert --weights "$out/text.pth"

if [ -n "$creatures" ]; then
    printf '<!DOCTYPE html><html><body>404 Not Found</body></html>\n' >"$out/page.jpg"
    refuses 3 "$out/text.pth" embed --weights "$out/text.pth" --images "$image" --out "$out/o"
    refuses 3 "$out/none.jpg" embed $random --images "$out/none.jpg" --out "$out/o1"
    refuses 3 "$out/page.jpg" embed $random --images "$image" "$out/page.jpg" --out "$out/o2"
    check "nothing stays behind a bad image" [ -z "$(ls "$out/o2" 2>/dev/null)" ]
    refuses 3 "no projected output" embed $random --images "$image" --save projected --out "$out/o3"
    refuses 2 "--layer 12: the blocks are 0 to 11" embed $random --images "$image" --layer 12 \
        --out "$out/o3"
    refuses 2 "no multiple of the patch" embed $random --images "$image" --size 100 --out "$out/o3"
    refuses 3 "100" embed $random --images "$image" --max-pixels 100 --out "$out/o3"
    refuses 2 "RECIPE_SIZE" embed --random deit_tyni --images "$image" --out "$out/o3"
    : >"$out/file"
    refuses 4 "$out/file" embed $random --images "$image" --out "$out/file"
    refuses 4 "$out/none/deeper" embed $random --images "$image" --out "$out/none/deeper"

    save="--save cls,mean,logits,attention"
    run embed $random --images "$image" "$out/page.jpg" --skip-bad $save --out "$out/o4" --json
    check "--skip-bad: status 1" [ "$status" -eq 1 ]
    check "--skip-bad: one line" one_line embed page.jpg
    check "--skip-bad: counted" [ "$(value skipped)" = 1 ]
    check "--skip-bad: JSON" json_ok "$out/out"
    check "files.txt has one name" [ "$(cat "$out/o4/files.txt")" = "$image" ]
    for f in cls mean logits attention; do
        check "$f.npy is there" [ -s "$out/o4/$f.npy" ]
    done
    check "no .tmp stays" [ -z "$(find "$out/o4" -name '*.tmp')" ]
    run embed $random --images "$image" $save --out "$out/o5" --csv
    check "embed: status 0" [ "$status" -eq 0 ]
    for f in cls mean logits attention; do # the header counts the rows that were written
        check "$f.npy is the same as without the bad image" cmp -s "$out/o4/$f.npy" "$out/o5/$f.npy"
    done

    kept="--cache $out/cache"
    refuses 3 "$out/none" part_retrieval --root "$out/none" $random
    mkdir -p "$out/empty"
    refuses 3 "$out/empty" part_retrieval --root "$out/empty" $random
    refuses 2 "there are eye, leg" part_retrieval --root "$creatures" --parts eye,ear $random
    run part_retrieval --root "$creatures" --parts eye,leg,wing,tail,wheel,window,lamp $random \
        $kept --json --report "$out/report"
    check "part_retrieval: status" [ "$status" -eq 0 ]
    check "part_retrieval: silent" [ ! -s "$out/err" ]
    check "part_retrieval: JSON" json_ok "$out/out"
    for key in items per_class_count chance protocol classes recipe weights stats eps size isa \
        weights_hash threads math version cls mean AP mAP per_class AP_exclude_query; do
        check "part_retrieval: JSON has $key" grep -q "\"$key\":" "$out/out"
    done
    check "part_retrieval: no row of a projector" [ -z "$(grep '"projected"' "$out/out")" ]
    page=$out/report/report.html
    check "report: complete" grep -q '</html>' "$page"
    check "report: says that the weights are random" grep -q 'weights are random' "$page"
    check "report: nothing from outside" [ -z "$(grep -oE '(src|href)="[^d]' "$page")" ]
    check "report: no script" [ -z "$(grep -i '<script' "$page")" ]
    check "report: every image has an alt text" \
        [ "$(grep -o '<img ' "$page" | wc -l)" -eq "$(grep -o ' alt="[^"]' "$page" | wc -l)" ]
    run part_retrieval --root "$creatures" --parts eye,leg $random $kept --batch 3 --csv
    check "part_retrieval: CSV is rectangular" awk -F '"' '
        { for (i = 2; i <= NF; i += 2) gsub(/,/, "", $i); n = gsub(/,/, ",") }
        NR == 1 { want = n } n != want { bad = 1 } END { exit bad || NR != 3 }' "$out/out"
    run part_retrieval --root "$creatures" --parts eye,leg $random $kept --markdown
    check "part_retrieval: Markdown" grep -q '^| ---' "$out/out"

    printf 'none.png 3\n%s 5\n' "$(basename "$image")" >"$out/labels.txt"
    run image_classification $random --images "$image" --labels "$out/labels.txt" --json
    check "a label without image: status 1" [ "$status" -eq 1 ]
    check "a label without image: one line" one_line image_classification "1 labels without image"
    check "a label without image: JSON" json_ok "$out/out"
    printf 'a.png 1000\n' >"$out/labels.txt"
    refuses 3 "line 1" image_classification $random --images "$image" --labels "$out/labels.txt"
    printf 'a.png 1\n\000%s 5\n' "$(basename "$image")" >"$out/labels.txt"
    refuses 3 "byte 8 is 0" image_classification $random --images "$image" \
        --labels "$out/labels.txt"
    printf 'a.png 1\nb.png 2\na.png 3\n' >"$out/labels.txt"
    refuses 3 "'a.png' stands there twice" image_classification $random --images "$image" \
        --labels "$out/labels.txt"
    printf '\357\273\277%s 5\n' "$(basename "$image")" >"$out/labels.txt"
    label="image_classification $random --images $image --labels $out/labels.txt"
    printf 'mine\n' >"$out/predictions.tmp"
    run $label --predictions "$out/predictions"
    check "labels behind a byte order mark" [ "$status" -eq 0 ]
    check "a file called NAME.tmp stays" [ "$(cat "$out/predictions.tmp")" = mine ]
    mkfifo "$out/pipe"
    for odd in "$out/pipe" "$out/o4"; do
        refuses 4 "$odd: is there and not a regular file" $label --predictions "$odd"
    done
    check "a pipe stays one" [ -p "$out/pipe" ]

    "$bin/part_retrieval" --root "$creatures" --parts all --random deit_base --batch 1 --threads 1 \
        --quiet $kept --shard-items 2 >"$out/out" 2>"$out/err" &
    pid=$!
    sleep 1
    kill -INT "$pid" 2>/dev/null
    wait "$pid"
    check "interrupted: 130" [ $? -eq 130 ]
    check "interrupted: said" grep -q 'interrupted after' "$out/err"
fi

if [ -c /dev/full ]; then
    "$bin/convert" --help >/dev/full 2>"$out/err"
    check "a full standard output: 4" [ $? -eq 4 ]
else
    skip "no /dev/full"
fi

# Hostile files: one line, status 3, whatever they hold
fixtures=$b/fixtures
if [ -f "$fixtures/B1_system.pth" ]; then
    for f in "$fixtures"/[A-Z][0-9]*_*; do
        run convert --list --weights "$f"
        case ${f##*/} in # what the format allows, or what only matters when it is used
            A4_spaces* | A10_dtype* | A11_empty* | A13_misaligned* | B11_after_stop*)
                check "$f is accepted" [ "$status" -eq 0 ]
                continue ;;
        esac
        if [ "$status" -eq 3 ] && one_line convert "$f"; then pass; else fail "$f: $status"; fi
    done
    refuses 3 B1_system.pth convert --list --weights "$fixtures/B1_system.pth"
    refuses 3 B1_eval.pth convert --weights "$fixtures/B1_eval.pth" --out "$out/x.safetensors"
    check "nothing is converted" [ ! -e "$out/x.safetensors" ]
else
    skip "hostile files: no $fixtures"
fi

if [ ! -f "$shared/weights/deit_tiny_patch16_224.pth" ]; then
    skip "truncated and converted checkpoints: no $shared"
    skip "figures of CUB and of ImageNet: no $shared"
    echo "cli: $passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ]
    exit
fi
weights=$shared/weights/deit_tiny_patch16_224.pth
dd if="$weights" of="$out/cut.pth" bs=1000000 count=9 2>/dev/null
refuses 3 "$out/cut.pth" convert --weights "$out/cut.pth" --list
refuses 4 "$out/none/x.safetensors" convert --weights "$weights" --out "$out/none/x.safetensors"
run convert --weights "$weights" --out "$out/tiny.safetensors" --json
check "convert: status" [ "$status" -eq 0 ]
check "convert: JSON" json_ok "$out/out"
check "convert: recipe" [ "$(value recipe)" = '"deit"' ]
run convert --weights "$out/tiny.safetensors" --list --json
check "convert --list: JSON" json_ok "$out/out"

for w in "$weights" "$out/tiny.safetensors"; do
    run image_classification --weights "$w" --images "$shared/data/imagenet_s" \
        --labels "$shared/data/imagenet_s/index.txt" --json --predictions "$out/predictions.csv"
    check "ImageNet: status" [ "$status" -eq 0 ]
    check "ImageNet: images" [ "$(value images)" = 63 ]
    check "ImageNet: top-1 $(value top1)" near "$(value top1)" 87.30 1.6
    check "ImageNet: a line for each image" [ "$(wc -l <"$out/predictions.csv")" -eq 64 ]
done
run part_retrieval --root "$shared/data/cub" --weights "$weights" --json --quiet \
    --cache "$out/cache"
check "CUB: status" [ "$status" -eq 0 ]
check "CUB: items" [ "$(value items)" = 701 ]
check "CUB: counts" grep -q '"per_class_count": \[139, 162, 159, 241\]' "$out/out"
check "CUB: AP of cls" near "$(value AP)" 40.53 0.02
sed -n '/"mean"/,$p' "$out/out" >"$out/mean"
mv "$out/mean" "$out/out"
check "CUB: AP of mean" near "$(value AP)" 42.49 0.02
check "CUB: AP of mean without the query" near "$(value AP_exclude_query)" 41.68 0.02
check "CUB: the paper's value" [ "$(value AP_paper)" = 35 ]
run object_retrieval --dataset folder --root "$shared/data/imagenette/val" --weights "$weights" \
    --json --quiet --cache "$out/cache"
check "imagenette: status" [ "$status" -eq 0 ]
check "imagenette: chance" [ "$(value chance)" = 10 ]
check "imagenette: AP of cls $(value AP)" near "$(value AP)" 91.69 0.05
run knn --dataset folder --root "$shared/data/imagenette/val" --weights "$weights" --k 5 --json \
    --cache "$out/cache" --report "$out/knn"
check "k-NN: status" [ "$status" -eq 0 ]
check "k-NN: takes the features of object_retrieval" grep -q '<dd>0</dd>' "$out/knn/report.html"
check "k-NN: top-1 $(value top1)" near "$(value top1)" 96 1
run part_retrieval --dataset coco --root "$shared/data/coco_kp" --weights "$weights" --json \
    --quiet --cache "$out/cache"
check "COCO: items" [ "$(value items)" = 79 ]
check "COCO: the paper's value" grep -q '"AP_paper": 44.1' "$out/out"
run object_retrieval --dataset cifar10 --root "$shared/data/cifar10" --weights "$weights" --json \
    --quiet --cache "$out/cache"
check "CIFAR-10: items" [ "$(value items)" = 400 ]
check "CIFAR-10: marked as a proposal" grep -q 'this is a proposal' "$out/out"
finish
