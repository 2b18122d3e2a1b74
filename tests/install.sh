#!/bin/sh
# make install, uninstall and dist, and a small project that takes the header each way: copied,
# through pkg-config, through CMake; in C and C++. Man pages and completion against --help.
# Run after make examples. Last line: install: N passed, N failed, N skipped.
. "$(dirname "$0")/t.sh"
out=$(cd "$out" && pwd)
make_it() { ${MAKE:-make} -s B="$b" CC="$cc" CXX="$cxx" "$@"; }

programs=
for f in examples/*.c; do
    program=${f##*/}
    program=${program%.c}
    [ -x "$b/examples/$program" ] && programs="$programs $program"
done
if [ -z "$programs" ]; then
    skip "no example is built"
    finish
fi
built=
for program in $programs; do built="$built $b/examples/$program"; done

# Into a folder, and into a staging folder, which no file may name.
prefix=$out/prefix
try "make install" make_it install PREFIX="$prefix" PROGRAMS="$built"
try "make install with DESTDIR" make_it install PREFIX=/usr DESTDIR="$out/stage" PROGRAMS=
try "the staging folder is named nowhere" sh -c "! grep -rl '$out' '$out/stage'"
try "header is the same" cmp partaware.h "$prefix/include/partaware.h"
try "a relative PREFIX is refused" sh -c "! make -s B='$b' install PREFIX=x PROGRAMS="
version=$(sed -n '1s/.* - v\([0-9.]*\) - .*/\1/p' partaware.h)
number=$(sed -n 's/^#define PAW_VERSION //p' partaware.h)
try "versions agree" [ "$version" = \
    "$((number / 10000)).$((number / 100 % 100)).$((number % 100))" ]

# A project of three lines, in C and in C++.
mkdir -p "$out/use"
cat >"$out/use/main.c" <<END
#define PARTAWARE_IMPLEMENTATION
#include "partaware.h"
int main(void) { paw_ctx *c; return paw_create(NULL, &c) ? 1 : (paw_destroy(c), 0); }
END
cp "$out/use/main.c" "$out/use/main.cc"
mains="main.c main.cc" languages="C CXX"
if ! have "${cxx%% *}"; then
    skip "C++: no $cxx"
    mains=main.c languages=C
fi
uses() # what files compile-command...: in use/
{
    what=$1 files=$2
    shift 2
    for f in $files; do
        case $f in *.c) compiler="$cc -std=c99" ;; *) compiler="$cxx -std=c++11" ;; esac
        rm -f "$out/use/app"
        try "$what, $f" sh -c "cd '$out/use' && $compiler -O0 -o app $f $*"
        try "$what, $f runs" "$out/use/app"
    done
}
cp partaware.h "$out/use/"
uses "copied header" "$mains" "$(pkg-config --cflags sleef 2>/dev/null) \
    $(pkg-config --libs sleef 2>/dev/null || echo -lsleef) -lm -lpthread"
rm "$out/use/partaware.h"
if have pkg-config; then
    PKG_CONFIG_PATH=$prefix/share/pkgconfig
    export PKG_CONFIG_PATH
    try "pkg-config --modversion" [ "$(pkg-config --modversion partaware)" = "$version" ]
    uses "pkg-config" "$mains" "$(pkg-config --cflags --libs partaware)"
    try "make install without SLEEF" make_it install PREFIX="$out/bare" PROGRAMS= \
        CPPFLAGS=-DPAW_NO_SLEEF
    flags=$(PKG_CONFIG_PATH=$out/bare/share/pkgconfig pkg-config --cflags --libs partaware)
    try "pkg-config without SLEEF" sh -c "case '$flags' in *lsleef*) exit 1 ;; esac"
    uses "pkg-config without SLEEF" main.c "$flags"
else
    skip "no pkg-config"
fi
if have cmake; then
    for language in $languages; do
        suffix=$([ $language = C ] && echo c || echo cc)
        mkdir -p "$out/cmake.$language"
        cat >"$out/cmake.$language/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.13)
project(app LANGUAGES $language)
find_package(partaware ${version%.*} REQUIRED)
add_executable(app ../use/main.$suffix)
target_link_libraries(app partaware::partaware)
END
        try "cmake $language" env CC="$cc" CXX="$cxx" cmake -S "$out/cmake.$language" \
            -B "$out/cmake.$language/build" -DCMAKE_PREFIX_PATH="$prefix"
        try "cmake $language builds" cmake --build "$out/cmake.$language/build"
        try "cmake $language runs" "$out/cmake.$language/build/app"
    done
    mkdir "$out/refused"
    sed 's/partaware 0[.0-9]*/partaware 99/' "$out/cmake.C/CMakeLists.txt" \
        >"$out/refused/CMakeLists.txt"
    try "cmake refuses another major version" sh -c "CC='$cc' cmake -S '$out/refused' \
        -B '$out/refused/build' -DCMAKE_PREFIX_PATH='$prefix' >'$out/refused/log' 2>&1 && exit 1
        grep -q 'version: $version' '$out/refused/log'"
else
    skip "no cmake"
fi

# Man pages: every option of --help, and clean (the one finding that stays: no date, so that the
# same sources give the same bytes).
for program in $programs; do
    name=partaware-$program
    page=$prefix/share/man/man1/$name.1
    bash=$prefix/share/bash-completion/completions/$name
    "$prefix/bin/$name" --help >"$out/help"
    try "$name --help: its name" grep -q "^usage: $name " "$out/help"
    sed -n 's/^  \(--[a-z0-9-]*\).*/\1/p' "$out/help" >"$out/options"
    try "$name --help: options" [ "$(wc -l <"$out/options")" -gt 10 ]
    while read -r option; do
        escaped=$(echo "$option" | sed 's/-/\\\\-/g')
        grep -q "fB$escaped" "$page" || echo "man: $option"
        grep -q -e "[' ]$option[' ]" "$bash" || echo "completion: $option"
    done <"$out/options" >"$out/missing"
    try "$name: option missing" sh -c "cat '$out/missing'; [ ! -s '$out/missing' ]"
    if have groff; then
        groff -man -ww -Tutf8 -z "$page" >"$out/found" 2>&1
        try "$name: groff" sh -c "cat '$out/found'; [ ! -s '$out/found' ]"
    fi
    if have mandoc; then
        mandoc -T lint -W warning "$page" | grep -v 'missing date' >"$out/found"
        try "$name: mandoc" sh -c "cat '$out/found'; [ ! -s '$out/found' ]"
    fi
    have bash && try "$name: completion parses" bash -n "$bash"
done
have groff || skip "no groff: man pages not checked by it"
have mandoc || skip "no mandoc: man pages not checked by it"

completes() # want word...: the last word is completed
{
    want=$1
    shift
    got=$(cd "$out/words" && bash -c '. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        _partaware_embed; printf "%s\n" "${COMPREPLY[@]}"' \
        "$prefix/share/bash-completion/completions/partaware-embed" "$@" 2>/dev/null |
        sort | tr '\n' ' ')
    try "completion of '$*' is '$got'" [ "$got" = "$want " ]
}
if have bash && [ -x "$prefix/bin/partaware-embed" ]; then
    mkdir -p "$out/words/folder"
    touch "$out/words/two words.pth"
    completes "--recipe" embed --rec
    completes "deit dino" embed --recipe d
    completes "mae mocov3" embed --quiet --recipe = m
    completes "cls,mean" embed --save cls,me
    completes "two words.pth" embed --weights tw
    completes "folder two words.pth" embed --images folder ""
    completes "--weights" embed --images folder --we
    completes "--stats" embed --quiet --st
    completes "folder" embed --out ""
    completes "" embed --batch 3
else
    skip "completion: no bash, or no embed"
fi

# paper runs the programs that were installed with it, whatever else PATH has of their names.
weights=$shared/weights/deit_tiny_patch16_224.pth
if [ -x "$prefix/bin/partaware-paper" ] && [ -f "$weights" ]; then
    mkdir -p "$out/path" "$out/nothing"
    for program in segmentation partaware-segmentation; do
        printf '#!/bin/sh\necho another >&2\nexit 9\n' >"$out/path/$program"
        chmod +x "$out/path/$program"
    done
    printf 'method.deit = %s\ndata.lip19 = %s\n' "$weights" "$out/nothing" >"$out/config"
    for paper in "$prefix/bin/partaware-paper" partaware-paper; do
        ends 1 "$paper" env PATH="$out/path:$prefix/bin:$PATH" "$paper" --config "$out/config" \
            --out "$out/paper" --dry-run --csv
        check "$paper: segmentation ran" grep -q '5/LIP-19/mIoU/deit.*exit 3: .*nothing' "$out/log"
    done
else
    skip "partaware-paper: not built, or no $weights"
fi

try "make uninstall" make_it uninstall PREFIX="$prefix"
find "$prefix" -type f >"$out/found"
try "make uninstall leaves files" sh -c "cat '$out/found'; [ ! -s '$out/found' ]"

# A release: the same bytes each time, and complete enough to install from.
if [ -e .git ] && have git; then
    archive=partaware-$version
    for i in 1 2; do
        try "make dist" make_it dist B="$out/dist"
        mv "$out/dist/$archive.tar.gz" "$out/dist/$i.tar.gz"
    done
    try "make dist gives the same bytes" cmp "$out/dist/1.tar.gz" "$out/dist/2.tar.gz"
    try "release unpacks" tar -xzf "$out/dist/1.tar.gz" -C "$out/dist"
    git ls-files | sort >"$out/tracked"
    (cd "$out/dist/$archive" && find . -type f | sed 's,^\./,,' | sort) >"$out/released"
    if [ -z "$(git diff HEAD --name-only)" ]; then
        try "release is complete" cmp "$out/tracked" "$out/released"
    else
        skip "release is complete: the checkout has changes that are not committed"
    fi
    try "release installs" make -s -C "$out/dist/$archive" install \
        PREFIX="$out/released.prefix" PROGRAMS=
else
    skip "make dist: not a git checkout"
fi

finish
