#!/bin/sh
# Average precision of the retrieval engine against scikit-learn's, where a Python has it; else one
# check counts as skipped. Last line: sklearn: N passed, N failed, N skipped.
. "$(dirname "$0")/t.sh"
tool=$b/tools/retrieve_npy
python=
for p in python3 /usr/bin/python3; do
    "$p" -c 'import numpy, sklearn.metrics' >/dev/null 2>&1 && python=$p && break
done
if [ -z "$python" ]; then
    skip "no Python with scikit-learn (apt-get install python3-sklearn)"
    finish
fi
"$python" tools/check_retrieval.py "$tool" "$out" >"$out/log" 2>&1
status=$?
cat "$out/log"
passed=$(grep -c '^PASS ' "$out/log")
failed=$(grep -c '^FAIL ' "$out/log")
[ "$status" -eq 0 ] || [ "$failed" -gt 0 ] || failed=1
finish
