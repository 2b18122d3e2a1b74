#!/bin/sh
# Features are the same bytes on every instruction set, for every number of threads and batch size,
# from every compiler and set of flags, and on AArch64 (under qemu): examples/embed on tiny random
# models, its .npy files compared byte by byte. Run after make examples tools.
# Last line: identity: N passed, N failed, N skipped.
. "$(dirname "$0")/t.sh"

# What each recipe can give besides tokens.
saves() # recipe
{
    case $1 in
        deit) echo cls,mean,tokens,attention,logits ;;
        mocov3 | dino | ibot) echo cls,mean,tokens,attention,projected ;;
        *) echo cls,mean,tokens,attention ;;
    esac
}
recipes="deit mocov3 dino ibot beit mae cae"

# embed to folder for all recipes and inputs; the rest: command and its options
embed_all() # folder command...
{
    to=$1
    shift
    for recipe in $recipes; do
        for input in square wide; do
            mkdir -p "$to/$recipe.$input"
            "$@" --weights "$out/in/$recipe.safetensors" --recipe $recipe \
                --tensor "$out/in/$input.npy" --save "$(saves $recipe)" \
                --out "$to/$recipe.$input" >"$out/log" 2>&1 || return 1
        done
    done
    [ -n "${images:-}" ] || return 0
    mkdir -p "$to/images"
    "$@" --weights "$out/in/dino.safetensors" --recipe dino --images "$images" --save cls,tokens \
        --size 64 --out "$to/images" >"$out/log" 2>&1
}
compare() # what folder
{
    (cd "$out/reference" && find . -name '*.npy' | sort) >"$out/names"
    [ -s "$out/names" ] || { fail "$1: embed wrote no .npy"; return; }
    differ=
    while read -r f; do
        cmp -s "$out/reference/$f" "$2/$f" || differ="$differ $f"
    done <"$out/names"
    rm -f "$out/log"
    if [ -z "$differ" ]; then pass; else fail "$1: other bytes in$differ"; fi
}
same() # what command...
{
    what=$1
    shift
    rm -rf "$out/other"
    if embed_all "$out/other" "$@"; then compare "$what" "$out/other"; else fail "$what"; fi
}

[ -x "$bin/embed" ] || { skip "embed is not built"; finish; }
try "the program that writes models" linked "$out/write" tests/identity/write.c
mkdir -p "$out/in"
"$out/write" "$out/in" >"$out/log" 2>&1 || { fail "the models cannot be written"; finish; }
images=
if [ -x "${B:-build}/tools/make_creatures" ]; then
    "${B:-build}/tools/make_creatures" --out "$out/creatures" --images 6 >"$out/log" 2>&1 ||
        fail "make_creatures"
    first=$(find "$out/creatures" -type f \( -name '*.png' -o -name '*.jpg' \) | sort | head -n 1)
    [ -n "$first" ] && images=$(dirname "$first")
else
    skip "image files: no make_creatures"
fi
embed_all "$out/reference" "$bin/embed" --threads 1 --batch 1 || { fail "embed"; finish; }

for isa in $("$out/write" isas); do
    for threads in 1 2 5; do
        for batch in 1 3 16; do
            same "$isa, $threads threads, batch $batch" env PAW_ISA=$isa "$bin/embed" \
                --threads $threads --batch $batch
        done
    done
done

build() # name compiler flags...
{
    name=$1
    shift
    if "$@" $common -o "$out/$name" examples/embed.c $libs >"$out/log" 2>&1; then
        same "$name" "$out/$name" --threads 2 --batch 3
    else
        fail "$name does not compile"
    fi
}
# -O2 contracts a * b + c in GNU modes, where the machine has FMA.
build native $cc -O2 -march=native -std=gnu11
if have clang; then build clang clang -O2; else skip "no clang"; fi
if have g++; then build cxx g++ -O0 -x c++; else skip "no g++"; fi

arm=aarch64-linux-gnu-gcc
if ! have $arm || ! have qemu-aarch64; then
    skip "AArch64: no cross compiler or no qemu"
elif $arm -O2 -std=gnu11 $common -DPAW_NO_SLEEF -static -o "$out/arm" examples/embed.c -lm \
    -lpthread >"$out/log" 2>&1; then
    for isa in scalar neon; do
        same "AArch64 $isa" qemu-aarch64 -E PAW_ISA=$isa "$out/arm" --threads 2 --batch 3
    done
else
    fail "AArch64: embed.c does not compile"
fi
finish
