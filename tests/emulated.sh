#!/bin/sh
# tests/kernels on instructions that this CPU may lack: NEON and its bf16 products under qemu, and
# the kernels around AVX-512's bf16 product with that instruction spelled out in AVX-512F.
# Last line: emulated: N passed, N failed, N skipped.
. "$(dirname "$0")/t.sh"
flags="-std=c99 -O1 -I. ${CPPFLAGS:-} $(pkg-config --cflags stb 2>/dev/null) -DPAW_NO_SLEEF"

# Counts what the program counted; a program that did not end is one failure.
count() # name command...
{
    name=$1
    shift
    "$@" >"$out/$name.log" 2>&1
    line=$(grep -E '^kernels: [0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$out/$name.log")
    if [ -z "$line" ]; then
        failed=$((failed + 1))
        echo "FAIL emulated: $name did not end"
        tail -n 5 "$out/$name.log"
        return
    fi
    # shellcheck disable=SC2086
    set -- $line
    passed=$((passed + $2))
    failed=$((failed + $4))
    [ "$4" -eq 0 ] || grep FAIL "$out/$name.log" | head -n 8
}
build() # name compiler flags...
{
    name=$1 compiler=$2
    shift 2
    # shellcheck disable=SC2086
    $compiler $flags "$@" -o "$out/$name" tests/kernels.c -lm -lpthread >"$out/$name.log" 2>&1 &&
        return
    failed=$((failed + 1))
    echo "FAIL emulated: $name does not compile"
    head -n 8 "$out/$name.log"
    return 1
}

case $(uname -m) in
    x86_64)
        if grep -q avx512f /proc/cpuinfo 2>/dev/null; then
            build dots "${CC:-cc}" -DPAW__SOFT_DOTS && count dots "$out/dots" bf16
        else skip "no AVX-512"; fi ;;
    *) skip "AVX-512 kernels: not x86-64" ;;
esac
if have aarch64-linux-gnu-gcc && have qemu-aarch64; then
    if build neon aarch64-linux-gnu-gcc; then
        arm="qemu-aarch64 -L /usr/aarch64-linux-gnu"
        # shellcheck disable=SC2086
        count bf16 $arm -cpu max "$out/neon" bf16
        # shellcheck disable=SC2086
        count neon $arm -cpu cortex-a72 "$out/neon"
    fi
else skip "NEON: aarch64-linux-gnu-gcc or qemu-aarch64 missing"; fi
finish
