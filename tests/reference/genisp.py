"""Writes tests/GenIsp.Tests/Fixtures/genisp.json: outputs of the GenISP network in PyTorch.

Run with a Python that has PyTorch: Debian's /usr/bin/python3 with python3-torch. Weights and inputs come from an integer formula that
the test repeats. Give the folder of the Delft weights as the argument to write their outputs too; else those in the file are kept.
"""
import json
import os
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

OUT = os.path.join(os.path.dirname(__file__), "..", "GenIsp.Tests", "Fixtures", "genisp.json")


def formula(count, seed):
    """Uniform in -0.5..0.5, exact in both languages: a multiplicative hash of the index."""
    i = torch.arange(count, dtype=torch.int64)
    h = (i * 2654435761 + seed * 40503 + 12345) % 2 ** 32
    h = (h ^ (h >> 15)) * 2246822519 % 2 ** 32
    return (h ^ (h >> 13)).double() / 2 ** 32 - 0.5


class ImageToParameters(nn.Module):
    def __init__(self, outputs, pools, slope):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 7, padding=3)
        self.conv2 = nn.Conv2d(16, 32, 5, padding=2)
        self.conv3 = nn.Conv2d(32, 128, 3, padding=1)
        self.mlp = nn.Sequential(nn.Linear(128, outputs))
        self.pools, self.slope = pools, slope

    def forward(self, x):
        for conv, pool in zip((self.conv1, self.conv2, self.conv3), self.pools):
            x = F.max_pool2d(F.leaky_relu(conv(x), self.slope), pool)
        return self.mlp(F.adaptive_avg_pool2d(x, 1).flatten(1))


class Shallow(nn.Module):
    def __init__(self, slope):
        super().__init__()
        self.conv1, self.conv2, self.conv3 = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 64, 3, padding=1), nn.Conv2d(64, 3, 1)
        self.slope = slope

    def forward(self, x):
        x = F.leaky_relu(nn.InstanceNorm2d(16)(self.conv1(x)), self.slope)
        x = F.leaky_relu(nn.InstanceNorm2d(64)(self.conv2(x)), self.slope)
        return self.conv3(x)


class GenIsp(nn.Module):
    def __init__(self, pools=(2, 2, 2), slope=0.01):
        super().__init__()
        self.conv_wb, self.conv_cc = ImageToParameters(3, pools, slope), ImageToParameters(9, pools, slope)
        self.shallow = Shallow(slope)

    def forward(self, xyz):
        def small(x):
            return F.interpolate(x, (256, 256), mode="bilinear", align_corners=False)
        xyz = xyz * self.conv_wb(small(xyz))[:, :, None, None]
        matrix = self.conv_cc(small(xyz)).view(-1, 3, 3)
        return self.shallow(torch.einsum("nij,njhw->nihw", matrix, xyz))


def fill(model):
    state = model.state_dict()
    for seed, (name, tensor) in enumerate(sorted(state.items())):
        fan_in = tensor[0].numel() if tensor.dim() > 1 else 16
        state[name] = (formula(tensor.numel(), seed) * 3 / fan_in ** 0.5).float().view(tensor.shape)
    model.load_state_dict(state)
    return model


def run(model, shape, scale):
    xyz = ((formula(torch.Size(shape).numel(), 99) + 0.45) * scale).float().view(shape)  # a few below 0, as noise is
    with torch.no_grad():
        out = model.double()(xyz.double())  # float32 loses digits in the dark, others on each processor
    flat = out.flatten()
    step = max(1, flat.numel() // 200)
    return {
        "shape": shape, "scale": scale, "mean": out.mean().item(), "deviation": out.std(unbiased=False).item(),
        "step": step, "values": [round(v, 7) for v in flat[::step].tolist()],
    }


if __name__ == "__main__":
    torch.manual_seed(0)
    previous = json.load(open(OUT)) if os.path.exists(OUT) else {}
    fixture = {"parameters": sum(p.numel() for p in GenIsp().parameters()), "cases": [], "delft": previous.get("delft", [])}
    for pools, slope, shape, scale in (
        ((2, 2, 2), 0.01, (1, 3, 64, 96), 1.0),
        ((2, 2, 2), 0.01, (2, 3, 37, 21), 0.02),  # a batch, odd sides, dark
        ((4, 3, 2), 0.2, (1, 3, 300, 270), 0.3),  # larger than the 256 × 256 copy
    ):
        fixture["cases"].append({"pools": pools, "slope": slope, **run(fill(GenIsp(pools, slope)), shape, scale)})
    if len(sys.argv) > 1:
        model = GenIsp((4, 3, 2))
        for part, name in (("conv_wb", "convwb"), ("conv_cc", "convcc"), ("shallow", "shallowconv")):
            state = torch.load(os.path.join(sys.argv[1], name + "_model.pth"), map_location="cpu")
            getattr(model, part).load_state_dict({k: v.float() for k, v in state.items()})
        fixture["delft"] = [run(model, (1, 3, 120, 160), 0.2)]
    with open(OUT, "w") as f:
        json.dump(fixture, f, separators=(",", ":"))
