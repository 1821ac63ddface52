#!/usr/bin/python3
"""Writes Fixtures/retinanet.json: what torchvision 0.14.1's RetinaNet gives on weights, images and head outputs made by a formula.

The real weights are 130 MB, so each number is made from a hash of its tensor's name and its index, by the same float32 operations
as in PseudoWeights.cs. A greedy suppression turns on single comparisons: where a comparison would be so close that rounding could decide
it, the next salt is taken, which changes the class biases.
"""
import json
import math
import pathlib

import numpy as np
import torch
import torchvision
from torchvision.models.detection import retinanet_resnet50_fpn_v2
from torchvision.models.detection._utils import BoxCoder, overwrite_eps
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import _resnet_fpn_extractor
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.retinanet import RetinaNet, _default_anchorgen
from torchvision.models.detection.transform import GeneralizedRCNNTransform
from torchvision.models.resnet import resnet50
from torchvision.ops.feature_pyramid_network import LastLevelP6P7
from torchvision.ops.misc import FrozenBatchNorm2d

OUTPUT = pathlib.Path(__file__).parent.parent / "GenIsp.Tests" / "Fixtures" / "retinanet.json"
SAMPLES = 200
f32 = np.float32


def uniform(name, count):
    """Numbers in [0, 1): FNV-1a of the name, then murmur3's finalizer over the index."""
    seed = 2166136261
    for byte in name.encode("ascii"):
        seed = (seed ^ byte) * 16777619 & 0xFFFFFFFF
    h = np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B1) + np.uint32(seed)
    h ^= h >> np.uint32(16)
    h *= np.uint32(0x85EBCA6B)
    h ^= h >> np.uint32(13)
    h *= np.uint32(0xC2B2AE35)
    h ^= h >> np.uint32(16)
    return (h >> np.uint32(8)).astype(np.float32) * f32(2.0**-24)


def between(name, count, low, high):
    return f32(low) + uniform(name, count) * (f32(high) - f32(low))


def weight(name, shape, class_bias, class_gain, box_gain, salt):
    count = int(np.prod(shape))
    if name.endswith("num_batches_tracked"):
        return np.zeros(shape, np.int64)
    if len(shape) == 4:
        fan_in = shape[1] * shape[2] * shape[3]
        # Variance 2 / fan-in where a ReLU follows, 1 / fan-in in the pyramid.
        gain = class_gain if "cls_logits" in name else box_gain if "bbox_reg" in name else 3.0 if ".fpn." in name else 6.0
        bound = math.sqrt(gain / fan_in)
        values = between(name, count, -bound, bound)
    elif name == "head.classification_head.cls_logits.bias":
        values = between(f"{name}{salt}", count, class_bias - 1.0, class_bias + 1.0)
    elif name.endswith("running_var"):
        # The first is so small that an epsilon of 1e-5 counts.
        values = between(name, count, 0.5, 1.5) * f32(1e-4 if "body.bn1." in name else 1.0)
    elif name.endswith("bias") or name.endswith("running_mean"):
        values = between(name, count, -0.1, 0.1) * f32(0.01 if "body.bn1.running" in name else 1.0)
    else:
        # Small on each block's last norm, so that the sum over the blocks does not grow.
        factor = 0.3 if "bn3" in name else 0.01 if "body.bn1." in name else 1.0
        values = between(name, count, 0.75, 1.25) * f32(factor)
    return values.reshape(shape)


def image(name, height, width):
    """Blocks of 8×8 pixels with noise on them."""
    blocks = uniform(name + ".blocks", 3 * ((height + 7) // 8) * ((width + 7) // 8))
    blocks = blocks.reshape(3, (height + 7) // 8, (width + 7) // 8).repeat(8, 1).repeat(8, 2)[:, :height, :width]
    noise = uniform(name + ".noise", 3 * height * width).reshape(3, height, width)
    return torch.from_numpy(f32(0.75) * blocks + f32(0.25) * noise)


def build(version, classes, min_size, max_size):
    if version == 2:
        return retinanet_resnet50_fpn_v2(weights=None, weights_backbone=None, num_classes=classes, min_size=min_size, max_size=max_size)
    # What retinanet_resnet50_fpn builds, without downloading the weights that make it freeze its batch norms.
    backbone = _resnet_fpn_extractor(
        resnet50(weights=None, norm_layer=FrozenBatchNorm2d), 0, returned_layers=[2, 3, 4], extra_blocks=LastLevelP6P7(256, 256))
    model = RetinaNet(backbone, classes, min_size=min_size, max_size=max_size)
    overwrite_eps(model, 0.0)
    return model


def rounded(values, digits=None):
    """As many digits as float32 holds, or so many behind the point."""
    values = [float(f"{float(v):.9g}") for v in np.asarray(values).reshape(-1)]
    return values if digits is None else [round(v, digits) for v in values]


def samples(tensor):
    flat = tensor.detach().numpy().reshape(-1)
    picked = flat[[k * flat.size // SAMPLES for k in range(min(SAMPLES, flat.size))]]
    return {"shape": list(tensor.shape), "samples": rounded(picked), "mean": float(flat.mean(dtype=np.float64)),
            "meanAbs": float(np.abs(flat).mean(dtype=np.float64))}


class CloseCall(Exception):
    pass


def require(condition, message):
    if not condition:
        raise CloseCall(message)


def check_margins(model, logits, regression, anchors, sizes, tolerance):
    """No comparison may be so close that rounding decides it."""
    for i, size in enumerate(sizes):
        boxes, scores, labels = [], [], []
        for l, r, a in zip(logits, regression, anchors[i]):
            s = torch.sigmoid(l[i]).flatten()
            near = (s - model.score_thresh).abs().min().item()
            require(near > 3 * tolerance, f"a score is {near} from the threshold")
            at = torch.where(s > model.score_thresh)[0]
            best, order = s[at].sort(descending=True)
            if len(best) > model.topk_candidates:
                gap = (best[model.topk_candidates - 1] - best[model.topk_candidates]).item()
                require(gap > tolerance, f"the last candidate of a level wins by {gap}")
            at = at[order][: model.topk_candidates]
            where = torch.div(at, l.shape[-1], rounding_mode="floor")
            box = model.box_coder.decode_single(r[i][where], a[where])
            boxes.append(torchvision.ops.clip_boxes_to_image(box, size))
            scores.append(best[: model.topk_candidates])
            labels.append(at % l.shape[-1])
        boxes, scores, labels = torch.cat(boxes), torch.cat(scores), torch.cat(labels)
        keep = torchvision.ops.batched_nms(boxes, scores, labels, model.nms_thresh)
        # Only kept boxes suppress, and only of their class.
        iou = torchvision.ops.box_iou(boxes[keep], boxes)
        iou[labels[keep][:, None] != labels[None]] = 0
        near = (iou - model.nms_thresh).abs().nan_to_num(1).min().item()
        best = scores[keep][: model.detections_per_img + 1]
        gap = -best.diff().max().item()
        print(f"  kept {len(keep)}, nearest IoU {near:.2g}, smallest gap of scores {gap:.2g}")
        require(near > 20 * tolerance, f"an IoU is {near} from the threshold")
        require(gap > tolerance, f"two scores are {gap} apart")
        if len(best) > model.detections_per_img:
            require(best[-2] - best[-1] > 3 * tolerance, "the last detection wins by little")


def case(version, classes, min_size, max_size, sizes, class_bias, class_gain, box_gain, salt):
    model = build(version, classes, min_size, max_size).eval()
    shapes = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    model.load_state_dict({
        name: torch.from_numpy(weight(name, shape, class_bias, class_gain, box_gain, salt)) for name, shape in shapes.items()})
    images = [image(f"image{i}", *size) for i, size in enumerate(sizes)]
    with torch.no_grad():
        batch, _ = model.transform(images)
        features = list(model.backbone(batch.tensors).values())
        head = model.head(features)
        anchors = model.anchor_generator(batch, features)
        per_level = [f.shape[2] * f.shape[3] * 9 for f in features]
        check_margins(model, head["cls_logits"].split(per_level, 1), head["bbox_regression"].split(per_level, 1),
                      [a.split(per_level) for a in anchors], batch.image_sizes, 2e-6)
        detections = model(images)
    return {
        "version": version, "classes": classes, "classBias": class_bias, "classGain": class_gain, "boxGain": box_gain, "salt": salt,
        "minSize": min_size, "maxSize": max_size, "images": sizes,
        "batch": samples(batch.tensors), "sizes": [list(s) for s in batch.image_sizes], "anchorsPerLevel": per_level,
        "classLogits": samples(head["cls_logits"]), "boxRegression": samples(head["bbox_regression"]),
        "detections": [{"boxes": rounded(d["boxes"], 3), "scores": rounded(d["scores"], 6), "labels": d["labels"].tolist()}
                       for d in detections],
    }


def names():
    """Name and shape of every tensor of a state dict with 91 classes."""
    v1, v2 = (
        {" ".join([name, *map(str, value.shape)]) for name, value in build(version, 91, 800, 1333).state_dict().items()}
        for version in (1, 2))
    return {"both": sorted(v1 & v2), "v1": sorted(v1 - v2), "v2": sorted(v2 - v1)}


def resized_sizes():
    """(height, width, min, max, height, width)"""
    rows = []
    for min_size, max_size in [(800, 1333), (160, 266)]:
        transform = GeneralizedRCNNTransform(min_size, max_size, [0.0] * 3, [1.0] * 3).eval()
        sides = [96, 131, 360, 427, 480, 500, 612, 640, 800, 1067, 1333]
        for height in sides:
            for width in sides:
                resized, _ = transform.resize(torch.zeros(3, height, width))
                rows.append([height, width, min_size, max_size, *resized.shape[-2:]])
    return rows


def anchors(height, width):
    grids = [(math.ceil(height / s), math.ceil(width / s)) for s in (8, 16, 32, 64, 128)]
    features = [torch.zeros(1, 1, *grid) for grid in grids]
    boxes = _default_anchorgen()(ImageList(torch.zeros(1, 3, height, width), [(height, width)]), features)[0]
    return {"height": height, "width": width, "grids": grids, **samples(boxes)}


def box_coder():
    def boxes(name):
        x, y = between(name + ".x", 100, 0.0, 50.0), between(name + ".y", 100, 0.0, 50.0)
        right, bottom = x + between(name + ".w", 100, 1.0, 60.0), y + between(name + ".h", 100, 1.0, 60.0)
        return torch.from_numpy(np.stack([x, y, right, bottom], 1))

    coder = BoxCoder((1.0, 1.0, 1.0, 1.0))
    offsets = torch.from_numpy(between("offsets", 400, -5.0, 5.0).reshape(100, 4))
    return {"encoded": rounded(coder.encode_single(boxes("boxes"), boxes("anchors"))),
            "decoded": rounded(coder.decode_single(offsets, boxes("anchors")))}


def post_processing(salt):
    """Over 1000 candidates on a level, over 300 boxes left, log-scales beyond the bound, an image narrower than the batch."""
    model = RetinaNet(build(1, 7, 64, 96).backbone, 7)
    height, width, classes = 128, 160, 7
    grids = [(math.ceil(height / s), math.ceil(width / s)) for s in (8, 16, 32, 64, 128)]
    per_level = [h * w * 9 for h, w in grids]
    total = sum(per_level)
    logits = torch.from_numpy(between(f"logits{salt}", total * classes, -9.0, 1.0).reshape(1, total, classes))
    regression = torch.from_numpy(between("regression", total * 4, -1.0, 1.0).reshape(1, total, 4))
    regression[0, ::50, 2:] = 5.0
    boxes = _default_anchorgen()(ImageList(torch.zeros(1, 3, height, width), [(height, width)]), [torch.zeros(1, 1, *g) for g in grids])[0]
    size = (120, 150)
    split = {"cls_logits": list(logits.split(per_level, 1)), "bbox_regression": list(regression.split(per_level, 1))}
    check_margins(model, split["cls_logits"], split["bbox_regression"], [boxes.split(per_level)], [size], 2e-7)
    found = model.postprocess_detections(split, [list(boxes.split(per_level))], [size])[0]
    return {"height": height, "width": width, "salt": salt, "classes": classes, "grids": grids, "size": size,
            "boxes": rounded(found["boxes"], 4), "scores": rounded(found["scores"], 7), "labels": found["labels"].tolist()}


def with_margins(make, *arguments):
    for salt in range(100):
        try:
            return make(*arguments, salt)
        except CloseCall as problem:
            print(f"salt {salt}: {problem}")
    raise SystemExit("No salt fits.")

if __name__ == "__main__":
    torch.set_num_threads(2)
    fixture = {
        "cases": {
            "v2, COCO's classes, enlarged": with_margins(case, 2, 91, 160, 266, [[120, 200]], -9.7, 24.0, 1.0),
            "v2, a batch of unequal odd sizes": with_margins(case, 2, 91, 160, 266, [[97, 131], [300, 170]], -11.5, 24.0, 1.0),
            "v1, four classes, bounded by the long side": with_margins(case, 1, 4, 160, 266, [[161, 401]], -6.7, 0.2, 0.01),
        },
        "resizedSizes": resized_sizes(),
        "anchors": [anchors(160, 288), anchors(800, 1344)],
        "boxCoder": box_coder(),
        "postProcessing": with_margins(post_processing),
        "names": names(),
    }
    OUTPUT.write_text(json.dumps(fixture, separators=(",", ":"), ensure_ascii=False).replace('],"', '],\n"') + "\n")
    print(OUTPUT.stat().st_size, "bytes")
