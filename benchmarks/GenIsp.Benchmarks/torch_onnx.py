"""An ONNX detector in PyTorch eager, node by node. Its first argument is the file. For each line on standard input: "detect" goes through
the network, "learn" with two pictures from GenISP through the network and back to GenISP's weights; both print milliseconds. Any other line
"width height" makes the pictures, and prints PyTorch's version."""
import os
import sys
import time

import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper

from genisp import GenIsp, fill

torch.set_num_threads(len(os.sched_getaffinity(0)))
torch.manual_seed(1)


def conv(x, a, weight, bias=None):
    pads = a.get("pads", [0, 0, 0, 0])
    return F.conv2d(x, weight, bias, a.get("strides", 1), pads[:2], a.get("dilations", 1), a.get("group", 1))


def max_pool(x, a):
    return F.max_pool2d(x, a["kernel_shape"], a.get("strides", 1), a.get("pads", [0, 0])[:2])


def resize(x, a, region=None, scales=None, sizes=None):
    mode = {b"nearest": "nearest", b"linear": "bilinear"}[a["mode"]]
    corners = False if mode == "bilinear" else None
    if scales is not None and scales.numel():
        return F.interpolate(x, scale_factor=scales[2:].tolist(), mode=mode, align_corners=corners)
    return F.interpolate(x, size=sizes[2:].tolist(), mode=mode, align_corners=corners)


def cut(x, a, starts, ends, axes, steps=None):
    steps = [1] * len(starts) if steps is None else steps.tolist()
    for start, end, axis, step in zip(starts.tolist(), ends.tolist(), axes.tolist(), steps):
        index = [slice(None)] * x.dim()
        index[axis] = slice(start, end, step)
        x = x[tuple(index)]
    return x


def reshape(x, a, shape):
    return x.reshape([x.shape[i] if size == 0 else size for i, size in enumerate(shape.tolist())])


OPERATORS = {
    "Conv": conv,
    "MaxPool": max_pool,
    "Resize": resize,
    "Slice": cut,
    "Reshape": reshape,
    "Sigmoid": lambda x, a: torch.sigmoid(x),
    "LeakyRelu": lambda x, a: F.leaky_relu(x, a.get("alpha", 0.01)),
    "Mul": lambda x, a, y: x * y,
    "Add": lambda x, a, y: x + y,
    "Concat": lambda x, a, *others: torch.cat([x, *others], a["axis"]),
    "Transpose": lambda x, a: x.permute(a["perm"]),
    "Split": lambda x, a, sizes=None: torch.split(x, a["split"] if sizes is None else sizes.tolist(), a.get("axis", 0)),
    "Softmax": lambda x, a: torch.softmax(x, a.get("axis", -1)),
}
graph = onnx.load(sys.argv[1]).graph
constants = {tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).copy()) for tensor in graph.initializer}
nodes = [(node, {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}) for node in graph.node]
isp = fill(GenIsp())
pictures = []
image = torch.rand([dimension.dim_value for dimension in graph.input[0].type.tensor_type.shape.dim])


def network(x):
    values = {"": None, **constants, graph.input[0].name: x}
    for node, attributes in nodes:
        if node.op_type == "Constant":
            values[node.output[0]] = torch.from_numpy(numpy_helper.to_array(attributes["value"]).copy())
            continue
        first, *others = [values[name] for name in node.input]
        made = OPERATORS[node.op_type](first, attributes, *others)
        values.update(zip(node.output, made if isinstance(made, tuple) else [made]))
    return values[graph.output[0].name]


def detect():
    with torch.no_grad():
        network(image)


def learn():
    isp.zero_grad()
    for picture in pictures:
        developed = isp(picture)
        missing = [image.shape[3] - picture.shape[3], image.shape[2] - picture.shape[2]]
        network(F.pad(developed, [0, missing[0], 0, missing[1]])).abs().mean().backward()


for line in sys.stdin:
    if line.strip() in ("learn", "detect"):
        start = time.perf_counter()
        (learn if line.strip() == "learn" else detect)()
        print((time.perf_counter() - start) * 1e3, flush=True)
    else:
        width, height = map(int, line.split())
        pictures = [torch.rand(1, 3, height, width) * 0.3 for _ in range(2)]
        print(torch.__version__, flush=True)
