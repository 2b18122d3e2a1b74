#!/bin/sh
# The NEON micro-kernel as tools/neon_mca.sh sees it: a check a compiler, loop and core.
# Last line: neon: N passed, N failed, N skipped.
. "$(dirname "$0")/t.sh"
said=$(sh tools/neon_mca.sh 2>&1)
status=$?
printf '%s\n' "$said"
passed=$(printf '%s\n' "$said" | grep -E '^(gcc|clang) .* f32 ' | grep -vc FAIL)
failed=$(printf '%s\n' "$said" | grep -c FAIL)
skipped=$(printf '%s\n' "$said" | grep -c '^SKIP')
printf '%s\n' "$said" | sed -n 's/^SKIP /SKIP neon: /p; s/^\(.*\)  FAIL$/FAIL neon: \1/p'
if [ "$status" -ne 0 ] && [ "$status" -ne 77 ] && [ "$failed" -eq 0 ]; then
    echo "FAIL neon: status $status"
    failed=$((failed + 1))
fi
finish
