#!/bin/sh
# README.md and the manual in partaware.h, executed: commands in sh blocks and indented ones are
# run, the C of both is compiled, and every program, option and make target that README names
# exists. A block that cannot run here stands under a comment "skipped: why" and is counted as
# skipped.
# Run after make examples. Last line: readme: N passed, N failed, N skipped.
. "$(dirname "$0")/t.sh"
out=$(cd "$out" && pwd)

# Commands of sh blocks, one a line; installations go below DESTDIR, whatever their PREFIX.
awk -v out="$out" '
    /^```/ { if (inside) { close(file); inside = 0; why = "" }
             else { inside = 1; kind = substr($0, 4); ++n
                    file = out "/block" n "." (kind == "" ? "none" : kind)
                    printf "%s\t%s\n", file, why
                    printf "" >file }
             next }
    inside { print >file; next }
    /^<!-- skipped: .* -->$/ { why = substr($0, 15, length($0) - 18); next }
    /./ { why = "" }' README.md >"$out/blocks"
try "README.md has sh blocks" grep -q '\.sh' "$out/blocks"
try "README.md has C blocks" grep -q '\.c' "$out/blocks"
try "a block of no language" sh -c "! grep '\.none' '$out/blocks'"
while IFS="$(printf '\t')" read -r file why; do
    case $file in
        *.sh)
            sed "s/[ ]*#.*//; s,build/,$b/,g" "$file" | grep . >"$file.lines"
            while read -r line; do
                if [ "$line" = "make test" ]; then
                    skip "$line: this test is part of it"
                elif [ -n "$why" ]; then
                    skip "$line: $why"
                else
                    try "$line" env MAKEFLAGS="-s B=$b DESTDIR=$out/stage" sh -c "$line" </dev/null
                fi
            done <"$file.lines"
            ;;
        *.c)
            # as its first line says, beside a copy of the header
            mkdir -p "$out/app"
            cp partaware.h "$out/app/"
            cp "$file" "$out/app/app.c"
            command=$(sed -n '1s/.*: \(cc .*\) \*\/$/\1/p' "$file")
            try "C of README.md: the command in its first line" [ -n "$command" ]
            try "C of README.md: $command" sh -c "cd '$out/app' && $command"
            if grep -q paw_model_load "$file"; then
                try "C of README.md names the file that is missing" sh -c "cd '$out/app' &&
                    ./a.out >said; [ \$? -eq 1 ] && grep -q mae_pretrain_vit_base.pth said"
            else
                try "C of README.md: a head of six rows" sh -c "cd '$out/app' &&
                    [ \"\$(./a.out)\" = bird ]"
            fi
            ;;
    esac
done <"$out/blocks"

# The manual's first snippet, inside a function.
{
    echo '#include <stdio.h>'
    sed -n '/Do this in one C file/,/Licence:/p' partaware.h | sed -n 's/^       //p' |
        awk '{ print } /#include/ { print "int main(void)\n{" } END { print "    return 0;\n}" }'
} >"$out/manual.c"
try "manual's snippet" sh -c "grep -q paw_embed '$out/manual.c' &&
    $cc -std=c99 -O0 $common -c -o '$out/manual.o' '$out/manual.c'"

# README.md's row for an encoder of one's own, in a copy of the header.
row=$(grep '^    {"visual\.", ' README.md)
mkdir -p "$out/own"
cat >"$out/own/own.c" <<'END'
/* Without argument: writes a DeiT with "visual." instead of "model.". Then loads it. */
#define PARTAWARE_IMPLEMENTATION
#include "partaware.h"
int main(int argc, char **argv)
{
    paw_random_spec spec = { 0 };
    paw_tensor_view views[200];
    paw_tensors *t;
    paw_model *m;
    paw_ctx *c;
    size_t i;
    spec.recipe = PAW_DEIT, spec.image_px = 32, spec.patch_px = 16, spec.dim = 64, spec.depth = 2;
    if (paw_create(NULL, &c) || paw_tensors_random(c, &spec, &t)) return 1;
    for (i = 0; argc == 1 && i < paw_tensors_count(t); ++i) {
        paw_tensor_info info;
        float *x;
        char *name;
        paw_tensors_info(t, i, &info);
        x = malloc(4 * info.count), name = malloc(strlen(info.name) + 2);
        sprintf(name, "visual.%s", info.name + strlen("model."));
        if (paw_tensors_read(c, t, i, PAW_F32, x, info.count)) return 2;
        views[i].name = name, views[i].ndim = info.ndim, views[i].data = x;
        views[i].shape = memcpy(malloc(sizeof info.shape), info.shape, sizeof info.shape);
    }
    if (i && paw_safetensors_save(c, "own.safetensors", views, i, NULL)) return 3;
    (void)argv;
    if (paw_model_load(c, "own.safetensors", NULL, &m)) return puts(paw_message(c)), 4;
    return 0;
}
END
own() # header's folder, words
{
    (cd "$out/own" && $cc -std=c99 -O0 -I "$1" ${CPPFLAGS:-} \
        $(pkg-config --cflags sleef stb 2>/dev/null) -o own own.c $libs && shift && ./own "$@")
}
try "README.md has a row for an encoder of one's own" [ -n "$row" ]
quietly own "$(pwd)"
check "an encoder of one's own: refused without the row" [ $? -eq 4 ]
check "an encoder of one's own: why" grep -q 'none of the known prefixes' "$out/log"
awk -v row="$row" '{ print } /paw__containers\[\] = /{ print row }' partaware.h \
    >"$out/own/partaware.h"
try "an encoder of one's own: loads with the row" own . read

# Indented commands: on the demo's creatures with random weights where they say CUB and W.
sed -n 's/^    //p' README.md | sed -E 's,^mpirun -n [0-9]+ build/mpi/examples/,,' >"$out/indented"
ran=0
while read -r line; do
    [ -x "$b/examples/${line%% *}" ] || continue
    case $line in
        *deit_tiny_patch16_224.pth*)
            if [ ! -d "$shared/weights" ]; then
                skip "$line: no checkpoint here"
                continue
            fi
            ;;
    esac
    real=$(echo "$line" | sed "s,--root CUB,--root $b/demo/creatures --parts all,
        s,--weights W,--random deit_tiny,; s,deit_tiny_patch16_224.pth,$shared/weights/&,
        s,imagenet_s --labels ,$shared/data/imagenet_s --labels $shared/data/imagenet_s/,")
    case $line in
        *--shard* | *--merge*) real="$real --cache $out/shards" ;;
        part_retrieval*) real="$real --cache $out/cache" ;;
    esac
    try "$line" sh -c "$b/examples/$real --quiet" </dev/null
    ran=$((ran + 1))
done <"$out/indented"
try "README.md has indented commands" [ $ran -gt 4 ]

# Names: make targets, programs and their options, in code spans and indented commands.
make help | awk '{ print $1 }' >"$out/targets"
{
    grep -o '`[^`]*`' README.md | tr -d '`'
    sed -n 's/^    //p' README.md
} | sed -E 's,^mpirun( -n [0-9]+)? ,,; s,^build/(mpi/)?(examples|bench)/,,' >"$out/spans"
while read -r first second rest; do
    [ "$first" = make ] || continue
    try "make $second" grep -qx -- "$second" "$out/targets"
done <"$out/spans"
for target in $(sed -n '/>>manual ====/,/>>config ====/p' partaware.h | grep -oE 'make [a-z]+' |
    cut -c 6-); do
    try "make $target of the manual" grep -qx -- "$target" "$out/targets"
done
seen=0
while read -r line; do
    program=${line%% *}
    [ "$program" != "$line" ] || continue
    command=
    for folder in examples bench; do
        [ -f "$folder/$program.c" ] && command=$b/$folder/$program
    done
    [ -n "$command" ] || continue
    if [ ! -x "$command" ]; then
        skip "$command is not built: $line"
        continue
    fi
    "$command" --help >"$out/help" 2>&1
    for option in $(echo "$line" | grep -oE -e '--[a-z][a-z-]*'); do
        seen=$((seen + 1))
        try "$program has no $option" grep -qE -e "^  (--[a-z]+, )?$option( |,|\$)" "$out/help"
    done
done <"$out/spans"
try "README.md shows commands" [ $seen -gt 20 ]

finish
