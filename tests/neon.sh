#!/bin/sh
# The NEON micro-kernel as tools/neon_mca.sh sees it: a check a compiler, loop and core.
# Last line: neon: N passed, N failed, N skipped.
set -u
out=$(sh tools/neon_mca.sh 2>&1)
status=$?
printf '%s\n' "$out"
passed=$(printf '%s\n' "$out" | grep -E '^(gcc|clang) .* f32 ' | grep -vc FAIL)
failed=$(printf '%s\n' "$out" | grep -c FAIL)
skipped=$(printf '%s\n' "$out" | grep -c '^SKIP')
printf '%s\n' "$out" | sed -n 's/^SKIP /SKIP neon: /p; s/^\(.*\)  FAIL$/FAIL neon: \1/p'
if [ "$status" -ne 0 ] && [ "$status" -ne 77 ] && [ "$failed" -eq 0 ]; then
    echo "FAIL neon: status $status"
    failed=$((failed + 1))
fi
echo "neon: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
