"""Writes tests/GenIsp.Tests/Fixtures/coco_eval.json: COCO's figures of made-up data sets, by a plain implementation of the protocol.

The protocol is COCO's (https://cocodataset.org/#detection-eval) as pycocotools runs it. Data sets come from a formula that the test
repeats, so only the figures are stored. Needs NumPy.
"""
import json
import os

import numpy as np

THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0, 1, 101)
RANGES = {"": (0, 1e10), "s": (0, 32 ** 2), "m": (32 ** 2, 96 ** 2), "l": (96 ** 2, 1e10)}


class Dice:
    """A linear congruential generator, the same on every side."""

    def __init__(self, seed):
        self.state = seed

    def roll(self, sides):
        self.state = (self.state * 1103515245 + 12345) & 0x7FFFFFFF
        return (self.state >> 8) % sides


def make(seed, images, classes, boxes, strays, grades, first_id):
    """Boxes with crowds; detections near them and astray, with `grades` different scores; classes of which only one side knows."""
    dice = Dice(seed)
    truths, found = [], []
    ids = [(i * 7919) % 10007 for i in range(images)]
    for image in ids:
        for _ in range(0 if dice.roll(5) == 0 else dice.roll(boxes + 1)):
            size = (24, 90, 300)[dice.roll(3)]
            x, y, w, h = dice.roll(400), dice.roll(300), 1 + dice.roll(size), 1 + dice.roll(size)
            category = 2 + 3 * dice.roll(classes)
            truths.append({
                "id": first_id + len(truths), "image_id": image, "category_id": category, "bbox": [x, y, w, h],
                "area": w * h * (50 + dice.roll(51)) / 100, "iscrowd": int(dice.roll(7) == 0),
            })
            for _ in range(dice.roll(3)):
                jitter = 1 + size // 12
                found.append({
                    "image_id": image, "category_id": category + (3 if dice.roll(9) == 0 else 0),
                    "bbox": [x + (dice.roll(2 * jitter) - jitter) / 2, y + (dice.roll(2 * jitter) - jitter) / 2,
                             w + dice.roll(jitter) / 2, h + dice.roll(jitter) / 2],
                    "score": dice.roll(grades) / grades,
                })
        for _ in range(dice.roll(strays + 1)):
            found.append({
                "image_id": image, "category_id": 2 + 3 * dice.roll(classes + 1),
                "bbox": [dice.roll(400), dice.roll(300), 1 + dice.roll(200), 1 + dice.roll(200)], "score": dice.roll(grades) / grades,
            })
    return ids, [2 + 3 * k for k in range(classes + 2)], truths, found


def overlap(a, b, crowd):
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    own = a[2] * a[3]
    return w * h / (own if crowd else own + b[2] * b[3] - w * h)


def match(truths, found, low, high):
    """One class in one image. Returns [10, detections] matched and ignored, and how many boxes were to be found."""
    skip = [bool(t["iscrowd"]) or not low <= t["area"] <= high for t in truths]
    order = sorted(range(len(truths)), key=lambda g: skip[g])
    matched = np.zeros((10, len(found)), bool)
    ignored = np.zeros((10, len(found)), bool)
    for t, threshold in enumerate(THRESHOLDS):
        free = set(range(len(truths)))
        for d, detection in enumerate(found):
            # A real box before an ignored one, then the larger overlap, then the later in the file.
            choices = [
                (not skip[g], overlap(detection["bbox"], truths[g]["bbox"], truths[g]["iscrowd"]), place, g)
                for place, g in enumerate(order) if g in free
            ]
            choices = [choice for choice in choices if choice[1] >= threshold]
            if choices:
                g = max(choices)[3]
                matched[t, d] = truths[g]["id"] != 0
                ignored[t, d] = skip[g]
                if not truths[g]["iscrowd"]:
                    free.remove(g)
    outside = np.array([not low <= d["bbox"][2] * d["bbox"][3] <= high for d in found], bool)
    return matched, ignored | (~matched & outside), skip.count(False)


def curves(images, truths, found, low, high, most):
    """One class. Returns AP and recall by threshold, or None where nothing was to be found."""
    matched, ignored, scores, positives = [], [], [], 0
    for image in sorted(images):
        mine = sorted((d for d in found if d["image_id"] == image), key=lambda d: -d["score"])[:100]
        m, i, count = match([t for t in truths if t["image_id"] == image], mine, low, high)
        matched.append(m[:, :most])
        ignored.append(i[:, :most])
        scores += [d["score"] for d in mine[:most]]
        positives += count
    if positives == 0:
        return None
    order = np.argsort(-np.array(scores), kind="stable")
    matched, ignored = np.concatenate(matched, 1)[:, order], np.concatenate(ignored, 1)[:, order]
    right = np.cumsum(matched & ~ignored, 1)
    wrong = np.cumsum(~matched & ~ignored, 1)
    precision = right / (right + wrong + np.spacing(1))
    best = np.maximum.accumulate(precision[:, ::-1], 1)[:, ::-1]
    recall = right / positives
    ap = np.zeros((10, len(RECALLS)))
    for t in range(10):
        for r, needed in enumerate(RECALLS):
            reached = np.flatnonzero(recall[t] >= needed)
            ap[t, r] = best[t, reached[0]] if len(reached) else 0
    return ap.mean(1), recall[:, -1] if recall.shape[1] else np.zeros(10)


def evaluate(images, categories, truths, found):
    def of_class(items, category):
        return [item for item in items if item["category_id"] == category]

    def average(values):
        values = list(values)
        return float(np.mean(values)) if values else -1.0

    figures = {}
    for name, (low, high) in RANGES.items():
        results = {c: curves(images, of_class(truths, c), of_class(found, c), low, high, 100) for c in categories}
        present = [result for result in results.values() if result]
        figures["AP" + name] = average(ap.mean() for ap, _ in present)
        figures["AR" + (name or "100")] = average(recall.mean() for _, recall in present)
        if not name:
            figures["AP50"] = average(ap[0] for ap, _ in present)
            figures["AP75"] = average(ap[5] for ap, _ in present)
            figures["per_class"] = {f"class {c}": float(r[0].mean()) if r else -1.0 for c, r in results.items()}
    for most in (1, 10):
        results = [curves(images, of_class(truths, c), of_class(found, c), 0, 1e10, most) for c in categories]
        figures[f"AR{most}"] = average(recall.mean() for _, recall in filter(None, results))
    return figures


CASES = [
    dict(seed=1, images=30, classes=4, boxes=8, strays=6, grades=1000, first_id=1),
    dict(seed=2, images=40, classes=2, boxes=5, strays=4, grades=5, first_id=1),  # most scores are equal
    dict(seed=3, images=6, classes=1, boxes=40, strays=260, grades=50, first_id=1),  # more than a hundred detections
    dict(seed=4, images=25, classes=3, boxes=4, strays=0, grades=3, first_id=0),  # the id 0
    dict(seed=5, images=12, classes=6, boxes=2, strays=1, grades=10, first_id=1),  # many classes without boxes
    dict(seed=6, images=5, classes=2, boxes=0, strays=3, grades=10, first_id=1),  # nothing to find
    dict(seed=7, images=1, classes=1, boxes=60, strays=0, grades=7, first_id=1),  # crowded
]

if __name__ == "__main__":
    out = os.path.join(os.path.dirname(__file__), "..", "GenIsp.Tests", "Fixtures", "coco_eval.json")
    cases = []
    for case in CASES:
        made = make(**case)
        cases.append({**case, "boxes_made": len(made[2]), "detections_made": len(made[3]), "figures": evaluate(*made)})
    with open(out, "w") as f:
        json.dump(cases, f, indent=1)
        f.write("\n")
