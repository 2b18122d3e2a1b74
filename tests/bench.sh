#!/bin/sh
# The benches from the outside, on their fastest rows: JSON as Google Benchmark's compare.py reads
# it, CSV, Markdown, the roofline. Run from the project's root after make benches.
# Last line: bench: N passed, N failed, N skipped.
. "$(dirname "$0")/t.sh"
fast="--repetitions 2 --min-time 0.001"
for run in "kernels --filter dot_f32/1x768" "encoder --case vitti_224"; do
    name=${run%% *}
    if [ ! -x "$b/bench/$name" ]; then
        skip "$b/bench/$name is not built"
        continue
    fi
    isa="--isa best"
    # shellcheck disable=SC2086
    "$b/bench/"$run $isa $fast --json --roofline "$out/$name.svg" >"$out/$name.json" 2>"$out/err"
    check "$name: status" [ $? -eq 0 ]
    check "$name: silent on stderr" [ ! -s "$out/err" ]
    "$b/bench/"$run $isa $fast --csv >"$out/$name.csv"
    "$b/bench/"$run $isa $fast --markdown >"$out/$name.md"
    check "$name: CSV is rectangular" awk -F '"' '
        { for (i = 2; i <= NF; i += 2) gsub(/,/, "", $i); n = gsub(/,/, ",") }
        NR == 1 { want = n } n != want { bad = 1 } END { exit bad || NR < 2 }' "$out/$name.csv"
    check "$name: Markdown is rectangular" awk -F '|' '
        /^\|/ { if (!want) want = NF; rows += 1; bad += NF != want }
        END { exit bad || rows < 3 }' "$out/$name.md"
    check "$name: a roofline file stays alone" [ ! -e "$out/$name.svg.tmp" ]
    if ! have python3; then
        skip "$name: JSON and SVG: no python3"
        continue
    fi
    check "$name: JSON is Google Benchmark's" python3 -c '
import json, sys
run = json.load(open(sys.argv[1]))
assert "date" in run["context"] and run["context"]["library_build_type"] == "release"
assert run["benchmarks"]
for row in run["benchmarks"]:
    assert row["name"] and row["run_name"] == row["name"] and row["run_type"] == "iteration"
    assert row["time_unit"] == "ns" and row["repetitions"] == 2 and row["iterations"] > 0
    assert row["real_time"] > 0 and row["cpu_time"] >= 0 and row["threads"] == 1
    assert "percent_of_peak" not in row or \
        row["percent_min"] <= row["percent_of_peak"] <= row["percent_max"]
' "$out/$name.json"
    check "$name: SVG is well-formed and says what it shows" python3 -c '
import sys
from xml.dom.minidom import parse
svg = parse(sys.argv[1]).documentElement
assert svg.tagName == "svg" and svg.getAttribute("role") == "img"
assert svg.getElementsByTagName("desc")[0].firstChild.data
marks = [p for p in svg.getElementsByTagName("path") if "mark" in p.getAttribute("class")]
assert len([g for g in svg.getElementsByTagName("g") if g.getElementsByTagName("title")]) > 0
assert len(marks) > 1 and len([p for p in svg.getElementsByTagName("path")
                               if p.getAttribute("class") == "roof"]) > 0
' "$out/$name.svg"
done
finish
