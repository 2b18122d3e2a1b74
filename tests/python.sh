#!/bin/sh
# tools/use_from_python.py: the header as a shared library, called through ctypes, gives the bytes
# of examples/embed; what its text says about NumPy runs. Skipped without python3 and NumPy.
# Last line: python: N passed, N failed, N skipped.
. "$(dirname "$0")/t.sh"

python3 -c 'import numpy' 2>/dev/null || { skip "no python3 with NumPy"; finish; }
if [ ! -x "$bin/embed" ] || [ ! -x "$b/tools/make_creatures" ]; then
    skip "embed or make_creatures is not built"
    finish
fi

tool=tools/use_from_python.py
try "shared library" $cc -std=c99 -O0 -shared -fPIC -DPARTAWARE_IMPLEMENTATION $common -x c \
    partaware.h -o "$out/libpartaware.so" -x none $libs
try "program that writes models" linked "$out/write" tests/identity/write.c
mkdir "$out/in"
try "models" "$out/write" "$out/in"
try "images" "$b/tools/make_creatures" --out "$out/creatures" --images 5
find "$out/creatures" -name '*.png' -o -name '*.jpg' | sort >"$out/images"
for recipe in deit dino mae; do
    weights=$out/in/$recipe.safetensors
    try "$recipe: embed" "$b/examples/embed" --weights "$weights" --images $(cat "$out/images") \
        --out "$out/features" --save cls --quiet
    try "$recipe: ctypes" python3 $tool "$out/libpartaware.so" "$weights" "$out/cls.npy" \
        $(cat "$out/features/files.txt")
    try "$recipe: other bytes" cmp "$out/cls.npy" "$out/features/cls.npy"
done
# A message, not a traceback, where something fails.
python3 $tool "$out/libpartaware.so" "$out/none.pth" "$out/cls.npy" "$weights" >"$out/said" 2>&1
try "missing file is named" grep -q '^use_from_python: .*none.pth' "$out/said"
try "in one line" [ "$(wc -l <"$out/said")" -eq 1 ]

# The five lines of its text.
python3 - $tool >"$out/five.py" <<'END'
import ast, sys
text = ast.get_docstring(ast.parse(open(sys.argv[1]).read()))
print("\n".join(line.strip() for line in text.split("\n\n")[2].splitlines()))
END
try "five lines" [ "$(wc -l <"$out/five.py")" -eq 5 ]
try "the five lines" sh -c "cd '$out' && python3 five.py | tee /dev/stderr | grep -q 'is most like'"
finish
