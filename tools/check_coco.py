#!/usr/bin/env python3
"""check_coco.py - counts the part patches of a COCO key point file, written from the protocol's text.

Usage: python3 tools/check_coco.py ROOT [SPLIT ...]     (default: train2017 val2017)
Reads ROOT/annotations/person_keypoints_SPLIT.json whole, with the standard library alone, and
prints per protocol the patches, their classes and a checksum of the list, to be held against
paw_index_coco_parts. It shares no code with partaware.h. Where ROOT/annotations has an
instances_SPLIT.json, the objects of the protocol's proposal are counted too.
"""
import json
import math
import os
import sys
import zlib

PARTS = [1, 11, 16]  # nose, right wrist, left ankle


def patches(data, protocol):
    """(image id, annotation id, part, x, y, half side), sorted; and what was left out."""
    by_image, out = {}, {"invisible": 0, "person": 0, "position": 0, "alone": 0, "near": 0, "far": 0}
    for person in data["annotations"]:
        points = [person["keypoints"][3 * p - 3:3 * p] + [p] for p in PARTS]
        seen = [q for q in points if q[2] == 2]
        out["invisible"] += len(points) - len(seen)
        if any(q[:2] == [0, 0] for q in seen):  # stands for no position: not of the protocol
            out["position"] += len(seen)
            continue
        if len(seen) < 2:
            out["person"] += len(seen)
            continue
        for x, y, _, part in seen:
            by_image.setdefault(person["image_id"], []).append((x, y, person["id"], part))
    found = []
    for image, points in by_image.items():
        for x, y, person, part in points:
            columns = [(x - a, y - b, person - i if protocol == "code" else 0)
                       for a, b, i, _ in points]
            gaps = [math.sqrt(sum(d * d for d in c)) for c in columns]
            nearest = min([999999.0 if g == 0 else g for g in gaps])
            e = nearest / 2
            if not 20 < e < 1000:
                out["alone" if nearest == 999999.0 else "near" if e <= 20 else "far"] += 1
                continue
            found.append((image, person, part, x, y, round(e / 2 if protocol == "code" else e)))
    return sorted(found), out


def objects(data):
    rank = {c: i for i, c in enumerate(sorted(c["id"] for c in data["categories"]))}
    found = []
    for a in data["annotations"]:
        w, h = a["bbox"][2:]
        if not a["iscrowd"] and min(w, h) >= 40 and max(w, h) / min(w, h) <= 1.25:
            found.append((a["image_id"], a["id"], rank[a["category_id"]]))
    return sorted(found)


def main():
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__.strip())
        return 0 if len(sys.argv) > 1 else 2
    root, splits = sys.argv[1], sys.argv[2:] or ["train2017", "val2017"]
    for split in splits:
        with open(os.path.join(root, "annotations", "person_keypoints_%s.json" % split)) as f:
            data = json.load(f)
        for protocol in ("code", "paper"):
            found, out = patches(data, protocol)
            text = "".join("%d,%d,%d,%.9g,%.9g,%d\n" % p for p in found)
            print("%s %s: %d images, %d patches, per class %s, skipped %s, crc32 %08x" % (
                split, protocol, len(data["images"]), len(found),
                [sum(p[2] == k for p in found) for k in PARTS],
                " ".join("%s %d" % kv for kv in out.items()), zlib.crc32(text.encode())))
        path = os.path.join(root, "annotations", "instances_%s.json" % split)
        if os.path.exists(path):
            with open(path) as f:
                found = objects(json.load(f))
            text = "".join("%d,%d,%d\n" % o for o in found)
            print("%s: %d objects, crc32 %08x" % (split, len(found), zlib.crc32(text.encode())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
