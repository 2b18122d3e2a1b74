#!/bin/sh
# neon_mca.sh: what LLVM's models of Arm cores say of the NEON micro-kernel, without such a machine.
# Compiles partaware.h for AArch64 with every compiler found, takes the inner loops with 24
# multiply-adds (tiles of 6 x 16) out of the assembly and lets the newest llvm-mca run them. The
# share of the FMA pipes that is busy: cycles of the loop's multiply-adds alone, over cycles of the
# whole loop. Status 1 where that is below 95 % or accumulators go to the stack; a line SKIP for
# what is not there, and status 77 where nothing could be checked.
# Run: sh tools/neon_mca.sh [--save FOLDER]      (the loops stay there)
set -u
cd "$(dirname "$0")/.." || exit 1
cores="neoverse-n1 neoverse-v1 neoverse-v2 apple-m1"
least=95 turns=1000
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ "${1:-}" = --save ] && work=${2:?folder} && trap - EXIT && mkdir -p "$work"

mca=
for candidate in $(ls -d /usr/lib/llvm-*/bin/llvm-mca 2>/dev/null | sort -t- -k2 -n -r) llvm-mca; do
    command -v "$candidate" >/dev/null 2>&1 || continue
    mca=$candidate
    break
done
[ -n "$mca" ] || { echo "SKIP no llvm-mca: apt-get install llvm"; exit 77; }
version=$($mca --version | sed -n 's/.*LLVM version \([0-9.]*\).*/\1/p')
echo "llvm-mca $version"

compile() # name: writes $work/name.s
{
    printf '#define PARTAWARE_IMPLEMENTATION\n#include "partaware.h"\n' >"$work/one.c"
    set -- "$1" -O2 -S -I. -DPAW_NO_SLEEF -DPAW_NO_STB -o "$work/$1.s" "$work/one.c"
    name=$1
    shift
    case $name in
        gcc) aarch64-linux-gnu-gcc "$@" ;;
        *) clang --target=aarch64-linux-gnu -isystem /usr/aarch64-linux-gnu/include "$@" ;;
    esac
}
# The micro-kernel's innermost loops with 24 fmla: $work/NAME.N.loop; those that widen bf16 are
# named so. It is its own function, or inlined into the one that sums over several blocks.
loops() # name
{
    awk -v to="$work/$1" '
        /^[A-Za-z_]/ { inside = /^paw__(block|sum_at)_neon/ }
        /^[A-Za-z_.0-9]+:/ { label = $1; sub(/:.*/, "", label); n = fmla = wide = 0; next }
        /^[ \t]*(\/\/|#|\.|$)/ { next }
        {
            body[n++] = $0
            fmla += $1 == "fmla" && $2 ~ /\.4s,?$/
            wide += $1 ~ /^(u|s)?shll?2?$/ || $1 ~ /^zip/
        }
        $1 ~ /^(b\.?[a-z][a-z]|cbn?z)$/ && $NF == label && fmla == 24 && inside {
            file = to "." ++loops (wide ? ".bf16" : ".f32") ".loop"
            print label ":" >file
            for (i = 0; i < n; ++i) print body[i] >file
            close(file)
        }' "$work/$1.s"
}
cycles() # core file
{
    $mca -mtriple=aarch64-linux-gnu -mcpu="$1" -iterations=$turns "$2" 2>/dev/null |
        sed -n 's/^Total Cycles: *//p'
}
checked=0 bad=0
printf '%-6s %-5s %-12s %9s %10s %8s %7s\n' compiler loop core FMA/cycle cycles/k 'busy %' spills
for name in gcc clang; do
    case $name in
        gcc) command -v aarch64-linux-gnu-gcc >/dev/null 2>&1 ;;
        *) command -v clang >/dev/null 2>&1 && [ -d /usr/aarch64-linux-gnu/include ] ;;
    esac || { echo "SKIP $name for AArch64 is not there"; continue; }
    compile "$name" || exit 1
    loops "$name"
    ls "$work/$name".*.f32.loop >/dev/null 2>&1 || {
        echo "$name: no inner loop with 24 multiply-adds: the accumulators are not in registers"
        bad=1
        continue
    }
    for loop in "$work/$name".*.loop; do
        kind=${loop%.loop} kind=${kind##*.}
        spills=$(grep -c '\[sp' "$loop")
        grep -w fmla "$loop" >"$work/fmla.s"
        for core in $cores; do
            alone=$(cycles "$core" "$work/fmla.s") whole=$(cycles "$core" "$loop")
            [ -n "$alone" ] && [ -n "$whole" ] || {
                echo "SKIP LLVM $version has no model of $core"
                continue
            }
            checked=$((checked + 1))
            awk -v a="$alone" -v w="$whole" -v n=$turns -v least=$least -v spills="$spills" \
                -v name="$name" -v kind="$kind" -v core="$core" 'BEGIN {
                    busy = 100 * a / w
                    fails = kind == "f32" && (busy < least || spills)
                    printf "%-6s %-5s %-12s %9.2f %10.2f %8.1f %7d%s\n", name, kind, core,
                           24 * n / a, w / n, busy, spills, fails ? "  FAIL" : ""
                    exit fails
                }' || bad=1
        done
    done
done
[ "$checked" -gt 0 ] || exit 77
exit $bad
