# t.sh: the plumbing of test scripts, sourced first: the project's root as folder, an empty folder
# $out below the build, named checks, counted; a failure shows what the command printed. Every
# script ends with finish: "NAME: N passed, N failed, N skipped".
# shellcheck shell=sh disable=SC2034
set -u
script=$(basename "$0" .sh)
cd "$(dirname "$0")/.." || exit 1
b=${B:-build}
bin=$b/examples
out=$b/check/$script
shared=${PAW_SHARED:-../shared}
cc=${CC:-cc}
cxx=${CXX:-c++}
common="-I. ${CPPFLAGS:-} $(pkg-config --cflags sleef stb 2>/dev/null)"
libs="$(pkg-config --libs sleef 2>/dev/null || echo -lsleef) -lm -lpthread"
passed=0 failed=0 skipped=0
rm -rf "$out"
mkdir -p "$out"

pass() { passed=$((passed + 1)); }
fail() # what; shows the messages of the last command
{
    failed=$((failed + 1))
    echo "FAIL $script: $1"
    for said in "$out/err" "$out/log"; do
        [ ! -s "$said" ] || head -n 12 "$said"
    done
}
skip()
{
    skipped=$((skipped + 1))
    echo "SKIP $script: $1"
}
have() { command -v "$1" >/dev/null 2>&1; }
check() # what, then a command that must succeed
{
    what=$1
    shift
    if "$@"; then pass; else fail "$what"; fi
}
try() # the same for a command that prints: shown if it fails
{
    what=$1
    shift
    check "$what" quietly "$@"
}
quietly() { "$@" >"$out/log" 2>&1; }
ends() # status what command...: with this status and no other
{
    status=$1 what=$2
    shift 2
    quietly "$@"
    got=$?
    check "$what: status $got, not $status" [ $got -eq "$status" ]
}
linked() # program source: one that uses only what is public, on the code that make compiled
{
    $cc -std=c99 -O0 $common -DPAW_NO_CODE -o "$1" "$2" "$b/partaware.o" $libs
}
until_true() # command...: within 60 s
{
    n=0
    until "$@" >/dev/null 2>&1; do
        [ $((n += 1)) -lt 1200 ] || return 1
        sleep 0.05
    done
}
finish()
{
    echo "$script: $passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ]
    exit
}
