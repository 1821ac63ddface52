#!/usr/bin/python3
"""Writes the fixtures of the tests of GenIsp.Weights: real PyTorch checkpoints, hostile ones, and a safetensors file.

Needs torch (made with 1.13). Every value follows a formula, so that the tests compute it themselves:
element i of a tensor is i / 2 - 3 (floating point), i - 3 (signed), i (unsigned), i % 3 == 0 (bool).
"""
import argparse
import collections
import json
import os
import pathlib
import struct
import sys

import numpy as np
import torch

TYPES = {
    "float64": torch.float64, "float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16,
    "int64": torch.int64, "int32": torch.int32, "int16": torch.int16, "int8": torch.int8, "uint8": torch.uint8, "bool": torch.bool,
}


def formula(shape, dtype=torch.float32):
    i = torch.arange(int(np.prod(shape)))
    if dtype == torch.bool:
        values = i % 3 == 0
    elif dtype == torch.uint8:
        values = i
    elif dtype.is_floating_point:
        values = i / 2 - 3
    else:
        values = i - 3
    return values.to(dtype).reshape(shape)


class Evil:
    def __reduce__(self):
        return os.system, ("touch genisp-was-here",)


def plain():
    return collections.OrderedDict((("conv.weight", formula((4, 3, 3, 3))), ("conv.bias", formula((4,)))))


def checkpoints():
    base = formula((6, 8))
    module = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 1), torch.nn.BatchNorm2d(3))
    for tensor in module.state_dict().values():
        tensor.copy_(formula(tensor.shape, tensor.dtype))
    yield "plain", plain()
    yield "types", {name: formula((2, 5), dtype) for name, dtype in TYPES.items()}
    yield "shapes", {"scalar": formula(()), "empty": formula((3, 0, 2)), "one": formula((1,)), "five": formula((1, 2, 1, 3, 2))}
    yield "views", {
        "base": base,
        "transposed": base.t(),
        "columns": base[:, 2:7:2],
        "rows": base[2:4],
        "channels_last": formula((2, 3, 4, 5)).contiguous(memory_format=torch.channels_last),
        "expanded": formula((1,)).expand(4),
        "bytes": formula((4, 6), torch.uint8).t(),
        "doubles": formula((4, 6), torch.float64).t(),
        "halves": formula((4, 6), torch.float16).t(),
    }
    yield "module", module.state_dict()
    yield "parameters", dict(module.named_parameters())
    yield "data_parallel", torch.nn.DataParallel(module).state_dict()
    optimizer = torch.optim.Adam(module.parameters())
    module(torch.ones(1, 2, 2, 2)).sum().backward()
    optimizer.step()
    for tensor in module.state_dict().values():
        tensor.copy_(formula(tensor.shape, tensor.dtype))
    yield "training", {
        "epoch": 7, "best": np.float64(0.5), "loss": 0.25, "random": np.arange(4, dtype=np.uint32), "size": torch.Size([1, 2]),
        "args": argparse.Namespace(rate=0.1, out=pathlib.PosixPath("runs"), device=torch.device("cpu"), dtype=torch.float32),
        "seen": {1, 2}, "history": collections.defaultdict(list, {"loss": [1.0, 0.5]}), "huge": 1 << 80, "bytes": b"\0\1",
        "model": module.state_dict(), "optimizer": optimizer.state_dict(),
    }
    yield "state_dict", {"state_dict": plain(), "epoch": 1}
    yield "model_state_dict", {"model_state_dict": plain()}
    yield "nested", {"model": {"state_dict": plain()}}
    yield "evil", Evil()
    yield "evil_beside", {"model": plain(), "optimizer": Evil()}
    yield "no_tensors", {"epoch": 7, "name": "none"}
    yield "tensor", formula((2,))


def safetensors(path):
    header, data = {"__metadata__": {"isp": "genisp", "note": "Ω"}}, b""
    for name, dtype in TYPES.items():
        tensor = formula((2, 5), dtype)
        raw = (tensor.view(torch.int16) if dtype == torch.bfloat16 else tensor).numpy().tobytes()
        short = {"uint8": "U8", "bool": "BOOL", "bfloat16": "BF16"}.get(name) or name[0].upper() + name.lstrip("floatin")
        header[name] = {"dtype": short, "shape": [2, 5], "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def main():
    folder = pathlib.Path(__file__).parents[1] / "GenIsp.Tests" / "Fixtures" / "weights"
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    for name, content in checkpoints():
        for kind, zipped in (("zip", True), ("legacy", False)):
            torch.save(content, folder / f"{name}.{kind}.pth", _use_new_zipfile_serialization=zipped)
    torch.save(plain(), folder / "protocol4.zip.pth", pickle_protocol=4)
    torch.save(plain(), folder / "protocol4.legacy.pth", pickle_protocol=4, _use_new_zipfile_serialization=False)
    # Only as a zip: the older format also stores the source of the model's classes.
    torch.save(torch.nn.Linear(1, 1), folder / "whole_model.zip.pth")
    torch.jit.save(torch.jit.script(torch.nn.Conv2d(1, 1, 1)), str(folder / "scripted.zip.pth"))
    safetensors(folder / "types.safetensors")


if __name__ == "__main__":
    sys.exit(main())
