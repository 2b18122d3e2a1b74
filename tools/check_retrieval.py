#!/usr/bin/env python3
"""check_retrieval.py PROGRAM FOLDER [FEATURES.npy LABELS.npy]...: compares the average precision
that PROGRAM (tools/retrieve_npy) gives for every row with scikit-learn's
average_precision_score on the same features, to 1e-9. Without files it draws seeded sets into
FOLDER: Gaussian features, clusters, few distinct rows (ties), zero rows. Prints a line a check,
"PASS name: ..." or "FAIL name: ..."; exits with 77 where NumPy or scikit-learn is missing."""
import os
import subprocess
import sys

try:
    import numpy as np
    from sklearn.metrics import average_precision_score
except ImportError as e:
    print("SKIP %s" % e)
    sys.exit(77)

TOLERANCE = 1e-9


def cosines(x):
    """The protocol's similarity in float32. Products of whole numbers below 2^24 are exact in any
    order of summation, so that ties are the same; others differ by ulps and must not be ties."""
    xy = x @ x.T
    xx = np.array([np.dot(r, r) for r in x], dtype=np.float32)
    return xy / np.sqrt(np.maximum(np.outer(xx, xx), np.float32(1e-16)))


def expected(x, labels, exclude):
    s = cosines(x)
    out = np.full(len(x), np.nan)
    for i in range(len(x)):
        keep = np.arange(len(x)) != i if exclude else np.ones(len(x), bool)
        relevant = (labels == labels[i])[keep]
        if relevant.any():
            out[i] = average_precision_score(relevant, s[i][keep])
    return out


def compare(program, name, features, labels, exclude):
    command = [program, "--features", features, "--labels", labels]
    run = subprocess.run(command + (["--exclude-query"] if exclude else []),
                         stdout=subprocess.PIPE, universal_newlines=True)
    if run.returncode:
        print("FAIL %s: %s exits with %d" % (name, program, run.returncode))
        return False
    got = np.array([float(line) for line in run.stdout.split()])
    want = expected(np.load(features).astype(np.float32), np.load(labels), exclude)
    same_nan = len(got) == len(want) and (np.isnan(got) == np.isnan(want)).all()
    worst = np.nanmax(np.abs(got - want)) if same_nan and not np.isnan(want).all() else 0.0
    ok = same_nan and worst <= TOLERANCE
    print("%s %s: %d queries, largest difference %.3g" % ("PASS" if ok else "FAIL", name,
                                                          len(want), worst))
    return ok


def whole(rng, n, dim, high):
    return rng.integers(-high, high + 1, (n, dim)).astype(np.float32)


def draw(folder):
    rng = np.random.default_rng(1)
    clusters = whole(rng, 5, 24, 9)
    sets = {
        "noise": (whole(rng, 400, 32, 60), rng.integers(0, 4, 400)),
        "many_classes": (whole(rng, 300, 16, 40), rng.integers(0, 90, 300)),
        "ties": (whole(rng, 350, 4, 1), rng.integers(0, 3, 350)),
        "one_class": (whole(rng, 60, 8, 9), np.zeros(60, int)),
    }
    member = rng.integers(0, 5, 400)
    sets["clusters"] = (clusters[member] * 4 + whole(rng, 400, 24, 6), member)
    zero = whole(rng, 120, 6, 3)
    zero[::7] = 0
    sets["zero_rows"] = (zero, rng.integers(0, 5, 120))
    for name, (x, labels) in sets.items():
        paths = [os.path.join(folder, "%s_%s.npy" % (name, k)) for k in ("features", "labels")]
        np.save(paths[0], x)
        np.save(paths[1], labels.astype(np.int64))
        yield name, paths[0], paths[1]


def main():
    program, folder, files = sys.argv[1], sys.argv[2], sys.argv[3:]
    os.makedirs(folder, exist_ok=True)
    cases = [(os.path.basename(files[i]), files[i], files[i + 1])
             for i in range(0, len(files), 2)] or draw(folder)
    ok = True
    for name, features, labels in cases:
        ok &= compare(program, name, features, labels, False)
        ok &= compare(program, name + ", query excluded", features, labels, True)
    return 0 if ok else 1


sys.exit(main())
