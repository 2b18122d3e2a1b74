#!/bin/sh
# Compiles tests/include/ in every way a user may: C99 to C++20, one file or two, static, each
# feature off, always with warnings as errors; all give the same class token. Then looks at the
# symbols of what make compiled. Run after make examples.
# Last line: include: N passed, N failed, N skipped.
. "$(dirname "$0")/t.sh"
dir=tests/include

warn="-Wall -Wextra -Wpedantic -Wshadow -Wundef -Wconversion -Wsign-conversion -Wcast-align
    -Wcast-qual -Wpointer-arith -Wwrite-strings -Wvla -Wdouble-promotion -Wimplicit-fallthrough
    -Werror"
cwarn="$warn -Wstrict-prototypes -Wmissing-prototypes"
gccwarn="-Wc++-compat" # a warning of gcc's C only
cxxwarn="-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Werror"

none() # what file: passes where the file is empty, else shows it
{
    cp "$2" "$out/found"
    try "$1" sh -c "cat '$out/found'; test ! -s '$out/found'"
}
answers() # program: its class token, to the bit, is that of the first
{
    rm -f "$out/log"
    "$1" >"$out/said" 2>"$out/err" || return
    [ -f "$out/first" ] || cp "$out/said" "$out/first"
    grep -q 0x "$out/first" && cmp -s "$out/said" "$out/first"
}

# Optimisation proves nothing here, nor do objects of every standard: make matrix runs those.
c_compiler() # compiler extra-warnings
{
    for f in alone twice implementation user static_a static_b; do
        try "$1 $f.c" $1 -std=c99 $common $cwarn $2 -c -o "$out/$f.o" $dir/$f.c
    done
    try "$1 two static" $1 -o "$out/static" "$out/static_a.o" "$out/static_b.o" $libs
    try "$1 two static run" "$out/static"
    try "$1 included twice" $1 -o "$out/twice" "$out/twice.o" $libs
    try "$1 included twice run" "$out/twice"
    try "$1 two files" $1 -o "$out/two" "$out/implementation.o" "$out/user.o" $libs
    check "$1 two files: class token" answers "$out/two"
    for std in c11 c17; do
        for f in alone implementation user; do
            try "$1 -std=$std $f.c" $1 -std=$std $common $cwarn $2 -fsyntax-only $dir/$f.c
        done
    done
}
cxx_compiler() # compiler: the C files as C++ too, and objects of both languages together
{
    for f in implementation.c static_b.c cxx.cc; do
        try "$1 $f" $1 -std=c++11 -x c++ $common $cxxwarn -c -o "$out/${f%.c*}.oo" $dir/$f
    done
    try "$1 cxx.cc" $1 -o "$out/cxx" "$out/cxx.oo" $libs
    try "$1 cxx.cc run" "$out/cxx"
    try "$1 with a C user" $1 -o "$out/mixed" "$out/implementation.oo" "$out/user.o" $libs
    check "$1 with a C user: class token" answers "$out/mixed"
    for std in c++11 c++17 c++20; do
        for f in alone implementation user; do
            try "$1 -std=$std $f.c" $1 -std=$std -x c++ $common $cxxwarn -fsyntax-only $dir/$f.c
        done
    done
}
feature() # macro undefined-symbols-that-must-go [libs]: the feature off, alone
{
    o=$out/$1.o
    try "$1" $cc -std=c99 $common $cwarn -D$1 -c -o "$o" $dir/implementation.c
    try "$1 links" $cc -o "$out/$1" "$o" "$out/user.o" $3
    check "$1: class token" answers "$out/$1"
    nm "$o" | awk '{ print $NF }' | grep -E "$2" >"$out/left"
    none "$1 leaves symbols" "$out/left"
}

case $($cc --version 2>/dev/null) in
    *clang*) c_compiler "$cc" "" ;;
    *) c_compiler "$cc" "$gccwarn" ;;
esac
if ! $cc --version 2>/dev/null | grep -q clang; then
    if command -v clang >/dev/null; then c_compiler clang ""; else skip "no clang"; fi
fi
for cxx in g++ clang++; do
    if command -v $cxx >/dev/null; then cxx_compiler $cxx; else skip "no $cxx"; fi
done

feature PAW_NO_SLEEF '^Sleef_' "-lm -lpthread"
feature PAW_NO_STB '^stbi_' "$libs"
feature PAW_NO_THREADS '^pthread_|^sysconf$' "$libs"
feature PAW_NO_GETENV '^getenv$' "$libs"
try "all features off" $cc -std=c99 $common $cwarn -DPAW_NO_SLEEF -DPAW_NO_STB -DPAW_NO_THREADS \
    -DPAW_NO_GETENV -c -o "$out/bare.o" $dir/implementation.c

# Found by its own path, with no -I.
try "relative path" $cc $(pkg-config --cflags sleef stb 2>/dev/null) -fsyntax-only \
    $dir/relative.c

# Declarations need <stddef.h> and <stdint.h> only.
$cc -M $common $dir/alone.c | tr ' \\' '\n\n' |
    grep -E '/(stdio|stdlib|string|math|pthread|immintrin|arm_neon|sleef)\.h$' >"$out/headers"
none "declarations include system headers" "$out/headers"

# Symbols: nothing but paw_ outside, nothing writable but the dispatch pointer and the allocator
# that a thread lends stb_image while it decodes (whose hooks take no user pointer; it has switches
# of its own, which stay at their defaults, and the text of a PNG error), nothing called that
# prints, exits or reads the locale.
object=$b/partaware.o
[ -f "$object" ] || { skip "symbols: $object is not built"; finish; }
nm -g --defined-only "$object" | awk '$3 !~ /^paw_[a-z]/ { print $3 }' >"$out/extern"
none "symbols outside paw_" "$out/extern"
nm "$object" | awk '$2 == "T" && $3 ~ /^paw__/ { print $3 }' >"$out/private"
none "private symbols exported" "$out/private"
objdump -t "$object" |
    awk 'NF > 3 && ($(NF - 2) ~ /^\.(data|bss|tbss|tdata)/ || $(NF - 2) == "*COM*") &&
        $(NF - 2) !~ /^\.data\.rel\.ro/ && $(NF - 1) !~ /^0+$/ { print $NF }' |
    grep -vE '^(paw__ops_active|paw__stb|stbi_.*|invalid_chunk.*)$' >"$out/writable"
none "writable data" "$out/writable"
calls='_?exit|abort|v?f?printf|puts|putchar|perror|setlocale|strto(d|f|ld)|ato[fil]|rand'
calls="$calls|(__isoc99_)?v?f?s?scanf|__v?f?printf_chk"
nm -u "$object" | awk '{ print $2 }' | grep -E "^($calls)\$" >"$out/calls"
none "calls that a library must not make" "$out/calls"

finish
