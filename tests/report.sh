#!/bin/sh
# The pages of --report in headless Chromium, without a network: they open, log nothing, load
# nothing, fit a phone, turn dark, and a window of patch_search answers to a click without script.
# Pictures stay in build/check/report to be looked at. Run from the project's root after make
# examples tools. Last line: report: N passed, N failed, N skipped.
. "$(dirname "$0")/t.sh"

for p in "$bin/part_retrieval" "$bin/object_retrieval" "$bin/patch_search" \
    "$bin/segmentation" "$bin/paper" "$b/tools/make_creatures"; do
    [ -x "$p" ] || { skip "$p is not built"; finish; }
done

# Pages; a class, a file and a folder have names that must be escaped.
creatures=$out/creatures
"$b/tools/make_creatures" --out "$creatures" --images 8 >"$out/log" 2>&1 || fail "make_creatures"
image=$(find "$creatures/images" -name '*.png' | sort | head -n 1)
odd="$out/fo<b>l&d\"er"
mkdir -p "$odd/x<script>alert(1)" "$odd/'a'&b"
for folder in "$odd"/*; do
    for name in '<img src=x onerror=alert(2)>.png' '"&.png' 'c.png'; do
        cp "$image" "$folder/$name"
    done
done
options="--random deit_tiny --quiet --cache $out/cache"
"$bin/part_retrieval" --root "$creatures" --parts all $options --report "$out/parts" \
    >"$out/log" 2>&1 || fail "part_retrieval"
"$bin/object_retrieval" --dataset folder --root "$odd" $options --report "$out/objects" \
    >"$out/log" 2>&1 || fail "object_retrieval"
"$bin/patch_search" --images "$(dirname "$image")" $options --top 84 --query 0:24 1:8 \
    --report "$out/patches" >"$out/log" 2>&1 || fail "patch_search"
for split in train val; do
    mkdir -p "$out/data/img/$split" "$out/data/ann/$split"
    for i in 0 1; do
        cp "$image" "$out/data/img/$split/$i<b>.png"
        cp "$creatures/part_masks${image#"$creatures/images"}" "$out/data/ann/$split/$i<b>.png"
    done
done
"$bin/segmentation" --root "$out/data" --classes 32 --crop 64 --iters 20 --random deit_tiny \
    --quiet --no-augment --out "$out/labels" >"$out/log" 2>&1 || fail "segmentation"
printf 'data.lip19 = %s\nmethod.deit = %s\n' "$out/data" "$out/none" >"$out/config"
ends 1 "paper" "$bin/paper" --config "$out/config" --quiet --out "$out/paper"
check "paper: says commit" grep -q '<dt>commit' "$out/paper/report.html"
# Of 209 classes no two colours come near each other, of neighbours least of all.
cat >"$out/colours.c" <<'END'
#define _POSIX_C_SOURCE 200809L
#include "partaware.h"
#include "examples/cli.h"
#include "examples/report.h"
int main(void)
{
    int a, b, i, near = 0;
    for (a = 0; a < 209; ++a)
        for (b = 0; b < a; ++b) {
            uint8_t c[2][3];
            int d = 0;
            report_colour(a, c[0]);
            report_colour(b, c[1]);
            for (i = 0; i < 3; ++i) d += (c[0][i] - c[1][i]) * (c[0][i] - c[1][i]);
            near += d < (a == b + 1 ? 80 * 80 : 12 * 12);
        }
    return near != 0;
}
END
try "colours of classes: compiled" linked "$out/colours" "$out/colours.c"
try "colours of classes: far from each other" "$out/colours"
pages="parts objects patches labels"
for p in $pages; do
    page=$out/$p/report.html
    check "$p: whole" grep -q '</html>' "$page"
    check "$p: no script" \
        [ -z "$(sed 's/"[^"]*"//g' "$page" | grep -ioE '<script|javascript:|<[^>]* on[a-z]+=')" ]
    check "$p: nothing from outside" [ -z "$(grep -oE '(src|href)="[^d#]|url\(|@import' "$page")" ]
    check "$p: every image has an alt text" \
        [ "$(grep -o '<img ' "$page" | wc -l)" -eq "$(grep -o ' alt="[^"]' "$page" | wc -l)" ]
    for word in commit compiler CPU 'weights hash' isa seconds 'wall time'; do
        check "$p: says $word" grep -q "<dt>$word" "$page"
    done
done
check "names are escaped" grep -q '&lt;img src=x onerror=alert(2)&gt;' "$out/objects/report.html"
check "84 neighbours: the paper's canvas of 605 x 605" \
    [ "$(od -An -j16 -N8 -tu1 "$out/patches/0_24_cls.png" | tr -s ' ')" = " 0 0 2 93 0 0 2 93" ]
check "a sheet for each query and feature" [ "$(find "$out/patches" -name '*.png' | wc -l)" -eq 4 ]

pages="$pages paper"

chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
[ -n "$chromium" ] || { skip "no chromium"; finish; }
look() # picture width height page options...
{
    picture=$1 width=$2 height=$3 page=$4
    shift 4
    "$chromium" --headless --no-sandbox --disable-gpu --hide-scrollbars --no-first-run \
        --user-data-dir="$out/profile" --proxy-server=127.0.0.1:9 --proxy-bypass-list= \
        --enable-logging=stderr --v=0 --window-size="$width,$height" "$@" \
        --screenshot="$out/$picture.png" "file://$(pwd)/$page" >"$out/log" 2>&1
}
cat >"$out/ask" <<'END'
<script>
console.log("asked");
const root = document.documentElement;
document.title = "too wide by " + (root.scrollWidth - root.clientWidth) + " undecoded " +
    [...document.images].filter(i => !i.complete || !i.naturalWidth).length;
</script>
END
cp "$out/ask" "$out/probe.html"
look probe 400 400 "$out/probe.html"
check "the console is heard" grep -q 'CONSOLE.*asked' "$out/log"
for p in $pages; do
    page=$out/$p/report.html
    look "$p-wide" 1200 2400 "$page"
    check "$p: opens" [ -s "$out/$p-wide.png" ]
    check "$p: no line in the console" [ -z "$(grep 'CONSOLE' "$out/log")" ]
    look "$p-phone" 390 3000 "$page"
    look "$p-dark" 1200 2400 "$page" --blink-settings=preferredColorScheme=0
    check "$p: dark is another picture" [ "$(cmp -s "$out/$p-wide.png" "$out/$p-dark.png";
        echo $?)" -eq 1 ]
    # how it is laid out, measured by the browser itself on a copy that asks
    sed "/<\/body>/r $out/ask" "$page" >"$out/probe.html"
    "$chromium" --headless --no-sandbox --disable-gpu --no-first-run --window-size=500,3000 \
        --user-data-dir="$out/profile" --dump-dom "file://$(pwd)/$out/probe.html" 2>/dev/null |
        grep -o '<title>[^<]*' | head -n 1 >"$out/probe"
    check "$p: no wider than the window, every image decoded: $(cat "$out/probe")" \
        [ "$(cat "$out/probe")" = "<title>too wide by 0 undecoded 0" ]
done
look patches-click 1200 2400 "$out/patches/report.html#q0-8"
check "a window of patch_search answers to its link" \
    [ "$(cmp -s "$out/patches-click.png" "$out/patches-wide.png"; echo $?)" -eq 1 ]
rm -rf "$out/profile" "$out/probe.html" "$out/probe.png" "$out/log" "$out/probe" "$out/ask"

if [ -f "$shared/weights/deit_tiny_patch16_224.pth" ]; then
    "$bin/part_retrieval" --root "$shared/data/cub" --limit 60 --quiet --cache "$out/cache" \
        --weights "$shared/weights/deit_tiny_patch16_224.pth" --report "$out/cub" >/dev/null 2>&1
    look cub-wide 1200 3000 "$out/cub/report.html"
    check "real birds: opens" [ -s "$out/cub-wide.png" ]
    check "real birds: the paper's table" \
        grep -q '<td>DINO</td><td>48.9</td>' "$out/cub/report.html"
    rm -rf "$out/profile" "$out/log"
else
    skip "real birds: no $shared"
fi
finish
