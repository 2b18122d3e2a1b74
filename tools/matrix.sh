#!/bin/sh
# matrix.sh [PATTERN]: compiles tests/matrix/smoke.c with every compiler, standard, set of flags and
# machine at hand, one after the other, runs it where something can, and compares its hash of
# features with that of the first build. Prints a Markdown table; status 1 where a leg failed.
# PATTERN: only the legs whose name it matches (grep -E). CC and CPPFLAGS are those of the build.
# Not a failure: a missing compiler (skipped), and "not supported" where that is what README says.
set -u
cd "$(dirname "$0")/.." || exit 1
out=${B:-build}/matrix
rm -rf "$out"
mkdir -p "$out/include/other" "$out/x/stb"
pattern=${1:-.}
cc=${CC:-cc}
smoke=tests/matrix/smoke.c
common="-I. ${CPPFLAGS:-} $(pkg-config --cflags sleef 2>/dev/null)"
sleef=$(pkg-config --libs sleef 2>/dev/null || echo -lsleef)
end="-lm -lpthread"
# stb alone, for compilers that do not read this system's headers
stb=$(echo '#include <stb/stb_image.h>' | $cc ${CPPFLAGS:-} -E - 2>/dev/null |
    sed -n 's/^# 1 "\(.*\)\/stb_image.h".*/\1/p' | head -n 1)
for f in stb_image.h stb_image_write.h; do [ -f "$stb/$f" ] && cp "$stb/$f" "$out/x/stb/"; done
cp partaware.h "$out/include/other/vision.h"

failed=0 ran=0 others=0 reference=
row() # name result
{
    printf '| %-44s | %s\n' "$1" "$2 |"
}
fail() # name result
{
    row "$1" "FAILED: $2"
    failed=$((failed + 1))
}
wanted() { echo "$1" | grep -qE -- "$pattern" || [ -z "$reference" ]; }
first_error() { grep -m 1 -E 'error:|undefined|cannot find' "$out/log" | cut -c 1-120; }

# How the next leg runs and what it may end in; reset by leg.
run='' may=
# name compiler flags...: compiles and links at once, runs unless run is "none"
leg()
{
    name=$1
    shift
    how=$run allowed=$may
    run='' may=
    wanted "$name" || return 0
    if ! command -v "$1" >/dev/null 2>&1; then
        row "$name" "skipped: no $1"
        others=$((others + 1))
        return 0
    fi
    if [ -n "$how" ] && [ "$how" != none ] && ! command -v "${how%% *}" >/dev/null 2>&1; then
        missing=${how%% *}
        how=none
    fi
    app=$out/app
    case $1 in *mingw*) app=$app.exe ;; esac
    rm -f "$app"
    if ! "$@" -o "$app" >"$out/log" 2>&1; then
        if [ "$allowed" = "not supported" ]; then
            row "$name" "not supported: $(first_error)"
            others=$((others + 1))
        else
            fail "$name" "$(first_error)"
        fi
        return 0
    fi
    if [ "$how" = none ]; then
        row "$name" "compiled only${missing:+: no $missing}"
        missing=
        others=$((others + 1))
        return 0
    fi
    said=$($how "$app" 2>&1) || { fail "$name" "$said"; return 0; }
    said=$(echo "$said" | tail -n 1 | tr -d '\r') # wine has more to say at its first start
    : "${reference:=${said% *}}"
    if [ "${said% *}" = "$reference" ]; then
        row "$name" "ran, same bits (${said#* })"
        ran=$((ran + 1))
    else
        fail "$name" "other bits: $said, not $reference"
    fi
}
# name compiler flags of two files...
two()
{
    name=$1
    shift
    wanted "$name" || return 0
    command -v "$1" >/dev/null 2>&1 || { leg "$name" "$@"; return 0; }
    "$@" $common -c -o "$out/user.o" -DSMOKE_USER $smoke >"$out/log" 2>&1 &&
        "$@" $common -c -o "$out/code.o" tests/include/implementation.c >>"$out/log" 2>&1 ||
        { fail "$name" "$(first_error)"; return 0; }
    leg "$name" "${1}" "$out/user.o" "$out/code.o" $sleef $end
}
here() # name compiler flags...: with this system's SLEEF
{
    leg "$@" $common $smoke $sleef $end
}

row "leg ($(uname -m), $($cc --version | head -n 1))" "result"
row "---" "---"
here "$cc -O0" $cc -std=c99 -O0
printf '#include "partaware.h"\n' | $cc $common -E - >/dev/null 2>&1 || exit 1

for level in -O1 -O2 -O3 -Os; do here "$cc $level" $cc -std=c99 $level; done
here "$cc -O2 -flto" $cc -std=c99 -O2 -flto
here "$cc -O3 -march=native" $cc -std=gnu11 -O3 -march=native
if [ "$(uname -m)" = x86_64 ]; then here "$cc -O1 -mno-avx" $cc -std=c99 -O1 -mno-avx; fi
for std in c99 gnu99 c11 c17; do here "$cc -std=$std" $cc -O0 -std=$std; done
cxx=${CXX:-c++}
for std in c++11 c++17 c++20; do here "$cxx -std=$std" $cxx -x c++ -O0 -std=$std; done
for compiler in gcc-11 gcc-12 gcc-13 gcc-14 gcc-15 clang-14 clang-16 clang-19 clang-22; do
    here "$compiler -O1" $compiler -std=c99 -O1
done
for level in -O0 -O2 -O3 -Os; do here "clang $level" clang -std=c99 $level; done
here "clang -O1 -march=native" clang -std=gnu11 -O1 -march=native
for std in c++11 c++20; do here "clang++ -std=$std" clang++ -x c++ -O0 -std=$std; done

leg "PAW_NO_SLEEF" $cc -std=c99 -O0 -DPAW_NO_SLEEF $common $smoke $end
here "PAW_NO_STB" $cc -std=c99 -O0 -DPAW_NO_STB
leg "PAW_NO_THREADS, no -lpthread" $cc -std=c99 -O0 -DPAW_NO_THREADS $common $smoke $sleef -lm
here "PAW_NO_GETENV" $cc -std=c99 -O0 -DPAW_NO_GETENV
here "PARTAWARE_STATIC" $cc -std=c99 -O0 -DPARTAWARE_STATIC
two "two files" $cc -std=c99 -O0
two "two files, clang" clang -std=c99 -O0
here "included before and after" $cc -std=c99 -O0 -DSMOKE_TWICE
here "under another path" $cc -std=c99 -O0 -I"$out/include" \
    -DSMOKE_HEADER='"other/vision.h"' -DPAW_SELF='"other/vision.h"'

# 32 bits: x87 arithmetic is refused, so the -msse2 that every x86-64 has.
m32="-m32 -msse2 -mfpmath=sse -idirafter /usr/include/$(uname -m)-linux-gnu -DPAW_NO_SLEEF"
if [ "$(uname -m)" = x86_64 ]; then
    if echo 'int main(void) { return 0; }' | $cc -m32 -x c -o "$out/app" - >/dev/null 2>&1; then
        leg "$cc -m32 -msse2" $cc -std=c99 -O1 $m32 $common $smoke $end
        may="not supported"
        leg "$cc -m32 (x87)" $cc -std=c99 -O1 -m32 -DPAW_NO_SLEEF \
            -idirafter "/usr/include/$(uname -m)-linux-gnu" $common $smoke $end
    else
        row "$cc -m32" "skipped: no 32-bit C library"
    fi
fi
far="-I. -I$out/x -DPAW_NO_SLEEF -static"
run=qemu-aarch64
leg "aarch64, gcc, -std=gnu99" aarch64-linux-gnu-gcc -std=gnu99 -O1 $far $smoke $end
run=qemu-arm
leg "armhf, gcc, -std=gnu99" arm-linux-gnueabihf-gcc -std=gnu99 -O1 $far $smoke $end
run=qemu-riscv64
leg "riscv64, gcc, -std=gnu99" riscv64-linux-gnu-gcc -std=gnu99 -O1 $far $smoke $end
leg "musl, gcc" musl-gcc -std=c99 -O1 $far $smoke $end
mingw=x86_64-w64-mingw32-gcc
export WINEPREFIX="$PWD/$out/wine" WINEDEBUG=-all
for level in -O0 -O2; do
    run=wine
    leg "Windows, mingw-w64 $level" $mingw -std=c99 $level $far $smoke $end
done

# The programs but paper, which forks: part_retrieval prints what it prints here, again from its
# cache too, and embed writes the same bytes.
retrieve() # folder command...
{
    to=$1
    shift
    for result in first again; do
        "$@" --root "$out/creatures" --parts all --random deit_tiny --json --quiet \
            --cache "$to/cache" >"$to/json" || return
        tr -d '\r' <"$to/json" | grep -v '"seconds":' >"$to/$result"
        cmp "$here/first" "$to/$result" || return
    done
}
programs()
{
    mkdir -p "$here" "$there"
    $cc -std=c99 -O1 $common -DPARTAWARE_IMPLEMENTATION -x c -c -o "$here/code.o" partaware.h &&
        $mingw -std=c99 -O1 $far -DPARTAWARE_IMPLEMENTATION -x c -c -o "$there/code.o" \
            partaware.h || return
    for f in examples/*.c; do
        program=${f##*/} program=${program%.c}
        [ "$program" = paper ] || $mingw -std=c99 -O0 $far -DPAW_NO_CODE \
            -o "$there/$program.exe" "$f" "$there/code.o" $end || return
    done
    command -v wine >/dev/null 2>&1 || return 0
    for program in embed part_retrieval; do
        $cc -std=c99 -O0 $common -DPAW_NO_CODE -o "$here/$program" examples/$program.c \
            "$here/code.o" $sleef $end || return
    done
    $cc -std=c99 -O1 -I"$out/x" -o "$here/make_creatures" tools/make_creatures.c -lm &&
        "$here/make_creatures" --out "$out/creatures" --images 4 &&
        retrieve "$here" "$here/part_retrieval" &&
        retrieve "$there" wine "$there/part_retrieval.exe" || return
    images=$(find "$out/creatures/images" -name '*.png' | head -n 1)
    set -- --random deit_tiny --images "${images%/*}" --quiet --out
    "$here/embed" "$@" "$here" && wine "$there/embed.exe" "$@" "$there" &&
        cmp "$here/cls.npy" "$there/cls.npy"
}
here=$out/here there=$out/windows name="Windows, the programs but paper"
if ! wanted "$name" || ! command -v $mingw >/dev/null 2>&1; then
    leg "$name" $mingw
elif ! programs >"$out/log" 2>&1; then
    fail "$name" "$(tail -n 1 "$out/log" | cut -c 1-120)"
elif command -v wine >/dev/null 2>&1; then
    row "$name" "ran, same JSON, same features"
    ran=$((ran + 1))
else
    row "$name" "compiled only: no wine"
    others=$((others + 1))
fi

echo
echo "matrix: $ran ran with the same bits, $failed failed, $others compiled only, not supported" \
    "or not here"
[ "$failed" -eq 0 ]
