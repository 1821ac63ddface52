"""Writes tests/GenIsp.Tests/Fixtures/color.json: mosaics to XYZ, step by step in float64 with PyTorch's own bilinear resize.

Run with a Python that has PyTorch: Debian's /usr/bin/python3 with python3-torch. Mosaics come from a formula that the test repeats.
"""
import json
import os

import torch
import torch.nn.functional as F

SONY = [[1.0315, -0.4390, -0.0937], [-0.4859, 1.2734, 0.2365], [-0.0734, 0.1537, 0.5997]]
BLACK = {"R": 800.0, "G1": 790.0, "G2": 810.0, "B": 805.0}
WHITE = 16300.0


def mosaic(width, height):
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return ((x * x * 37 + y * y * 91 + x * y * 13) * 7) % 16384  # some below black, some above white


def colour_at(cfa, x, y):
    letter = cfa[2 * y + x]
    if letter != "G":
        return letter
    return "G1" if "R" in cfa[2 * y:2 * y + 2] else "G2"


def develop(raw, cfa, size, cst, antialias):
    planes = {}
    for y in (0, 1):
        for x in (0, 1):
            colour = colour_at(cfa, x, y)
            v = raw[y::2, x::2][:raw.shape[0] // 2, :raw.shape[1] // 2].double()
            v = (v - BLACK[colour]) / (WHITE - BLACK[colour])
            planes[colour] = v.clamp(max=1)
    rgb = torch.stack([planes["R"], (planes["G1"] + planes["G2"]) / 2, planes["B"]])
    matrix = torch.tensor(SONY, dtype=torch.float64)
    matrix = {"inverse": torch.linalg.inv(matrix), "direct": matrix, "none": torch.eye(3, dtype=torch.float64)}[cst]
    xyz = torch.einsum("ij,jhw->ihw", matrix, rgb)
    return F.interpolate(xyz[None], size=size[::-1], mode="bilinear", align_corners=False, antialias=antialias)[0]


cases = []
for cfa in ("RGGB", "GRBG", "GBRG", "BGGR"):
    for (width, height), size, cst, antialias in (
        ((24, 16), (5, 4), "inverse", False), ((19, 13), (9, 6), "direct", False), ((16, 12), (20, 15), "none", False),
        ((2, 2), (3, 2), "inverse", False), ((24, 16), (5, 3), "inverse", True), ((34, 21), (4, 9), "none", True),
        ((16, 12), (20, 15), "direct", True), ((38, 26), (1, 1), "inverse", True),
    ):
        xyz = develop(mosaic(width, height), cfa, size, cst, antialias)
        cases.append({
            "cfa": cfa, "width": width, "height": height, "size": size, "cst": cst, "antialias": antialias,
            "pixels": [round(v, 9) for v in xyz.flatten().tolist()],
        })

out = os.path.join(os.path.dirname(__file__), "..", "GenIsp.Tests", "Fixtures", "color.json")
with open(out, "w") as f:
    json.dump({"black": [BLACK[c] for c in ("R", "G1", "G2", "B")], "white": WHITE, "cases": cases}, f, separators=(",", ":"))
