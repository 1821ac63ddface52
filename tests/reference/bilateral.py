"""Writes tests/GenIsp.Tests/Fixtures/bilateral.json: the bilateral filter of Tomasi and Manduchi (ICCV 1998) pixel by pixel in float64.

As OpenCV's bilateralFilter for colour images: the window is a disc, colours differ by the sum of their channels' differences, the border
reflects without its last pixel. Run with a Python that has NumPy. Pictures come from a formula that the test repeats.
"""
import json
import os

import numpy as np


def picture(width, height):
    c, y, x = np.meshgrid(np.arange(3), np.arange(height), np.arange(width), indexing="ij")
    noise = (x * x * 37 + y * y * 91 + x * y * 13 + c * 57) % 101 / 101
    return 0.6 * (x > 0.4 * width) + 0.4 * noise  # an edge in noise


def bilateral(image, radius, sigma_color, sigma_space):
    _, height, width = image.shape
    padded = np.pad(image, ((0, 0), (radius, radius), (radius, radius)), mode="reflect")
    result = np.zeros_like(image)
    for y in range(height):
        for x in range(width):
            sums, total = np.zeros(3), 0.0
            for dy in range(-radius, radius + 1):
                for dx in range(-radius, radius + 1):
                    if dx * dx + dy * dy > radius * radius:
                        continue
                    value = padded[:, y + radius + dy, x + radius + dx]
                    distance = np.abs(value - image[:, y, x]).sum()
                    weight = (np.exp(-(dx * dx + dy * dy) / (2 * sigma_space**2))
                              * np.exp(-distance**2 / (2 * sigma_color**2)))
                    sums += weight * value
                    total += weight
            result[:, y, x] = sums / total
    return result


if __name__ == "__main__":
    cases = []
    for width, height, radius, sigma_color, sigma_space in (
        (19, 11, 4, 0.2, 2), (8, 6, 3, 0.6, 3), (3, 5, 4, 1, 1.5), (33, 2, 1, 0.1, 0.7),
    ):
        pixels = bilateral(picture(width, height), radius, sigma_color, sigma_space)
        cases.append({
            "width": width, "height": height, "radius": radius, "sigma_color": sigma_color, "sigma_space": sigma_space,
            "pixels": [round(v, 7) for v in pixels.flatten().tolist()],
        })
    out = os.path.join(os.path.dirname(__file__), "..", "GenIsp.Tests", "Fixtures", "bilateral.json")
    with open(out, "w") as f:
        json.dump({"cases": cases}, f, separators=(",", ":"))
