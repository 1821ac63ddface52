"""COCO's evaluation of boxes by pycocotools, for each line on standard input: "version", or a folder with annotations.json and
detections.json, which it reads and evaluates; it prints milliseconds of reading, milliseconds of evaluating, and the twelve figures."""
import contextlib
import importlib.metadata
import os
import sys
import time

import numpy
import pycocotools.coco
from pycocotools.cocoeval import COCOeval


def evaluate(folder):
    start = time.perf_counter()
    truth = pycocotools.coco.COCO(os.path.join(folder, "annotations.json"))
    found = truth.loadRes(os.path.join(folder, "detections.json"))
    read = time.perf_counter()
    evaluation = COCOeval(truth, found, "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return [1e3 * (read - start), 1e3 * (time.perf_counter() - read), *evaluation.stats]


for line in sys.stdin:
    if line.strip() == "version":
        try:
            version = importlib.metadata.version("pycocotools")
        except importlib.metadata.PackageNotFoundError:
            version = "not from a package"
        print(f"{version} with NumPy {numpy.__version__}", flush=True)
        continue
    # pycocotools tells on standard output how far it is.
    with contextlib.redirect_stdout(None):
        answer = evaluate(line.strip())
    print(*map(float, answer), flush=True)
