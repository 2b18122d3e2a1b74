#!/bin/sh
# coverage.sh [LINES BRANCHES]: replays tests/corpus under clang's source-based coverage and prints
# how many lines and branches of the parsers it takes, range by range; status 1 under LINES (95) or
# BRANCHES (85) per cent in all. NOT=1 lists the lines and branches that were not taken.
# The parsers are every function between the first and the last name of a row below: what bytes of a
# file reach before they are numbers, pixels or records, and all on that way that makes a decision.
# Nothing is left out: the replay fails every allocation and every read once, so that those
# branches count as well. Not parsers: what writes files, lists folders, or computes on what was
# read.
set -eu
cd "$(dirname "$0")/.."
out=${B:-build}/coverage
mkdir -p "$out"
# shellcheck disable=SC2086
${FUZZ_CC:-clang} -I. ${CPPFLAGS:-} $(pkg-config --cflags sleef stb 2>/dev/null) -O0 -g -std=c99 \
    -fprofile-instr-generate -fcoverage-mapping -o "$out/fuzz" tests/fuzz.c \
    $(pkg-config --libs sleef 2>/dev/null || echo -lsleef) -lm -lpthread
LLVM_PROFILE_FILE=$out/fuzz.raw "$out/fuzz" --runs 0
v=$(${FUZZ_CC:-clang} -dumpversion | cut -d. -f1)
command -v "llvm-cov-$v" >/dev/null 2>&1 && v=-$v || v=
"llvm-profdata$v" merge -sparse "$out/fuzz.raw" -o "$out/fuzz.data"
"llvm-cov$v" export -format=lcov -instr-profile="$out/fuzz.data" "$out/fuzz" partaware.h \
    examples/cli.h >"$out/fuzz.lcov"

cat >"$out/parsers" <<'ROWS'
partaware.h text paw__utf8 paw__one_line
partaware.h numbers paw__utf8_all paw__number
partaware.h json paw__json_fail paw__json_end
partaware.h files paw__file_open paw__in_skip
partaware.h directory paw__tensors_new paw__tensors_index
partaware.h values paw__bits_f32 paw_tensors_read
partaware.h safetensors paw__st_meta paw__st_open
partaware.h npy paw__npy_ch paw__npy_open
partaware.h zip paw__zip_fail paw__zip_open
partaware.h pickle paw__torch_fail paw__name_tensors
partaware.h torch paw__zip_byteorder paw_tensors_open_io
partaware.h jpeg paw__stb_reason paw__jpeg_decode
partaware.h png paw__crc32 paw_mask_decode
partaware.h tables paw__table_open paw__table_done
partaware.h sets paw__set_end paw__set_points_items
partaware.h cub paw__cub_image_row paw_index_cub
partaware.h coco paw__coco_fail paw__set_reorder
partaware.h poses paw__coco_pose paw_poses_load
partaware.h csv paw__csv_fail paw_index_list
examples/cli.h labels cli_text_read cli_labels_read
examples/cli.h names cli_seg_names cli_seg_names
examples/cli.h config cli_find_number cli_config_read
ROWS
awk -v least_lines="${1:-95}" -v least_branches="${2:-85}" -v not_taken="${NOT:-0}" '
    FILENAME ~ /parsers$/ { file[++rows] = $1; name[rows] = $2; first[rows] = $3; last[rows] = $4
                            next }
    /^SF:/ { source = /cli\.h$/ ? "examples/cli.h" : "partaware.h" }
    /^FN:/ { split(substr($0, 4), f, ","); sub(/.*:/, "", f[2])
             for (i = 1; i <= rows; ++i) if (file[i] == source) {
                 if (f[2] == first[i]) from[i] = f[1]
                 if (f[2] == last[i]) to[i] = f[1] }
             starts[source, ++functions[source]] = f[1] }
    /^DA:/ { split(substr($0, 4), f, ","); lines[source, f[1]] = f[2] }
    /^BRDA:/ { split(substr($0, 6), f, ",")
               key = source SUBSEP f[1]
               branches[key] = branches[key] " " f[4] }
    function per_cent(a, b) { return b ? 100 * a / b : 0 }
    function next_start(i, k, best) { # of the function behind the last of range i
        best = 1e9
        for (k = 1; k <= functions[file[i]]; ++k)
            if (starts[file[i], k] + 0 > to[i] + 0 && starts[file[i], k] + 0 < best)
                best = starts[file[i], k] + 0
        return best
    }
    END {
        printf "%-18s %6s %6s  %8s %6s\n", "parser", "lines", "%", "branches", "%"
        for (i = 1; i <= rows; ++i) {
            if (!from[i] || !to[i]) { printf "no function %s or %s\n", first[i], last[i]; bad = 1
                                      continue }
            l = lt = b = bt = 0
            end = next_start(i)
            for (n = from[i]; n < end; ++n) {
                if ((file[i], n) in lines) {
                    ++l
                    if (lines[file[i], n] > 0) ++lt
                    else if (not_taken) printf "%s:%d: line\n", file[i], n
                }
                k = split(branches[file[i], n], f, " ")
                for (j = 1; j <= k; ++j) {
                    ++b
                    if (f[j] != "-" && f[j] > 0) ++bt
                    else if (not_taken) printf "%s:%d: branch %d\n", file[i], n, j
                }
            }
            printf "%-18s %6d %6.1f  %8d %6.1f\n", name[i], l, per_cent(lt, l), b, per_cent(bt, b)
            L += l; LT += lt; B += b; BT += bt
        }
        printf "%-18s %6d %6.1f  %8d %6.1f\n", "all", L, per_cent(LT, L), B, per_cent(BT, B)
        if (per_cent(LT, L) < least_lines || per_cent(BT, B) < least_branches) {
            printf "under %d %% of lines or %d %% of branches\n", least_lines, least_branches
            bad = 1
        }
        exit bad
    }' "$out/parsers" "$out/fuzz.lcov"
